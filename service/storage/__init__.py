"""All that the service keeps, and all SQL of it: one file per noun, functions over an open `Session`.

A request is one transaction: `Database.begin()` gives the session, and commits or rolls back in the end. What these
functions return are frozen records, never rows. Diagnoses and annotations are superseded, never overwritten.
"""

from service.storage._rows import ConflictError, NotFoundError

__all__ = ["ConflictError", "NotFoundError"]
