"""A typed client of the HTTP API, for Python programs and for the command line."""

from __future__ import annotations

from stage_functions.client.client import Client
from stage_functions.client.connection import UnreachableError
from stage_functions.client.identity import Identity, NoIdentityError, bearer_of

__all__ = ["Client", "Identity", "NoIdentityError", "UnreachableError", "bearer_of"]
