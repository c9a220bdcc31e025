"""Test support: a fixed clock, engines with bad luck, and words to drive a whole Chirp with."""
