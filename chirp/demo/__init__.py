"""A demo community: people, follows and tweets that are the same for the same seed and time."""
