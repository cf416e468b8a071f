"""What `stageward serve` logs of a whole story: each decision, and nobody's name or secret.

A real MLflow server, tokens, votes on pages and by the API, a personal link, mail that is not
taken, a sink that refuses, a registry that goes away: with telltale names and secrets in all of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.tokens import Token, create, token_id
from stage_functions.domain.asset import Version
from tests.azurite import free_port
from tests.cli.test_serve import start, until, wait_for
from tests.mail_server import MailServer
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld
from tests.receiver import Receiver

PEOPLE = """\
people:
  scientist-1: {name: Sam Telltale-One, ids: ["mlflow:sam.telltale"], mail: sam.telltale@example.org}
  scientist-2: {name: Eve Telltale-Two, ids: ["upn:eve.telltale@example.org"]}
  officer-1: {name: Olga Telltale-Three, ids: ["mlflow:olga"], mail: olga.telltale@example.org}
  officer-2: {name: Otto Telltale-Four, ids: ["mlflow:otto"], mail: otto.telltale@example.org}
"""
KEYS = ("scientist-1", "scientist-2", "officer-1", "officer-2")
REASON = "because Olga.Telltale@example.org said so"
LINK = re.compile(r"https?://\S+/approvals/\S+/link\?sig=\S+")


def secret(key: str) -> str:
    """Return somebody's token."""
    return f"stw_telltale-{key}-0123456789"


@dataclass(frozen=True, slots=True)
class Told:
    """What a story left behind.

    Attributes:
        log: the whole log.
        version: what was decided on.
        approval: by which approval.
    """

    log: str
    version: Version
    approval: str


def configured(text: str) -> str:
    """Return the configuration with people who have telltale names, and votes by link."""
    text = re.sub(r"people:\n(?:  .*\n)+", PEOPLE, text)
    return text.replace("exclude: [requester, author]", "exclude: []\n          assurance: link")


@contextmanager
def serving(
    folder: Path, mlflow: str, log: Path, form: str, **settings: str
) -> Iterator[tuple[str, httpx.Client]]:
    """Run it inside the block, every request logged; give its URL and a client."""
    url = f"http://127.0.0.1:{free_port()}"
    rows = SQLiteRows(str(folder / "ledger.db"))
    for key in KEYS:
        create(rows, Token(token_id(secret(key)), key, SystemClock().now()))
    rows.close()
    known = {
        "STAGEWARD_URL": url,
        "MLFLOW_TRACKING_URI": mlflow,
        "STAGEWARD_AUTH": "tokens",
        "STAGEWARD_WEBHOOK_SECRET": "telltale-webhook-secret",
        "STAGEWARD_LOGS": form,
        **settings,
    }
    with log.open("wb") as output:
        process = start(folder, known, output, "--verbose", edit=configured)
    try:
        wait_for(process, url, log)
        with httpx.Client(base_url=url, timeout=60) as client:
            yield url, client
    finally:
        process.terminate()
        process.wait(timeout=30)


def by(key: str) -> dict[str, str]:
    """Return what somebody's requests carry."""
    return {"Authorization": f"Bearer {secret(key)}", "X-Request-Id": f"request-of-{key}"}


def tell(folder: Path, server: MlflowServer, people: MlflowWorld, form: str) -> Told:
    """Let a version come to Production, with everything going wrong that may."""
    log = folder / "serve.log"
    run = people.run(metrics={"accuracy": 0.9}, user="sam.telltale")
    with MailServer() as mails, Receiver(403) as sink:
        sink.always(403)
        settings = {
            "STAGEWARD_MAIL": f"mailto://127.0.0.1:{mails.port}?mode=insecure&from=s@example.org",
            "STAGEWARD_WEBHOOKS": f"{sink.url}?code=telltale-code&sig=telltale-signature",
            "STAGEWARD_WEBHOOKS_SECRET": "whsec_telltale+secret+of+a+webhook+123",
            "STAGEWARD_NOTIFY_DATA_SCIENCE": f"json://127.0.0.1:{free_port()}/telltale-path",
        }
        with serving(folder, server.address, log, form, **settings) as (url, client):
            client.post("/api/v1/registries/demo/import", json={}, headers=by("scientist-2"))
            version = people.create(folder.name, job=run)
            client.post("/api/v1/registries/demo/scan", headers=by("scientist-2"))
            until(people, version, "stage", "None")
            people.set_tag(version, "stage_request", f"Staging: {REASON}")
            until(people, version, "stage", "Staging")
            people.set_tag(version, "stage_request", "Telltale Stage: for Otto Telltale-Four")
            while not people.tags(version).get("stage_status", "").startswith("refused"):
                client.get("/", headers=by("officer-2"))
            path = f"/api/v1/assets/demo/models/{version.asset.name}/versions/{version.number}"
            ask = {"to": "Production", "reason": REASON}
            asked = client.post(f"{path}/transitions", json=ask, headers=by("scientist-1"))
            approval = str(asked.json()["approval"])
            followed(client, mails)
            for key in ("officer-1", "scientist-2"):
                shown = client.get(f"/api/v1/approvals/{approval}", headers=by(key)).json()
                vote = {"decision": "approve", "comment": REASON}
                vote["fingerprint"] = shown["fingerprint"]
                client.post(f"/api/v1/approvals/{approval}/votes", json=vote, headers=by(key))
            until(people, version, "stage", "Production")
            forged = {
                "X-MLflow-Delivery-Id": "telltale-delivery",
                "X-MLflow-Timestamp": "1",
                "X-MLflow-Signature": "v1,telltale",
            }
            client.post("/webhooks/mlflow", content=b"{}", headers=forged)
            client.get(
                "/api/v1/assets?token=telltale-token", headers={"Authorization": "Bearer telltale"}
            )
            client.get(f"/status?sig=telltale-query&x={url}", headers=by("scientist-2"))
    return Told(log.read_text(), version, approval)


def followed(client: httpx.Client, mails: MailServer) -> None:
    """Follow the personal link of a mail, as its recipient and as a mail scanner."""
    for owed in client.get("/api/v1/outbox", headers=by("scientist-2")).json()["owed"]:
        if owed["duty"] == "notify":  # at once, for the sweep takes its time
            client.post(f"/api/v1/outbox/{owed['id']}/retry", headers=by("scientist-2"))
    link = next(link for mail in mails.mails for link in LINK.findall(mail.text))
    client.get(link, headers={"Accept": "text/html"})
    client.get(f"{link}x", headers={"Accept": "text/html"})


@pytest.fixture(scope="module", params=["text", "json"])
def told(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    mlflow_server: MlflowServer,
) -> Told:
    """The story, in either form."""
    folder = tmp_path_factory.mktemp(f"story-{request.param}-")
    with httpx.Client(base_url=mlflow_server.address, timeout=30) as client:
        return tell(folder, mlflow_server, MlflowWorld(client, "demo"), request.param)


def test_no_line_has_a_name_a_mail_address_a_token_or_a_signature(told: Told) -> None:
    """Nor a reason, since that is where names are written."""
    told_on = [line for line in told.log.splitlines() if "telltale" in line.casefold()]

    assert [] == told_on
    assert "said so" not in told.log
    assert "/link?REDACTED" in told.log
    assert len(told.log.splitlines()) > 20


def test_every_decision_is_a_line_with_what_came_of_it(told: Told) -> None:
    """In the order in which they were made."""
    name = f"{told.version.asset}:{told.version.number}"
    decided = [line for line in told.log.splitlines() if name in line and "record" in line]
    wanted = [
        f"granted: {name} None → Staging",
        f"refused: {name} at Staging",
        f"pending: {name} Staging → Production, approval {told.approval}",
        f"voted: {name}",
        f"approved: {name}",
        f"granted: {name} Staging → Production",
    ]
    found = [next((w for w in wanted if w in line), "") for line in decided]

    assert wanted == list(dict.fromkeys(filter(None, found)))


def test_what_went_wrong_is_told_too(told: Told) -> None:
    """The sink that refuses, and the secret that does not fit."""
    assert "parked: events of" in told.log
    assert "403" in told.log
    assert "sig=" not in told.log.replace("sig=[hidden]", "")


@pytest.mark.parametrize("told", ["json"], indirect=True)
def test_lines_of_json_have_the_ids_of_their_request(told: Told) -> None:
    """What one request led to can be found by its id."""
    lines = [json.loads(line) for line in told.log.splitlines()]
    of_request = [one for one in lines if one.get("request") == "request-of-scientist-1"]
    pending = next(one for one in of_request if one.get("outcome") == "pending")

    assert {"time", "level", "logger", "message"} <= set(pending)
    assert (str(told.version.asset), told.version.number, told.approval) == (
        pending["asset"],
        pending["version"],
        pending["approval"],
    )
    assert pending["operation"]
