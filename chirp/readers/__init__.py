"""Cached reads: the cache first, then the tables, one load for all who ask at once."""
