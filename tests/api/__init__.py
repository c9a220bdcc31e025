"""Tests of the native API over HTTP."""
