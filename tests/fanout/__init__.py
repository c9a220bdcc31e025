"""Tests of the journal runner and its consumers."""
