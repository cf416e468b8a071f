"""The HTTP API, over a real server."""
