"""What the local Azure ML does, by raw calls and by the real SDK."""
