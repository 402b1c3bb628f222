"""Reports on a bench: what succeeded, what it took, and why the rest failed; for a terminal, a program, a browser."""
