"""Blobs: large bytes, named by the hash of their content."""
