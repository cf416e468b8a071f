"""Violations that stand: recorded, and not put right since as far as is known.

A record says what was done and stays; this says whether it still is so. It is no more where its
version was granted a stage that allows it, or where the endpoint was found to serve it no longer.
"""

from __future__ import annotations

from datetime import datetime

from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.stored import Stored

MAX_STANDING = 10
"""Violations of one version that are remembered as standing: the newest."""


class Violation(Stored, frozen=True):
    """A violation that was recorded and, as far as is known, stands.

    Attributes:
        why: in words, as its record has them.
        endpoint: `registry/endpoint` where it is served, or "" where that is not what is wrong.
        deployment: name of the deployment there, or "".
        number: of its record; 0 until that is written.
        at: when it was recorded; None until then.
    """

    why: str
    endpoint: str = ""
    deployment: str = ""
    number: int = 0
    at: datetime | None = None

    @property
    def place(self) -> tuple[str, str]:
        """What it is about: of each place one stands, the newest."""
        return self.endpoint, self.deployment


def with_one_more(standing: tuple[Violation, ...], one: Violation) -> tuple[Violation, ...]:
    """Return what stands after a violation, which takes the place of what stood there before."""
    others = tuple(other for other in standing if other.place != one.place)
    return (*others, one)[-MAX_STANDING:]


def standing_at(
    standing: tuple[Violation, ...], lifecycle: Lifecycle, stage: str
) -> tuple[Violation, ...]:
    """Return what still stands when a version is granted a stage: that may allow it.

    What is no matter of endpoints is bound to where it stood: whatever moves on has left that.
    """
    return tuple(
        one for one in standing if one.endpoint and not lifecycle.deployable(stage, one.endpoint)
    )
