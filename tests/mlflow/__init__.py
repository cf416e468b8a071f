"""MLflow's plugins, on real servers and with stock clients."""

from __future__ import annotations
