"""The adapters, on the real stores and servers that they are for."""
