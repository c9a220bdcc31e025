"""The load generator: what `chirp bench` runs against any Chirp server."""
