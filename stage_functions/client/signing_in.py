"""What to set where nobody is signed in: in words of programs, which send no headers by hand."""

from __future__ import annotations

from collections.abc import Mapping

_A_KEY = "the key of a person in `people` of the configuration"
_ONE_MADE = "a token; `stageward token create PERSON` makes one, where the ledger is"
_OF_ENTRA = (
    "a token of Microsoft Entra for this app; or leave it out, run `az login`, and set "
    "STAGEWARD_AUDIENCE to api://<client id of this app>"
)
_SIGNS_IN: Mapping[str, str] = {
    "STAGEWARD_AUTH=dev": _A_KEY,
    "has no person": _A_KEY,
    "App Service": _OF_ENTRA,
    "Microsoft Entra": _OF_ENTRA,
    "token": _ONE_MADE,
}
"""What STAGEWARD_TOKEN is to be, by what the server says when nobody is signed in: that tells how
people sign in there."""
_ELSEWHERE = "answers only on this machine"
"""Said in development to other machines, whatever they send."""


def signed_in_by(said: str, sent: str) -> str:
    """Return what Stageward says where nobody is signed in, and what to set.

    Args:
        said: by Stageward.
        sent: what was sent to say who is asking, in words; "" for nothing.
    """
    if _ELSEWHERE in said:
        return said
    what = next((what for mark, what in _SIGNS_IN.items() if mark in said), _ONE_MADE)
    if not sent:
        said = "STAGEWARD_TOKEN is not set, so nobody is signed in."
    elif "Authorization" in said:
        said = f"{sent} signs in nobody there."
    return f"{said}\nSet STAGEWARD_TOKEN to {what}."
