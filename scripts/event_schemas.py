"""Write the JSON Schemas of the published events, one file a record type, and one for anchors.

    python -m scripts.event_schemas

Most of a record is the same in every type; a subscriber wants one file with everything in it. So
what is shared is written once here, and a test holds the files against what this makes. Property
order is the order in which a record is written.

A schema is a promise to whoever subscribes: a field may be added to it. One that goes, or means
something else, or gets a further value where the values are listed, takes the next `schema` number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from stage_functions.domain.approval import Decision, Status
from stage_functions.domain.asset import Kind
from stage_functions.domain.lifecycle import WhenInvalid
from stage_functions.domain.people import Attribution
from stage_functions.domain.record import (
    MAX_TEXT_CHARACTERS,
    RESTORED,
    RETAIN_UNTIL,
    SCHEMA,
    RecordType,
)
from stage_functions.domain.rule import Result
from stage_functions.domain.transition import MAX_DISPLACED

FOLDER = Path(__file__).parents[1] / "stage_functions" / "events"
Schema = dict[str, object]
_MAX_INTEGER = 2**53 - 1
_DEFINITIONS = "#/$defs/"


def _text(description: str, **more: object) -> Schema:
    return {"description": description, "type": "string", **more}


def _integer(description: str) -> Schema:
    return {
        "description": description,
        "type": "integer",
        "minimum": 1,
        "maximum": _MAX_INTEGER,
    }


def _choice(description: str, *values: str) -> Schema:
    return _text(description, enum=[*values])


def _list(description: str, items: Schema, **more: object) -> Schema:
    return {"description": description, "type": "array", "items": items, **more}


def _object(description: str, required: tuple[str, ...], properties: Schema) -> Schema:
    return {
        "description": description,
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": True,
    }


def _one_of(name: str, description: str = "") -> Schema:
    """Return a reference to a shared part, with words of its own where they say more."""
    said: Schema = {"description": description} if description else {}
    return {**said, "$ref": f"{_DEFINITIONS}{name}"}


def _said(description: str) -> Schema:
    return _text(description, minLength=1, maxLength=MAX_TEXT_CHARACTERS)


DEFINITIONS: Schema = {
    "actor": _object(
        "Who did something, and how surely that is known.",
        ("attribution", "via"),
        {
            "id": _one_of("actorId", "Who; left out where nobody is known."),
            "attribution": _choice(
                "proven: signed in, or Stageward itself. inferred: the registry says so. none: "
                "nobody is known.",
                *Attribution,
            ),
            "via": _text(
                "How it arrived: api, cli, tag, registry, scan, or itself. Others may follow.",
                minLength=1,
            ),
        },
    ),
    "actorId": _text(
        "person:<key of the configuration>; <provider>:<id> of whom the configuration does not "
        "know, <provider>:raw-<24 hex digits> where that id could be a mail address; or stageward.",
        minLength=1,
    ),
    "approvalId": _text(
        "Id of an approval: 8 Crockford base-32 characters.", pattern="^[0-9a-hjkmnp-tv-z]{8}$"
    ),
    "digest": _text(
        "SHA-256 of the canonical JSON (RFC 8785) of a document.",
        pattern="^sha256:[0-9a-f]{64}$",
    ),
    "lifecycle": _object(
        "The lifecycle in force.",
        ("name", "digest"),
        {
            "name": _text("As the configuration names it.", minLength=1, maxLength=64),
            "digest": _one_of("digest", "Digest of its text, as written in the configuration."),
        },
    ),
    "moment": _text(
        "A moment in UTC, with microseconds and Z.",
        format="date-time",
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$",
    ),
    "needs": _list(
        "What the approval waits for after this, in words for people, such as '2 of model-risk'; "
        "empty when the quorum is reached.",
        {"type": "string", "minLength": 1},
    ),
    "origin": _object(
        "What a version is a copy of.",
        ("version", "content", "number", "record"),
        {
            "version": _text(
                "The version that was copied, as <registry alias>/<kind>/<name>:<version>.",
                pattern="^[a-z0-9-]+/(models|data|environments|components)/[^/:]+:[^/:]+$",
            ),
            "content": _text("What identified its content, as its registry says."),
            "number": _integer("Number, in its history, of the record that granted the stage."),
            "record": _one_of("sha256", "Hash of that record, 64 hex digits."),
            "evidence": _one_of("digest", "Digest of what was known of it when that was granted."),
        },
    ),
    "output": _object(
        "What a job has left behind.",
        ("job", "name", "made_at"),
        {
            "job": _text("Id of the job.", minLength=1),
            "name": _text("Name of the output, unique in its job.", minLength=1),
            "made_at": _one_of("moment", "When the job ended."),
        },
    ),
    "sha256": _text("SHA-256, 64 hex digits.", pattern="^[0-9a-f]{64}$"),
    "stage": _text("A stage of the lifecycle.", minLength=1, maxLength=64),
    "verdict": _object(
        "What a rule answered.",
        ("rule", "result", "values"),
        {
            "rule": _text("The rule's name in the lifecycle.", minLength=1, maxLength=64),
            "result": _choice(
                "Only passed lets a transition through. errored: it could not be evaluated.",
                *Result,
            ),
            "values": {
                "description": "What the rule shows: by expression its value as text, numbers too; "
                "'<expression> is not recorded' where there is none.",
                "type": "object",
                "additionalProperties": {"type": "string"},
            },
            "error": _text("Why it could not be evaluated; only where it errored.", minLength=1),
        },
    ),
    "version": _text("A version of the asset, as its registry numbers it.", minLength=1),
}

_FROM = _one_of("stage", "The stage that the version had.")
_TO = _one_of("stage", "The stage that the version has now.")
_ASKED = _text("What was asked for, in the words of whoever asked: not always a stage.")
_REQUESTER = _one_of("actor", "Who asked; the sponsor, where somebody has stood for the request.")
_REASON = _said("Why, in the requester's words; left out where none was given.")
_ON_BEHALF_OF = _one_of("actorId", "For whom it was asked; left out where for nobody else.")
_APPROVAL = _one_of("approvalId", "The approval that this is about.")
_DEADLINE = _one_of("moment", "When it lapses; it never approves by itself.")
_VALID_UNTIL = _one_of("moment", "Until when the approval is valid; left out where for ever.")
_AUTHOR = _one_of("actorId", "Who made the version, as far as its registry says.")
_CREATED_AT = _one_of("moment", "When the registry made the version.")
_DISPLACES = _list(
    "Versions that must leave the exclusive stage for this one; left out where there are none.",
    _one_of("version"),
    minItems=1,
    maxItems=MAX_DISPLACED,
    uniqueItems=True,
)
_BECAUSE_OF = _integer("Number of the record of the same commit that caused this one.")
_GROUNDS: Schema = {
    "lifecycle": _one_of("lifecycle"),
    "verdicts": _list(
        "What the rules of the transition answered, in its order; left out where it has none.",
        _one_of("verdict"),
        minItems=1,
    ),
    "evidence": _one_of("digest", "Digest of what was known of the version when it was judged."),
    "fingerprint": _one_of("digest", "Fingerprint: over everything that an approval is bound to."),
}
"""On what a transition was judged."""
_BEFORE: Schema = {
    "output": _one_of("output", "The output of a job that it was before it was registered."),
    "job": _text(
        "The job that left one thing behind, where this version came from that job and has "
        "another content: then it is not known whether it is that thing.",
        minLength=1,
    ),
    "anonymous": _text(
        "`registry/kind/name:version` under which its registry had made it, before anybody "
        "registered it.",
        minLength=1,
    ),
}
"""What a version was while it was Unregistered; left out where that is not known."""


def _why(description: str) -> Schema:
    return _text(f"{description}, in words for people.", minLength=1)


class About(StrEnum):
    """What a record may be about."""

    VERSION = "version"
    ASSET = "asset"
    LIFECYCLE = "lifecycle"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class Shape:
    """What one type of record says besides what all of them do.

    Attributes:
        says: when it is written.
        fields: its own fields, by name, in order.
        optional: those that may be left out.
        conditions: what further holds between them.
        about: what it is about: a version, an asset, a lifecycle, or the ledger.
    """

    says: str
    fields: Schema
    optional: tuple[str, ...] = ()
    conditions: tuple[Schema, ...] = field(default=())
    about: About = About.VERSION


_KEPT: Schema = {
    "review_due": _one_of(
        "moment", "When its first review there is due; left out where the stage has none."
    ),
    "frozen": _one_of(
        "digest",
        "Digest of the document of what the version is there, its tags, description and content; "
        "left out where the stage is not frozen.",
    ),
}
"""Of records that bring a version to a stage."""
SHAPES: dict[RecordType, Shape] = {
    RecordType.REGISTERED: Shape(
        "A version is known to the ledger from now on, at the initial stage of its lifecycle; a "
        "copy that Stageward has made, at the stage that was granted to what it is a copy of.",
        {
            "from": _text(
                "Where it comes from: Unregistered, where Stageward knew of it before anybody "
                "registered it; else left out.",
                const="Unregistered",
            ),
            "to": _one_of("stage", "The stage where it begins."),
            "why": _choice(
                "How it came there. copied: Stageward has copied it from another registry.",
                "registered",
                "copied",
            ),
            "created_at": _CREATED_AT,
            "displaces": _DISPLACES,
            "lifecycle": _one_of("lifecycle"),
            "evidence": _one_of("digest", "Digest of what was known of the version."),
            "author": _one_of(
                "actorId",
                "Who registered the version, or the original of a copy, as far as is known.",
            ),
            "trainer": _one_of(
                "actorId",
                "Whose job made that; left out where it is not known, or is the author.",
            ),
            "origin": _one_of("origin", "What it is a copy of; left out where it is none."),
            **_BEFORE,
            **_KEPT,
        },
        optional=("from", "displaces", "author", "trainer", "origin", *_BEFORE, *_KEPT),
        conditions=(
            {
                "if": {"properties": {"why": {"const": "copied"}}},
                "then": {"required": ["origin"]},
            },
        ),
    ),
    RecordType.IMPORTED: Shape(
        "An operator took today's stage of a version as granted. Not published.",
        {
            "to": _TO,
            "why": _text("How it came there.", const="imported"),
            "grounds": _text("Nobody approved it.", const="no approval"),
            "reason": _said("Why, in the operator's words; left out where none was given."),
            "created_at": _CREATED_AT,
            "lifecycle": _one_of("lifecycle"),
            "author": _AUTHOR,
            **_KEPT,
        },
        optional=("reason", "author", *_KEPT),
    ),
    RecordType.OBSERVED: Shape(
        "In a registry that is only observed something changed; or somebody, the actor, is known "
        "only now to have written when a request was made by tag. Not published.",
        {
            "from": _one_of("stage", "Where the version stands, as far as can be told."),
            "to": _text("Where it was first seen, or what was asked for or found."),
            "outcome": _choice(
                "What would have happened to it, or has.",
                "first seen",
                "granted",
                "pending",
                "refused",
                "drift",
                "nothing",
                "gone",
            ),
            "detail": _text("The same in words for people.", minLength=1),
            "endpoint": _text("registry/endpoint that serves it, where that is refused."),
            "deployment": _text("The deployment of that endpoint."),
            "changed_at": _one_of("moment", "When that deployment was made or changed."),
            "approval": _one_of(
                "approvalId",
                "The open approval that its actor may have asked for as well; left out where it is "
                "not about that.",
            ),
            **_GROUNDS,
            **_BEFORE,
        },
        optional=(
            "from",
            "to",
            "endpoint",
            "deployment",
            "changed_at",
            "approval",
            *_GROUNDS,
            *_BEFORE,
        ),
    ),
    RecordType.TRANSITION_REFUSED: Shape(
        "A request was refused; the version stays where it is.",
        {
            "from": _one_of("stage", "The stage that the version has."),
            "to": _ASKED,
            "why": _why("Why it was refused"),
            "allowed": _list("The stages that may be asked for instead.", _one_of("stage")),
            "requester": _REQUESTER,
            "reason": _REASON,
            "on_behalf_of": _ON_BEHALF_OF,
            **_GROUNDS,
        },
        optional=("reason", "on_behalf_of", "verdicts", "evidence", "fingerprint"),
    ),
    RecordType.APPROVAL_REQUESTED: Shape(
        "A request waits for approval.",
        {
            "from": _one_of("stage", "The stage that the version has, or had before an emergency."),
            "to": _one_of(
                "stage",
                "The stage that it would reach; that which it has, where the approval that gave "
                "it is to be renewed.",
            ),
            "approval": _one_of("approvalId", "The approval that was opened."),
            "requester": _REQUESTER,
            "reason": _REASON,
            "on_behalf_of": _ON_BEHALF_OF,
            "candidates": _list(
                "Whoever may have asked, where nobody is proven to have.",
                _one_of("actorId"),
                minItems=1,
            ),
            "displaces": _DISPLACES,
            "deadline": _DEADLINE,
            "needs": _one_of("needs"),
            "impossible": _why("Why nobody who is left can reach the quorum, where that is so"),
            "ratifies": _integer(
                "Number of the record of an emergency: the stage has changed already, and this is "
                "to ratify that."
            ),
            **_GROUNDS,
            "because_of": _BECAUSE_OF,
        },
        optional=(
            "reason",
            "on_behalf_of",
            "candidates",
            "displaces",
            "impossible",
            "ratifies",
            "verdicts",
            "because_of",
        ),
    ),
    RecordType.SPONSORED: Shape(
        "Somebody, the actor, stands for a request that nobody is proven to have made.",
        {"approval": _APPROVAL, "needs": _one_of("needs")},
    ),
    RecordType.VOTED: Shape(
        "Somebody, the actor, voted.",
        {
            "approval": _APPROVAL,
            "decision": _choice("Any reject closes the approval.", *Decision),
            "comment": _said("Why, in the voter's words; left out where none was given."),
            "groups": _list(
                "The groups of the voter, at the vote.",
                {"type": "string", "minLength": 1},
                minItems=1,
            ),
            "assurance": _text(
                "How surely the voter was known: signed_in, or link, the weaker: whoever had the "
                "personal link. Others may follow.",
                minLength=1,
            ),
            "fingerprint": _one_of(
                "digest", "Fingerprint of the brief that the voter saw: that of the approval."
            ),
            "needs": _one_of("needs"),
        },
        optional=("comment", "assurance"),
    ),
    RecordType.REMINDED: Shape(
        "An approval still waits; whoever may still vote is reminded.",
        {"approval": _APPROVAL, "needs": _one_of("needs"), "deadline": _DEADLINE},
    ),
    RecordType.ESCALATED: Shape(
        "An approval has waited for so long that a further group may vote as well.",
        {
            "approval": _APPROVAL,
            "to": _text("That group, as the configuration names it.", minLength=1),
            "needs": _one_of("needs"),
            "deadline": _DEADLINE,
        },
    ),
    RecordType.APPROVAL_CLOSED: Shape(
        "An approval is closed for good.",
        {
            "approval": _APPROVAL,
            "status": _choice(
                "What became of it. approved: StageChanged, or Renewed where from and to are the "
                "same, or Ratified of an emergency, follows in the same commit. voided: what it "
                "was bound to has changed, or the version has moved or is gone.",
                *(status for status in Status if status is not Status.OPEN),
            ),
            "from": _one_of("stage", "The stage that the version had when it was asked."),
            "to": _one_of("stage", "The stage that was asked for."),
            "why": _why("Why it was closed"),
            "then": _text(
                "What follows where an emergency was not ratified. revert: it is put back. "
                "escalate: the version stays, is not to be deployed, and a ratification opens "
                "again. Others may follow.",
                minLength=1,
            ),
            "because_of": _BECAUSE_OF,
        },
        optional=("then", "because_of"),
    ),
    RecordType.STAGE_CHANGED: Shape(
        "A version has another stage.",
        {
            "from": _FROM,
            "to": _TO,
            "why": _choice(
                "allowed: the lifecycle demands no approval. approved: it was. displaced: "
                "another version took its exclusive stage. rolled_back: it came back in place of "
                "the version that had displaced it. emergency: it was made at once, see "
                "EmergencyUsed. reverted: it was not ratified. renamed: its stage is called so "
                "now.",
                "allowed",
                "approved",
                "displaced",
                "rolled_back",
                "emergency",
                "reverted",
                "renamed",
            ),
            "requester": _REQUESTER,
            "reason": _REASON,
            "on_behalf_of": _ON_BEHALF_OF,
            "approval": _one_of("approvalId", "The approval that granted it."),
            "valid_until": _VALID_UNTIL,
            "displaces": _DISPLACES,
            "displaced_by": _one_of("version", "The version that took its stage."),
            "retires_at": _one_of(
                "moment",
                "Until when it may still be served as before; left out where it may not.",
            ),
            "rolls_back": _integer(
                "Number of the record that a rollback undoes: of what came back, and of what was "
                "taken out."
            ),
            "restores": _one_of(
                "approvalId", "The approval by which a version that came back stands again."
            ),
            "marked": {
                "description": "It was taken out to be reviewed before it may return.",
                "type": "boolean",
                "const": True,
            },
            "reverts": _integer("Number of the record of the emergency that is put back."),
            "incident": _said("The incident of an emergency, as whoever used it named it."),
            **_GROUNDS,
            **_KEPT,
            "because_of": _BECAUSE_OF,
        },
        optional=(
            "requester",
            "reason",
            "on_behalf_of",
            "approval",
            "valid_until",
            "displaces",
            "displaced_by",
            "retires_at",
            "rolls_back",
            "restores",
            "marked",
            "reverts",
            "incident",
            "verdicts",
            "evidence",
            "fingerprint",
            *_KEPT,
            "because_of",
        ),
        conditions=(
            {
                "if": {"properties": {"why": {"const": "displaced"}}},
                "then": {"required": ["displaced_by", "because_of"]},
            },
            {
                "if": {"properties": {"why": {"enum": ["allowed", "approved", "emergency"]}}},
                "then": {"required": ["requester", "evidence", "fingerprint"]},
            },
            {
                "if": {"properties": {"why": {"const": "rolled_back"}}},
                "then": {"required": ["rolls_back", "requester", "displaces"]},
            },
            {
                "if": {"properties": {"why": {"const": "emergency"}}},
                "then": {"required": ["because_of"]},
            },
            {
                "if": {"properties": {"why": {"const": "reverted"}}},
                "then": {"required": ["reverts", "because_of"]},
            },
            {
                "if": {"properties": {"why": {"const": "approved"}}},
                "then": {"required": ["approval"]},
            },
        ),
    ),
    RecordType.VALIDITY_ENDED: Shape(
        "An approval that was given is no longer valid; the version stays where it is.",
        {
            "approval": _one_of("approvalId", "The approval that was given."),
            "stage": _one_of("stage", "The stage that it was given for, which the version has."),
            "valid_until": _one_of("moment", "Until when it was valid."),
            "then": _choice(
                "What follows. notify: nothing but this, also where a renewal cannot be asked "
                "for. block: checks of deployments refuse it. renew: an approval of its renewal "
                "opens in the same commit, unless one is open already.",
                *WhenInvalid,
            ),
        },
    ),
    RecordType.RENEWED: Shape(
        "An approval that was given is valid again; the version stays where it is.",
        {
            "approval": _one_of("approvalId", "The approval that renewed it."),
            "stage": _one_of("stage", "The stage that the version has."),
            "requester": _REQUESTER,
            "reason": _REASON,
            "on_behalf_of": _ON_BEHALF_OF,
            "valid_until": _VALID_UNTIL,
            **_GROUNDS,
        },
        optional=("reason", "on_behalf_of", "valid_until", "verdicts"),
    ),
    RecordType.DELETED: Shape(
        "A version is gone from its registry, or its number means another thing now.",
        {"from": _FROM, "why": _why("What became of it")},
    ),
    RecordType.VIOLATED: Shape(
        "Something happened that the lifecycle forbids and Stageward could not prevent.",
        {
            "from": _FROM,
            "why": _why("What was violated"),
            "endpoint": _text(
                "registry/endpoint that serves the version; left out where nothing was deployed.",
                minLength=1,
            ),
            "deployment": _text("The deployment of that endpoint.", minLength=1),
            "changed_at": _one_of("moment", "When that deployment was made or changed."),
            "copies_only": {
                "description": "The version came to a registry that takes only copies, and is "
                "none; left out where it is not about that.",
                "const": True,
            },
            "then": _text(
                "What follows. record: nothing but this. notify: people are told. zero_traffic: "
                "the deployment gets no more requests either, unless it is put right before. "
                "Others may follow.",
                minLength=1,
            ),
            "because_of": _BECAUSE_OF,
        },
        optional=("endpoint", "deployment", "changed_at", "copies_only", "then", "because_of"),
    ),
    RecordType.DRIFT_FOUND: Shape(
        "The tags of a version show what nobody was granted, or cannot be written; or what was "
        "granted was not copied to another registry; or a version at a frozen stage was edited "
        "from outside, so that nothing is granted to it until somebody acknowledges that.",
        {
            "found": _text(
                "What it showed of a stage: the value of a tag or field, or 'alias champion' and "
                "'no alias champion'; empty where that was not there."
            ),
            "granted": _one_of("stage", "The stage that the version has."),
            "why": _why("What is wrong and what is done about it"),
            "copy_to": _text(
                "Alias of the registry that it was to be copied to, and was not; left out where "
                "it is not about that.",
                pattern="^[a-z0-9-]+$",
            ),
            "changes": _list(
                "What was edited at a frozen stage: '+ part: value', '- part: value' or '~ part: "
                "old → new', values shortened to 120 characters; at most 50. Left out where it is "
                "not about that.",
                {"type": "string"},
                maxItems=50,
            ),
            "frozen": _one_of(
                "digest", "Digest of what the version was there; left out with `changes`."
            ),
        },
        optional=("found", "granted", "copy_to", "changes", "frozen"),
    ),
    RecordType.LIFECYCLE_ADOPTED: Shape(
        "A lifecycle of the configuration is in force from now on, or is no more: the last of its "
        "changes says so. The actor is whoever consented, where that was demanded, or Stageward.",
        {
            "lifecycle": _one_of("lifecycle", "The lifecycle, as it is now."),
            "from": _one_of("digest", "Digest of the text before; left out the first time."),
            "changes": _list(
                "The difference to the text before: '+ path: value', '- path: value' or "
                "'~ path: old → new'; at most 200. Empty the first time.",
                {"type": "string"},
                maxItems=200,
            ),
            "comment": _said("What whoever consented said."),
            "proposed": _integer("Number of the LifecycleProposed that the actor consented to."),
            "loosens": _list(
                "What it loosens, in words for people, where the actor consented to that.",
                {"type": "string"},
                minItems=1,
            ),
        },
        optional=("from", "comment", "proposed", "loosens"),
        about=About.LIFECYCLE,
    ),
    RecordType.LIFECYCLE_PROPOSED: Shape(
        "A lifecycle of the configuration loosens what a protected one demands: it waits for the "
        "consent of a second person, and the one before stays in force.",
        {
            "lifecycle": _one_of("lifecycle", "The lifecycle, as it would be."),
            "from": _one_of("digest", "Digest of the text in force; left out where none is."),
            "proposal": _one_of(
                "digest",
                "What is consented to: the digest of the text, or where more than that changes "
                "(what comes before it, who may consent, that it is taken out), one over it all.",
            ),
            "changes": _list(
                "The difference to the text in force, as LifecycleAdopted has it.",
                {"type": "string"},
                maxItems=200,
            ),
            "loosens": _list(
                "What it loosens, in words for people.", {"type": "string"}, minItems=1
            ),
            "needs": _one_of("needs"),
        },
        optional=("from",),
        about=About.LIFECYCLE,
    ),
    RecordType.EMERGENCY_USED: Shape(
        "Somebody, the actor, made a transition at once that demands approval; its StageChanged "
        "follows in the same commit.",
        {
            "from": _FROM,
            "to": _TO,
            "incident": _said("The incident, as whoever used it named it."),
            "reason": _REASON,
            "skipped": _list(
                "People of the configuration who could have approved it and were not asked; left "
                "out where only members whom Microsoft Entra names could.",
                _one_of("actorId"),
                minItems=1,
            ),
            "groups": _list(
                "The groups whose approval it would have taken.", {"type": "string"}, minItems=1
            ),
            "waived": _list(
                "Rules that did not pass and need not, in an emergency.",
                {"type": "string"},
                minItems=1,
            ),
            "approval": _one_of("approvalId", "The approval by which it is to be ratified."),
            "deadline": _one_of("moment", "Until when."),
        },
        optional=("skipped", "waived"),
    ),
    RecordType.RATIFIED: Shape(
        "What was done in an emergency is approved.",
        {
            "approval": _one_of("approvalId", "The approval that ratified it."),
            "ratifies": _integer("Number of the record of the emergency."),
            "stage": _one_of("stage", "The stage that the version has."),
            "valid_until": _VALID_UNTIL,
        },
        optional=("valid_until",),
    ),
    RecordType.REVIEW_DUE: Shape(
        "A version is to be reviewed again; or whoever may is reminded of it.",
        {
            "stage": _one_of("stage", "The stage that the version has."),
            "due": _one_of("moment", "Since when it is due."),
            "deadline": _one_of("moment", "When the review lapses."),
            "reminder": _integer("Which reminder this is; left out the first time."),
        },
        optional=("reminder",),
    ),
    RecordType.REVIEWED: Shape(
        "Somebody, the actor, has reviewed a version: it stays where it is.",
        {
            "stage": _one_of("stage", "The stage that the version has."),
            "comment": _said("In the reviewer's words; left out where none was given."),
            "review_due": _one_of("moment", "When the next review is due; left out for never."),
            "clears": _integer(
                "Number of the record that marked it: it may be asked for again; left out where "
                "it was not marked."
            ),
        },
        optional=("comment", "review_due", "clears"),
    ),
    RecordType.REVIEW_LAPSED: Shape(
        "A version was not reviewed in time; it stays where it is.",
        {
            "stage": _one_of("stage", "The stage that the version has."),
            "due": _one_of("moment", "Since when it was due."),
            "then": _text(
                "What follows. notify: people are told. block: checks of deployments refuse it. "
                "Others may follow.",
                minLength=1,
            ),
        },
    ),
    RecordType.ACKNOWLEDGED: Shape(
        "Somebody, the actor, has taken note of what was edited from outside: the version may "
        "move again.",
        {
            "drift": _integer("Number of the first record of that."),
            "comment": _said("In their words; left out where none was given."),
        },
        optional=("comment",),
    ),
    RecordType.HOLD_PLACED: Shape(
        "What is kept of an asset is to be kept until the hold is lifted.",
        {"hold": _said("The case, as whoever placed it named it."), "reason": _REASON},
        optional=("reason",),
        about=About.ASSET,
    ),
    RecordType.HOLD_LIFTED: Shape(
        "A hold on an asset is lifted.",
        {"hold": _said("The case."), "reason": _REASON},
        optional=("reason",),
        about=About.ASSET,
    ),
    RecordType.PERSON_FORGOTTEN: Shape(
        "The names of a person were deleted; the ids that stand in records stay.",
        {
            "person": _one_of("actorId", "Whose names."),
            "names": _integer("How many texts were deleted."),
            "reason": _REASON,
        },
        optional=("reason",),
        about=About.LEDGER,
    ),
    RecordType.RESTORED: Shape(
        "The ledger was restored from a backup; nothing is written to a registry until somebody "
        "has resolved it.",
        {
            "made_at": _one_of("moment", "When the backup was made."),
            "backup": _one_of("sha256", "SHA-256 of the backup's content, 64 hex digits."),
        },
        about=About.LEDGER,
    ),
}


def _first_fields(type_: RecordType, about: About) -> Schema:
    kinds = "|".join(Kind)
    asset = _text(
        "The asset: registry/kind/name.", pattern=f"^[a-z0-9-]+/({kinds})/[^/:]{{1,1000}}$"
    )
    lifecycle = _text(
        "The lifecycle: lifecycle:<name>.", pattern="^lifecycle:[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
    )
    of_version: Schema = {
        "version": _one_of(
            "version", "The version that this is about, as its registry numbers it."
        ),
        "incarnation": _text(
            "Which thing that number means: <creation, milliseconds since 1970>/<content id>.",
            pattern="^-?[0-9]+/",
        ),
    }
    return {
        "schema": {
            "description": "The number of this schema.",
            "type": "integer",
            "const": SCHEMA,
        },
        "ledger": _text(
            "Id of the ledger: 8 Crockford base-32 characters.",
            pattern="^[0-9a-hjkmnp-tv-z]{8}$",
        ),
        "asset": {
            About.LIFECYCLE: lifecycle,
            About.LEDGER: _text("The ledger itself.", const="ledger"),
        }.get(about, asset),
        "number": _integer("Place in the history of the asset: 1, 2, 3, without gaps."),
        "commit": _integer("The commit; records that were committed together have the same."),
        "type": _text("What this is about.", const=type_),
        **(of_version if about is About.VERSION else {}),
        "at": _one_of("moment", "When it was committed; later than the record before."),
        "actor": _one_of("actor"),
    }


_RETENTION: Schema = {
    RETAIN_UNTIL: _one_of(
        "moment",
        "Until when this record is to be kept, as the lifecycle said when it was made; left out "
        "where it said nothing.",
    ),
}
_LAST_FIELDS: Schema = {
    "operation": _text(
        "Id of the operation: the caller's Idempotency-Key, or one that Stageward made.",
        pattern="^[!-~]{1,200}$",
    ),
    RESTORED: _integer(
        "How often the ledger had been restored from a backup by then: numbers of records that "
        "were lost are used again. Left out where it never was."
    ),
    "prev": _one_of("sha256", "Hash of the record before, 64 hex digits."),
    "hash": _one_of("sha256", "Hash of this record, 64 hex digits."),
}


def schema(type_: RecordType) -> Schema:
    """Return the JSON Schema of a type of record."""
    shape = SHAPES[type_]
    retention = {} if shape.about is About.LEDGER else _RETENTION
    optional = {*shape.optional, *retention, RESTORED}
    properties: Schema = {
        **_first_fields(type_, shape.about),
        **shape.fields,
        **retention,
        **_LAST_FIELDS,
    }
    conditions: Schema = {"allOf": list(shape.conditions)} if shape.conditions else {}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:stageward:{type_}:{SCHEMA}",
        "title": f"Stageward.{type_}",
        "description": f"{shape.says} The data of the CloudEvent: the record.",
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "properties": properties,
        "additionalProperties": True,
        **conditions,
        "$defs": _used(properties),
    }


def anchored() -> Schema:
    """Return the JSON Schema of an anchor, which is no record: see `domain.anchor`."""
    properties: Schema = {
        "schema": {
            "description": "The number of this schema.",
            "type": "integer",
            "const": SCHEMA,
        },
        "ledger": _text(
            "Id of the ledger: 8 Crockford base-32 characters.",
            pattern="^[0-9a-hjkmnp-tv-z]{8}$",
        ),
        "at": _one_of("moment", "When the ends were read."),
        "size": _integer("How many histories there were."),
        "root": _one_of("sha256", "Root of the hash tree over the ends of all, 64 hex digits."),
        "before": _one_of(
            "sha256",
            "SHA-256 of the canonical JSON of the anchor before; left out in the first one.",
        ),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:stageward:Anchored:{SCHEMA}",
        "title": "Stageward.Anchored",
        "description": "What the ledger says of all of its histories, once an hour. The data of "
        "the CloudEvent: the anchor.",
        "type": "object",
        "required": [name for name in properties if name != "before"],
        "properties": properties,
        "additionalProperties": True,
        "$defs": _used(properties),
    }


def _used(part: object) -> Schema:
    """Return the shared parts that a schema needs, with those that they need."""
    wanted = list(_references(part))
    for name in wanted:
        wanted += [more for more in _references(DEFINITIONS[name]) if more not in wanted]
    return {name: DEFINITIONS[name] for name in sorted(set(wanted))}


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield str(part["$ref"]).removeprefix(_DEFINITIONS)
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def files() -> dict[str, str]:
    """Return the text of every file, by its name."""
    schemas = {**{str(type_): schema(type_) for type_ in RecordType}, "Anchored": anchored()}
    return {
        f"{type_}.schema.json": json.dumps(one, indent=2, ensure_ascii=False) + "\n"
        for type_, one in schemas.items()
    }


def main() -> None:
    """Write every file."""
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
