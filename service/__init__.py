"""The web: REST over the classifier."""
