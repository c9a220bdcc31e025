"""A typed client of the native API; it needs nothing else of Chirp."""
