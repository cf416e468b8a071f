"""Runs one hook: `python3 -m infra.hooks <preprovision|postprovision|postdeploy|predown>`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping

from infra.hooks import configuration, contradictions, found, governance, parameters, sign_in
from infra.hooks.commands import CommandError
from infra.hooks.parameters import Parameters, set_


def preprovision(given: Parameters) -> None:
    """Say all that is missing or contradictory, then make the app registration."""
    faults, note = _said_by_files(given)
    _stop([*faults, *found.in_azure(given)])
    _say([note] if note else [])
    sign_in.register(given)
    if not given["ALERT_MAIL"]:
        _say([f"no alert goes to anybody; {set_('ALERT_MAIL', '<address>')}"])


def postprovision(given: Parameters) -> None:
    """Let people sign in without a secret, and give out the roles of the app."""
    if given["SIGN_IN"] == "entra":
        _say(sign_in.settle(given))


def postdeploy(given: Parameters) -> None:
    """Give the app its rights and events at the workspace; parameters may be other ones by now."""
    _stop(_said_by_files(given)[0])
    _say(governance.deploy(given))
    workspace, mode = given["AZUREML_WORKSPACE_NAME"], given["GOVERNANCE_MODE"]
    done = "governed" if mode == "enforce" else "observed"
    _say([f"{workspace} is {done}: {given['STAGEWARD_URL']}"])
    _say(["new rights take up to an hour to count"])


def predown(given: Parameters) -> None:
    """Take away what is at the workspace, unless the ledger is locked."""
    lock = governance.locked(given)
    if lock:
        sys.exit(
            "stageward: the ledger is locked, and nothing was taken away; take a backup "
            "(docs/operate.md), then az lock delete "
            f"--ids {lock}, then azd down again"
        )
    _say(governance.leave(given))


HOOKS: Mapping[str, Callable[[Parameters], None]] = {
    "preprovision": preprovision,
    "postprovision": postprovision,
    "postdeploy": postdeploy,
    "predown": predown,
}


def main(arguments: list[str], environment: Mapping[str, str]) -> None:
    """Run the hook that is named."""
    hook = HOOKS.get(arguments[0]) if len(arguments) == 1 else None
    if hook is None:
        sys.exit(f"stageward: name one hook: {', '.join(HOOKS)}")
    try:
        hook(Parameters(environment))
    except (CommandError, sign_in.SignInError, governance.GovernanceError) as exc:
        sys.exit(f"stageward: {exc}")
    except (LookupError, TypeError, AttributeError) as exc:
        sys.exit(f"stageward: az answers otherwise than expected ({exc!r}); az upgrade")


def _said_by_files(given: Parameters) -> tuple[list[str], str]:
    """Return what is wrong by the parameters and the configuration file, without asking Azure.

    The second is what was not looked for, and why, or "".
    """
    faults = [*parameters.alone(given), *contradictions.together(given)]
    of_file, note = configuration.checked(given)
    return [*faults, *of_file], note


def _stop(faults: list[str]) -> None:
    """End here if there is a fault."""
    if faults:
        one = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        sys.exit(
            f"stageward: {one}; nothing was made\n" + "\n".join(f"- {fault}" for fault in faults)
        )


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"stageward: {line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
