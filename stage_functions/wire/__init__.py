"""What comes in and goes out, as it is written on the wire: pure, tolerant in, exact out."""
