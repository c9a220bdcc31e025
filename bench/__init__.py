"""Benches: each script answers one question, prints one table and writes one JSON."""
