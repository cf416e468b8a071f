"""Tests of what Azure Functions calls."""
