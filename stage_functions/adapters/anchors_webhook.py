"""Anchors as CloudEvents to a receiver elsewhere: who keeps them is for it to see to."""

from __future__ import annotations

from collections.abc import Iterator

from stage_functions.adapters.anchors import place_name
from stage_functions.adapters.events import WebhookSink
from stage_functions.domain.anchor import Anchor
from stage_functions.wire.anchors import cloud_event
from stage_functions.wire.signing import Signer


class WebhookAnchors:
    """A receiver of `Stageward.Anchored`. Safe to share between threads."""

    def __init__(self, url: str, signer: Signer | None = None) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: where to post.
            signer: signs each attempt; without one nothing is signed.

        Raises:
            ConfigurationError: it is no URL.
        """
        self.where = url.partition("?")[0]
        self.name = place_name("webhook", self.where)
        self._sink = WebhookSink(self.name, url, signer=signer)

    def publish(self, anchor: Anchor) -> None:
        """Post an anchor; see `AnchorPlace`.

        Raises:
            SinkUnavailableError, SinkRefusedError: as the receiver answers.
        """
        self._sink.post(cloud_event(anchor))

    def kept(self) -> Iterator[Anchor]:
        """Yield nothing: a receiver is not asked."""
        return iter(())

    def close(self) -> None:
        """Close the connections."""
        self._sink.close()
