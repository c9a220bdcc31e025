"""The invariants between rows, one noun a file; `chirp.storage.check` runs them all."""
