"""Messages to a channel of Microsoft Teams, as Adaptive Cards to a workflow's address.

The workflow is Power Automate's "when a Teams webhook request is received". Its address is a
secret: whoever has it may post. Cards show Markdown, so all that stands in one is escaped.
"""

from __future__ import annotations

import json
from contextlib import closing

import httpx

from stage_functions.adapters.events import HTTPX, UNANSWERED, beginning
from stage_functions.adapters.sinks import AddressHidden, error_for
from stage_functions.adapters.words import escaped, without_secrets
from stage_functions.application.ports.notifier import Message
from stage_functions.domain.error import SinkRefusedError, SinkUnavailableError

MAX_BYTES = 24 * 1024
"""Of a card; Teams takes no more than 28 KB."""
TIMEOUT_SECONDS = 10
_WHO = "the workflow"
_LIMITS = (1000, 200, 60, 0)
"""Characters of each text, tried in turn until the card is small enough."""


class TeamsChannel:
    """One workflow. Safe to share between threads.

    Args:
        name: of the channel, as logs show it.
        url: where to post.
        timeout_seconds: for connecting, for sending, and for each part of the answer.
    """

    def __init__(self, name: str, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url = httpx.URL(url)
        self._client = httpx.Client(
            headers={"Content-Type": "application/json", "User-Agent": "stageward"},
            timeout=timeout_seconds,
        )
        self._filter = AddressHidden(str(self._url), name)
        HTTPX.addFilter(self._filter)

    def send(self, message: Message) -> None:
        """Post a card.

        Raises:
            SinkUnavailableError: it cannot be reached, or answers 401, 408, 429 or 5xx.
            SinkRefusedError: it answers anything else but 2xx.
        """
        request = self._client.build_request("POST", self._url, content=card(message))
        try:
            with closing(self._client.send(request, stream=True)) as response:
                said = beginning(response)
        except httpx.RequestError as exc:
            raise self._unanswered(exc) from None
        if not response.is_success:
            words = without_secrets(said, str(self._url))
            raise error_for(_WHO, response.status_code, response.headers, words)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        HTTPX.removeFilter(self._filter)

    def _unanswered(self, exc: httpx.RequestError) -> SinkUnavailableError | SinkRefusedError:
        kind = next(UNANSWERED[base] for base in type(exc).__mro__ if base in UNANSWERED)
        said = without_secrets(str(exc), str(self._url))
        return kind(f"{_WHO} cannot be reached: {type(exc).__name__}: {said}")


def card(message: Message) -> bytes:
    """Return the envelope of an Adaptive Card 1.4, small enough for Teams."""
    for limit in _LIMITS:
        body = json.dumps(_envelope(message, limit), ensure_ascii=False).encode()
        if len(body) <= MAX_BYTES:
            break
    return body


def _envelope(message: Message, limit: int) -> dict[str, object]:
    title = _block(message.title, limit, size="Large", weight="Bolder")
    text = [_block(message.text, limit)] if message.text else []
    text += [_block(message.note, limit)] if message.note else []
    facts = [
        {"title": escaped(label), "value": escaped(_cut(value, limit))}
        for label, value in message.facts
    ]
    actions = [{"type": "Action.OpenUrl", "title": message.action, "url": message.link}]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *text, *([{"type": "FactSet", "facts": facts}] if facts else [])],
        **({"actions": actions} if message.link else {}),
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _block(text: str, limit: int, **how: str) -> dict[str, object]:
    shown = escaped(_cut(text, max(limit, 200)))
    return {"type": "TextBlock", "text": shown, "wrap": True, **how}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit].rstrip()}…"
