"""The embedded storage engine: narrow protocol, shard files, typed tables, the store."""
