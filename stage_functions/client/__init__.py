"""A typed client of the HTTP API, for Python programs and for the command line."""

from __future__ import annotations

from stage_functions.client.client import Client
from stage_functions.client.connection import UnreachableError

__all__ = ["Client", "UnreachableError"]
