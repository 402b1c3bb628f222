"""Texts -> vectors. One file per backend, each with `build(name) -> Embedder`; this folder is the registry."""
