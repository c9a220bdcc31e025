"""Simulations: a whole Chirp against a plain model, under random load."""
