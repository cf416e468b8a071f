"""The example workflows of business systems, tried on events that are really published."""
