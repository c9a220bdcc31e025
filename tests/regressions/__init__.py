"""Faults that a hostile review found, each with the promise that it broke."""
