"""Events that are not Stageward's business, or none at all."""

from __future__ import annotations

import random
import string
from typing import Any

Event = dict[str, Any]


def noise(dice: random.Random, event: Event) -> Event:
    """Return something that resembles an event, and must be acknowledged unread or mean nothing."""
    return dice.choice([_foreign, _unknown, _torn, _contradicting, _of_nothing, _shredded])(
        dice, event
    )


def _foreign(_: random.Random, event: Event) -> Event:
    """Return the same of another workspace."""
    said = {key: _elsewhere(event.get(key, "")) for key in ("topic", "subject")}
    uri = _elsewhere(event["data"].get("resourceUri", ""))
    return {**event, **said, "data": {**event["data"], "resourceUri": uri}}


def _elsewhere(text: str) -> str:
    return text.replace("/workspaces/", "/workspaces/not-").replace("/rg", "/other")


def _unknown(dice: random.Random, event: Event) -> Event:
    types = ("Microsoft.Storage.BlobCreated", "Microsoft.Resources.ResourceActionSuccess", "", "x")
    return {**event, "eventType": dice.choice(types)}


def _torn(dice: random.Random, event: Event) -> Event:
    """Return an event that has lost something."""
    lost = dice.choice(("topic", "subject", "eventTime", "data", "eventType"))
    return {key: value for key, value in event.items() if key != lost}


def _contradicting(_: random.Random, event: Event) -> Event:
    """Return an event whose subject is another than what its data say."""
    return {**event, "subject": f"{event['subject']}0"}


def _of_nothing(dice: random.Random, event: Event) -> Event:
    """Return the event of a version that never was."""
    name = "".join(dice.choices(string.ascii_letters + "/: %\n", k=8))
    subject = f"models/{name}:7"
    data = {"ModelName": name, "ModelVersion": 7}
    kind = "Microsoft.MachineLearningServices.ModelRegistered"
    return {**event, "subject": subject, "data": data, "eventType": kind}


def _shredded(dice: random.Random, event: Event) -> Event:
    """Return an event with other values than such have."""
    values: tuple[object, ...] = (None, 7, [], {}, "\ud800", "x" * 5000, [{"a": 1}], True)
    keys = dice.sample(["topic", "subject", "eventTime", "data", "eventType", "id"], k=2)
    return {**event, **{key: dice.choice(values) for key in keys}}
