"""The wire formats, in and out."""
