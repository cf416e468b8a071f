"""What the application asks of the outside, one small protocol a file."""
