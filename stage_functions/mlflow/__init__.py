"""For programs and servers of MLflow: a governed client, and what MLflow loads as plugins."""

from __future__ import annotations
