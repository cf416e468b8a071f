"""Writes that run long: what is answered meanwhile, and to those who ask whether they are done.

Azure answers such a write with the address of its operation. How often that says "not yet" is set by
`polls`; the pauses between are kept short, in milliseconds, which azure-core heeds.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.azureml.calls import Answer, Request
from tests.azureml.errors import no_such_thing
from tests.azureml.place import PROVIDER, SUBSCRIPTION

_PAUSE = {"x-ms-retry-after-ms": "10"}
_ACCEPTED = 202


@dataclass(slots=True)
class Operations:
    """Operations that were begun.

    Attributes:
        polls: how often a new one says that it is not done.
        left: how often each still says so.
    """

    polls: int = 0
    left: dict[str, int] = field(default_factory=dict)

    def begin(self, request: Request, *, prefix: str = "") -> Mapping[str, str]:
        """Begin one, and return the headers that name it."""
        name = str(uuid.uuid4())
        self.left[name] = self.polls
        base = f"{request.base}{prefix}/subscriptions/{SUBSCRIPTION}/providers/{PROVIDER}"
        return {
            "Azure-AsyncOperation": f"{base}/locations/local/mfeOperationsStatus/{name}?api-version=1",
            "Location": f"{base}/locations/local/mfeOperationResults/{name}?api-version=1",
            **_PAUSE,
        }

    def state(self, name: str, *, result: bool) -> Answer:
        """Answer how it goes, or with the result, which is empty.

        Raises:
            ArmError: there is none of this name.
        """
        if name not in self.left:
            what = "Operation"
            raise no_such_thing(what, name)
        self.left[name] -= 1
        is_done = self.left[name] < 0
        if result:
            return Answer() if is_done else Answer(None, _ACCEPTED, _PAUSE)
        status = "Succeeded" if is_done else "InProgress"
        return Answer({"name": name, "status": status}, headers={} if is_done else _PAUSE)
