"""The native REST API: parse, call one service method, render."""
