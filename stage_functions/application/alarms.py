"""Who is told of a violation, and in which words. Reaches nobody: that is for `telling`.

Told are the groups whose approval it went past: those that approve the ways into and out of the
stage that the version had, and into the stages from which the endpoint may be served; where no
group approves any of these, the operators. And whoever did it, as far as the file knows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from stage_functions.application.notices import GROUP, Notice, once, plain, who
from stage_functions.application.ports.notifier import Message
from stage_functions.domain.lifecycle import Lifecycle, OnViolation
from stage_functions.domain.people import PERSON, Attribution, Directory
from stage_functions.domain.record import Json, Record, minute

SHOWN_NAME_CHARACTERS = 120
"""Of the name of an asset, endpoint or deployment."""
_DELETED = "It cannot be undone from here: if it is still needed, register it anew."
_STRANGE = "It stays where it begins: find out where it comes from, and have it copied from there."
_SERVED = (
    "Nothing was changed: serve a version that may be there, or have this one granted a stage that "
    "may."
)
_TAKEN = (
    "The deployment gets no more requests, unless it is put right before: serve a version that may "
    "be there, or have this one granted a stage that may."
)


def alarm(record: Record, lifecycle: Lifecycle | None, directory: Directory) -> Notice:
    """Return what is told of a violation.

    Args:
        record: a Violated one.
        lifecycle: the one that governs its asset now, or None.
        directory: who is who now.
    """
    content = record.content
    served, deployment = str(content.get("endpoint", "")), str(content.get("deployment", ""))
    asset = plain(str(content["asset"]), SHOWN_NAME_CHARACTERS)
    version = f"{asset}:{plain(record.version, SHOWN_NAME_CHARACTERS)}"
    endpoint = plain(served, SHOWN_NAME_CHARACTERS)
    facts = (
        ("Version", version),
        ("Stage", plain(str(content["from"]))),
        ("Endpoint", endpoint),
        ("Deployment", plain(deployment, SHOWN_NAME_CHARACTERS)),
        ("Deployed", _moment(str(content.get("changed_at", "")))),
        ("Why", plain(str(content["why"]))),
        ("By", _by(record, directory)),
    )
    done, text = _done(content, endpoint)
    message = Message(
        f"Violated: {version} {done}",
        text,
        tuple((label, value) for label, value in facts if value),
        action="Open",
    )
    return Notice(_recipients(record, lifecycle, directory), message)


def _done(content: Mapping[str, Json], endpoint: str) -> tuple[str, str]:
    """Return what was done to the version, and what follows, in words."""
    if endpoint:
        taken = content.get("then") == OnViolation.ZERO_TRAFFIC
        return f"is served by {endpoint}", _TAKEN if taken else _SERVED
    if content.get("copies_only"):
        return "came to a registry that takes only copies", _STRANGE
    return "was deleted", _DELETED


def concerned(lifecycle: Lifecycle, stage: str, endpoint: str = "") -> tuple[str, ...]:
    """Return the groups that approve ways into or out of a stage, or to where an endpoint takes."""
    takers = lifecycle.takers(endpoint) if endpoint else ()
    return once(
        group
        for one in lifecycle.transitions
        if one.approval is not None and (stage in (one.source, one.target) or one.target in takers)
        for group in one.approval.groups
    )


def _recipients(
    record: Record, lifecycle: Lifecycle | None, directory: Directory
) -> tuple[str, ...]:
    content = record.content
    stage, endpoint = str(content["from"]), str(content.get("endpoint", ""))
    groups = concerned(lifecycle, stage, endpoint) if lifecycle is not None else ()
    keys = [key for group in groups for key in directory.groups.get(group, ())]
    if not groups:
        keys = list(directory.operators)
    persons = (f"{PERSON}:{key}" for key in keys if key in directory.people)
    return once((*_culprit(record, directory), *persons, *(f"{GROUP}:{one}" for one in groups)))


def _actor(record: Record) -> tuple[str, str]:
    actor = record.content.get("actor")
    if not isinstance(actor, dict):
        return "", ""
    return str(actor.get("id", "")), str(actor.get("attribution", ""))


def _culprit(record: Record, directory: Directory) -> Iterator[str]:
    person = directory.person(_actor(record)[0])
    if person is not None:
        yield person.id


def _by(record: Record, directory: Directory) -> str:
    id_, attribution = _actor(record)
    if not id_:
        return "nobody is known"
    said = who(id_, directory)
    return said if attribution == Attribution.PROVEN else f"{said}, as its registry says"


def _moment(text: str) -> str:
    return minute(datetime.fromisoformat(text)) if text else ""
