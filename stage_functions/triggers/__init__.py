"""What Azure Functions calls: a payload in, a use case called. It decides nothing."""
