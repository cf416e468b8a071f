"""The demonstration; its story is told, and checked, by `make demo ONCE=1`."""
