"""The examples: their files are what Azure ML takes, and their scripts do what they say."""
