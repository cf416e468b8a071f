"""The demonstration: a real model goes through its lifecycle under rules."""
