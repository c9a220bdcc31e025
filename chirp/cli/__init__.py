"""The command line: one file a group of commands, one line for every failure."""
