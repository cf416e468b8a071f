"""One step of a pipeline: ask Stageward, tell what it said, exit as `stageward promote` does.

Exits 0 granted or allowed, 3 pending, 4 refused or not for this identity, 5 rejected or lapsed,
1 fault. Every value comes by the environment, as `STEP_…` (action.yml); none is run by a shell.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from answers import checked, closed, decided, held
from report import AzurePipelines, GitHub, Level, Report, Told

from stage_functions.cli.output import FAULT, PENDING, REFUSED
from stage_functions.client import Client, Identity, NoIdentityError
from stage_functions.client.identity import check_address
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    RetryableError,
    StagewardError,
)

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

MOST_MINUTES = 300
FIRST_LOOK_SECONDS, LOOK_SECONDS = 0.5, 15.0
"""How long before an approval is looked at again: twice as long each time, up to the second."""
AGENT = "stageward-action"
SIGN_IN_SECONDS = 120
"""So long `az` may take on a runner that has just begun."""
_NOT_FOR_YOU = "Stageward does not let this identity ask"


class Step(NamedTuple):
    """What a step is given.

    Attributes:
        report: where it tells what it came to.
        given: its values, by the name of the action's input, `on_behalf_of`.
        client: connects to Stageward with a token, or as an identity that renews its own.
    """

    report: Report
    given: Mapping[str, str]
    client: Callable[[], Client]

    def need(self, name: str) -> str:
        """Return a value that the command cannot do without.

        Raises:
            InvalidInputError: it is not there.
        """
        if not self.given.get(name):
            message = f"`{self.given.get('command')}` needs `{name.replace('_', '-')}`"
            raise InvalidInputError(message)
        return self.given[name]

    @property
    def minutes(self) -> int:
        """How long to wait.

        Raises:
            InvalidInputError: it is no number of minutes, or too many.
        """
        said = self.given.get("wait_minutes") or "0"
        if not said.isascii() or not said.isdigit() or int(said) > MOST_MINUTES:
            message = f"wait-minutes is '{said}': it is a whole number up to {MOST_MINUTES}"
            raise InvalidInputError(message)
        return int(said)


def main(environment: Mapping[str, str]) -> int:
    """Run a step; return its exit code."""
    azure = environment.get("TF_BUILD") == "True"
    report: Report = AzurePipelines(environment) if azure else GitHub(environment)
    given = {
        name.removeprefix("STEP_").lower(): value.strip()
        for name, value in environment.items()
        if name.startswith("STEP_")
    }
    try:
        step = Step(report, given, lambda: _client(given, report))
        run = COMMANDS.get(given.get("command", ""))
        if run is None:
            message = f"command is '{given.get('command', '')}': it is {', '.join(COMMANDS)}"
            raise InvalidInputError(message)
        told, code = run(step)
    except DeniedError as exc:
        told, code = _fault(_NOT_FOR_YOU, str(exc), "refused"), REFUSED
    except StagewardError as exc:
        told, code = _fault("Stageward was not asked, or did not answer", str(exc)), FAULT
    report.tell(told)
    return 0 if code == PENDING and given.get("allow_pending") == "true" else code


def request(step: Step) -> tuple[Told, int]:
    """Ask for a transition."""
    minutes = step.minutes
    with step.client() as stageward:
        decision = stageward.transition(
            step.need("version"),
            step.need("stage"),
            reason=step.given.get("reason", ""),
            expected_stage=step.given.get("expected_stage") or None,
            on_behalf_of=step.given.get("on_behalf_of") or None,
        )
    told, code = decided(decision, step.given)
    if code != PENDING or not minutes or not decision.approval:
        return told, code
    step.report.tell(told)  # so that it is seen where to approve it
    return _wait(step, decision.approval, minutes)


def wait(step: Step) -> tuple[Told, int]:
    """Wait until an approval is closed."""
    return _wait(step, step.need("approval"), step.minutes)


def check(step: Step) -> tuple[Told, int]:
    """Tell whether a deployment, or else a transition, would be allowed; nothing is changed."""
    version, endpoint = step.need("version"), step.given.get("endpoint", "")
    with step.client() as stageward:
        if endpoint:
            found = stageward.check(version, "deploy", endpoint=endpoint)
        else:
            found = stageward.check(version, "transition", to=step.need("stage"))
    return checked(found, version, endpoint or step.given["stage"])


def holder(step: Step) -> tuple[Told, int]:
    """Find the one version that stands at a stage."""
    asset, stage = step.need("asset"), step.need("stage")
    with step.client() as stageward:
        found = stageward.asset(asset)
    return held(found, stage)


def _wait(step: Step, approval: str, minutes: int) -> tuple[Told, int]:
    """Look at an approval until it is closed, or the time is up; a Stageward away ends nothing."""
    end = time.monotonic() + minutes * 60
    pause, stageward = FIRST_LOOK_SECONDS, step.client()
    while True:
        try:
            found = stageward.approval(approval)
        except RetryableError:
            if time.monotonic() >= end:
                raise
        else:
            if found.status != "open" or time.monotonic() >= end:
                return closed(found, step.given)
        time.sleep(min(pause, max(0.0, end - time.monotonic())))
        pause = min(2 * pause, LOOK_SECONDS)


COMMANDS: Mapping[str, Callable[[Step], tuple[Told, int]]] = {
    "request": request,
    "wait": wait,
    "check": check,
    "holder": holder,
}


def _client(given: Mapping[str, str], report: Report) -> Client:
    """Connect with the token that is given, or with those of Entra.

    Raises:
        InvalidInputError: there is no address that a token may be sent to, or no token.
        NoIdentityError: `az` gives none.
    """
    address = given.get("address", "").rstrip("/")
    check_address(address)
    token = given.get("token", "")
    if not token:
        return Client(address, _entra(given.get("audience", ""), report), agent=AGENT)
    report.hide(token)
    return Client(address, token, agent=AGENT)


def _entra(audience: str, report: Report) -> Identity:
    """Return whoever `az` has signed in; a first token shows that there is somebody.

    Raises:
        InvalidInputError: no audience is given, or it is none.
        NoIdentityError: there is nobody.
    """
    if not audience:
        message = "there is no token, and no audience: it is api://<client id>"
        raise InvalidInputError(message)
    identity = Identity(audience, _by_az)
    try:
        report.hide(identity.token())
    except NoIdentityError as exc:
        message = f"{exc}; is azure/login before it?"
        raise NoIdentityError(message) from exc
    return identity


def _by_az() -> TokenCredential:
    """Sign in by `az` and by nothing else: the identity of the runner's machine is another one."""
    from azure.identity import AzureCliCredential  # only where it is needed

    return AzureCliCredential(process_timeout=SIGN_IN_SECONDS)


def _fault(title: str, detail: str, outcome: str = "fault") -> Told:
    return Told(title, detail, Level.ERROR, {"outcome": outcome, "detail": detail})


if __name__ == "__main__":
    sys.exit(main(os.environ))
