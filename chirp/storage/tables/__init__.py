"""Typed tables: which rows a record becomes, one noun a file. They know keys, not shards."""
