"""Serves a local Azure ML until it is told to end: `python -m tests.azureml`.

When it is ready, one line of JSON says where everything is; see `remote.Started`.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from tests.azureml.identity import GOVERNOR
from tests.azureml.local import LocalAzureMl
from tests.azureml.server import running


def main() -> None:
    """Serve."""
    options = _options()
    ended = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: ended.set())
    with running(options.port) as local:
        if options.events:
            local.subscribe(options.events, schema=options.schema, handshake=False)
        sys.stdout.write(json.dumps(_started(local, options)) + "\n")
        sys.stdout.flush()
        ended.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.azureml", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on loopback; 0 for a free one")
    parser.add_argument("--workspace", action="append", default=[], metavar="GROUP/NAME")
    parser.add_argument("--registry", action="append", default=[], metavar="GROUP/NAME")
    parser.add_argument("--person", action="append", default=[], metavar="NAME")
    parser.add_argument("--events", metavar="URL", help="where events are posted; nobody is asked")
    parser.add_argument("--schema", choices=("eventgrid", "cloudevents"), default="eventgrid")
    return parser.parse_args()


def _started(local: LocalAzureMl, options: argparse.Namespace) -> dict[str, object]:
    places = {}
    for made, texts in ((local.workspace, options.workspace), (local.registry, options.registry)):
        for text in texts:
            group, _, name = text.rpartition("/")
            place = made(name, resource_group=group or "rg")
            places[place.id] = place
    names = dict.fromkeys((GOVERNOR, *options.person))
    return {
        "url": local.url,
        "ca": str(local.ca),
        "environment": local.environment(),
        "workspaces": {p.name: p.id for p in places.values() if not p.is_registry},
        "registries": {p.name: p.id for p in places.values() if p.is_registry},
        "tokens": {name: local.credential(name).get_token(local.url).token for name in names},
    }


if __name__ == "__main__":
    main()
