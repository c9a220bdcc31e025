"""The web UI: the same services as the API, as HTML pages for people."""
