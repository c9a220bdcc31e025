"""Simulated growth: life on a real server for some time, and a verdict on what grew."""
