"""One suite for each port, which every adapter of that port passes."""
