"""The shipped index and what it was made of: vectors, labels and ids, no text of others."""
