"""Questions to Azure whose answer may be no, or nothing at all."""

from __future__ import annotations

from typing import Any

from infra.hooks.commands import CommandError, az

NOT_THERE = (
    *("ResourceNotFound", "ResourceGroupNotFound", "not found", "could not be found"),
    *("does not exist", "Request_ResourceNotFound"),
)


def asked(*arguments: str) -> Any:  # noqa: ANN401  # JSON
    """Ask, and return None where the answer is no: what cannot be read is not judged here."""
    try:
        return az(*arguments)
    except CommandError:
        return None


def missing(resource: str) -> bool:
    """Tell whether Azure says that there is no such resource; other failures are no answer."""
    return is_missing("resource", "show", "--ids", resource)


def is_missing(*arguments: str) -> bool:
    """Tell whether the answer is that there is no such thing."""
    try:
        az(*arguments)
    except CommandError as exc:
        return any(sign.casefold() in str(exc).casefold() for sign in NOT_THERE)
    return False
