"""MLflow under Stageward: its clients and its servers, the real ones."""

from __future__ import annotations
