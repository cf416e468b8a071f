"""Stageward: governs the lifecycle stages of machine-learning assets."""

__version__ = "0.1.0"
