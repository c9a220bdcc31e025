"""What a file is, and making of it what is stored and shown."""
