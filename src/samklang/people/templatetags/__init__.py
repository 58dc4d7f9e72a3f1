"""Template tags about where the reader is."""
