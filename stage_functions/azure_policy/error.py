"""What can be wrong with a definition of Azure Policy, and with evaluating it."""

from __future__ import annotations


class PolicyError(ValueError):
    """A definition cannot be evaluated.

    Attributes:
        place: JSON Pointer (RFC 6901) into what was given, such as `/if/allOf/0/equals`.
    """

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(f"{place or '/'}: {message}")
        self.place = place


class InvalidPolicyError(PolicyError):
    """The definition is not one: Azure would refuse it too."""


class UnsupportedPolicyError(PolicyError):
    """The definition uses what is not evaluated here; the message names it."""
