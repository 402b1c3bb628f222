"""Addresses of databases and queues as they may be shown: they hold passwords."""

from __future__ import annotations

# of a query, what tells where it leads and how; anything else may be a password by one of its many names
PLAIN = frozenset({"host", "port", "dbname", "service", "sslmode", "connect_timeout", "application_name", "mode"})


def hidden(url: str) -> str:
    """Return a URL without its password and without what its query may hide; of one that is none, its scheme alone."""
    from sqlalchemy import make_url  # noqa: PLC0415 - heavy, and only here
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - as above

    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        scheme, separator, _ = url.partition("://")
        return f"{scheme}://..." if separator else "..."
    shown = {name: value if name in PLAIN else "hidden" for name, value in found.query.items()}
    return found.set(query=shown).render_as_string(hide_password=True)
