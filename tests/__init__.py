"""Tests: they mirror chirp/."""
