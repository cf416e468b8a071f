"""What can be wrong with a definition of Azure Policy, and with evaluating it.

PolicyError
├── InvalidPolicyError      Azure would not take it
├── UnsupportedPolicyError  Azure would; it is not evaluated here
└── PolicyFailedError       Azure takes it, fails on this resource, and denies the request

"""

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
    """The definition, its parameters or the resource are none: Azure would refuse them too."""


class UnsupportedPolicyError(PolicyError):
    """The definition uses what is not evaluated here; the message names it."""


class PolicyFailedError(PolicyError):
    """The evaluation failed on this resource: Azure makes that an implicit deny."""


class UnfitValueError(ValueError):
    """A value that a function or an operator cannot take; whoever knows the place says it."""


def below(place: str, key: str | int) -> str:
    """Return the JSON Pointer of a member or an element of what stands at a place."""
    text = key if isinstance(key, str) else str(key)
    return f"{place}/{text.replace('~', '~0').replace('/', '~1')}"


def shown(text: str) -> str:
    """Return what somebody wrote, short enough for a message."""
    longest = 80
    return text if len(text) <= longest else f"{text[:longest]}…"
