"""The API: one file per noun, each with a `router`; `service.app` includes them all.

An endpoint takes who asks by its type (`access.Reader`, `Client`, `Annotator`, `Admin`) and what all share by
`access.hub_of`; it opens one transaction and calls `service.storage`, where all SQL is. Errors are problems.
"""
