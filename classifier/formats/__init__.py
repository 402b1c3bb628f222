"""Bytes -> Trace. One file per format; this folder is the registry."""
