"""Stageward: governs the lifecycle stages of machine-learning assets."""

from __future__ import annotations

__version__ = "0.1.0"
