"""Signing in as an identity of Entra: which token goes where, and until when."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest

from stage_functions.client import Client, Identity, NoIdentityError, UnreachableError, bearer_of
from stage_functions.client.identity import AGAIN_SECONDS, EARLY_SECONDS
from stage_functions.domain.error import InvalidInputError, NotSignedInError
from stage_functions.settings import read_settings
from tests.azureml import running
from tests.builders import World, world
from tests.signed_in import AUDIENCE, HOUR, NOT_SIGNED_IN, Az, az_in, behind_app_service, token_for

FIRST = "demo/models/iris:1"
WRONG_APP = (
    "ERROR: AADSTS500011: The resource principal named api://x was not found in the tenant.\n"
    "Trace ID: 1"
)


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Az:
    """This machine, with somebody signed in by `az`."""
    made = az_in(tmp_path)
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    return made


def test_whoever_is_signed_in_to_azure_is_who_asks(it: World, az: Az) -> None:
    """By one token, asked for by the audience's name, however many calls there are."""
    it.register("1")
    with behind_app_service(it) as url, Client(url, Identity(AUDIENCE)) as client:
        client.transition(FIRST, "Staging", reason="ready")
        *_, changed = client.history("demo/models/iris")
        with Client(url) as nobody, pytest.raises(NotSignedInError):
            nobody.version(FIRST)

    assert ("StageChanged", "person:ada") == (changed["type"], changed["actor"]["id"])
    assert [f"account get-access-token --output json --resource {AUDIENCE}"] == az.asked


def test_a_token_for_another_app_is_not_taken(it: World, az: Az) -> None:
    """That ends before Stageward, and is not said to be another program's answer."""
    az.says(token_for("api://another"), 2**31)
    with (
        behind_app_service(it) as url,
        Client(url, Identity(AUDIENCE)) as client,
        pytest.raises(NotSignedInError, match="or be for another app"),
    ):
        client.version(FIRST)


def test_a_token_is_renewed_before_it_ends(az: Az) -> None:
    """And until then it is not asked for again."""
    clock = iter((0.0, HOUR - EARLY_SECONDS - 1, HOUR - EARLY_SECONDS, HOUR))
    identity = Identity(AUDIENCE, now=lambda: next(clock))
    az.says("first", HOUR)
    seen = [identity.token(), identity.token()]
    az.says("second", 2 * HOUR)
    seen += [identity.token(), identity.token()]

    assert ["first", "first", "second", "second"] == seen
    assert 2 == len(az.asked)


def test_a_token_that_is_short_from_the_start_is_not_asked_for_each_time(az: Az) -> None:
    """Half of what is left of it is used first."""
    clock = iter((0.0, 49.0, 50.0))
    identity = Identity(AUDIENCE, now=lambda: next(clock))
    az.says("short", 100)
    for count in (1, 1, 2):
        identity.token()
        assert count == len(az.asked)


def test_while_no_other_can_be_had_a_token_counts_to_its_end(az: Az) -> None:
    """Not longer; and whoever could not be asked is not asked at every call."""
    due = HOUR - EARLY_SECONDS
    clock = iter((0.0, due, due + 1.0, float(due + AGAIN_SECONDS), float(HOUR)))
    identity = Identity(AUDIENCE, now=lambda: next(clock))
    az.says("first", HOUR)
    identity.token()
    az.fails()
    seen = [identity.token() for _ in range(3)]
    with pytest.raises(NoIdentityError):
        identity.token()

    assert ["first"] * 3 == seen
    assert 4 == len(az.asked)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (NOT_SIGNED_IN, "Please run 'az login' to set up an account"),
        (WRONG_APP, "AADSTS500011: The resource principal named api://x was not found"),
    ],
)
@pytest.mark.parametrize("all_of_them", [True, False])
def test_why_there_is_no_token_is_said_with_what_to_do(
    az: Az,
    monkeypatch: pytest.MonkeyPatch,
    all_of_them: bool,  # noqa: FBT001  # a case
    said: str,
    why: str,
) -> None:
    """In one line, whichever ways to sign in were tried."""
    if all_of_them:  # an address where no machine has an identity
        monkeypatch.delenv("AZURE_TOKEN_CREDENTIALS")
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    az.fails(said)
    with pytest.raises(NoIdentityError) as caught:
        Identity(AUDIENCE).token()

    found = str(caught.value)
    assert found.startswith(f"Azure gives no token for {AUDIENCE} here: {why}")
    assert found.endswith(". Run `az login`, or set STAGEWARD_TOKEN")
    assert "\n" not in found


def test_a_machine_without_az_is_told_so(az: Az, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is who asks for a way to sign in that there is not."""
    monkeypatch.setenv("PATH", str(az.folder / "nowhere"))
    with pytest.raises(NoIdentityError, match="Azure CLI not found on path"):
        Identity(AUDIENCE).token()
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "Nobody")
    with pytest.raises(NoIdentityError, match="AZURE_TOKEN_CREDENTIALS"):
        Identity(AUDIENCE).token()


def test_a_managed_identity_gets_a_token_for_that_app() -> None:
    """By the endpoint that Azure gives a host, as azure.identity asks it."""
    with running() as local, local.in_environment():
        token = Identity(AUDIENCE).token()
    claims = jwt.decode(token, options={"verify_signature": False})

    assert (AUDIENCE, local.governor.oid) == (claims["aud"], claims["oid"])


@pytest.mark.parametrize(
    "audience",
    [
        "",
        "api://",
        "api:// x",
        "api://x --tenant y",
        "3f1c0d4e-0000-4000-8000-000000000000",
        "https://management.azure.com",
        "https://vault.azure.net/.default",
        "api://x\nhttps://graph.microsoft.com",
    ],
)
def test_no_token_is_asked_for_that_is_good_at_azure_itself(audience: str) -> None:
    """Whoever is talked into such an audience is stopped before anything is sent."""
    with pytest.raises(InvalidInputError, match="STAGEWARD_AUDIENCE"):
        Identity(audience)


@pytest.mark.parametrize("url", ["http://stageward.example.org", "http://10.0.0.1:8321"])
def test_a_token_of_entra_goes_over_no_open_line(az: Az, url: str) -> None:
    """Only by https, or within this machine; nobody is asked for one otherwise."""
    with pytest.raises(InvalidInputError, match="use https"):
        Client(url, Identity(AUDIENCE))

    assert [] == az.asked


def test_within_the_machine_a_token_goes_past_its_proxies(
    it: World, az: Az, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would read it; one that is away shows that nothing goes there."""
    it.register("1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with behind_app_service(it) as url, Client(url, Identity(AUDIENCE), attempts=1) as client:
        assert "None" == client.version(FIRST).stage

    assert 1 == len(az.asked)


def test_whoever_answers_can_neither_name_an_audience_nor_pass_the_token_on(az: Az) -> None:
    """A challenge that names another resource, and a redirect, are both the end."""
    hosts: list[str] = []
    challenge = 'Bearer resource="https://management.azure.com", scope="https://x/.default"'
    answers = iter(
        [
            httpx.Response(401, headers={"WWW-Authenticate": challenge}),
            httpx.Response(307, headers={"Location": "https://elsewhere.example.org/"}),
        ]
    )

    def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return next(answers)

    network = httpx.MockTransport(answer)
    with Client("https://evil.example.org", Identity(AUDIENCE), transport=network) as client:
        with pytest.raises(NotSignedInError):
            client.version(FIRST)
        with pytest.raises(UnreachableError):
            client.version(FIRST)

    assert ["evil.example.org"] * 2 == hosts
    assert [f"account get-access-token --output json --resource {AUDIENCE}"] == az.asked


URL = {"STAGEWARD_URL": "https://stageward.example.org"}
ENTRA = {"STAGEWARD_AUDIENCE": AUDIENCE}


@pytest.mark.parametrize(
    ("environment", "url", "found"),
    [
        ({}, "", ""),
        (URL, "", ""),
        ({**URL, "STAGEWARD_TOKEN": "ada"}, "", "ada"),
        ({**URL, **ENTRA, "STAGEWARD_TOKEN": "ada"}, "", "ada"),
        ({**ENTRA, "STAGEWARD_TOKEN": "ada"}, "", "ada"),
        ({**URL, **ENTRA}, "", Identity),
        (ENTRA, "https://stageward.example.org", Identity),
    ],
)
def test_a_token_that_is_given_goes_before_an_identity(
    environment: dict[str, str], url: str, found: object
) -> None:
    """Without an audience nobody is signed in, as ever."""
    bearer = bearer_of(read_settings(environment), url)

    assert found == (bearer if isinstance(bearer, str) else type(bearer))


def test_an_address_that_nobody_named_is_sent_no_token() -> None:
    """At the default one anybody of this machine may listen."""
    with pytest.raises(InvalidInputError, match="and STAGEWARD_URL is not"):
        bearer_of(read_settings(ENTRA))


def test_clients_of_a_process_share_a_token_and_other_identities_do_not() -> None:
    """A client that is made for each call does not sign in each time."""
    first = bearer_of(read_settings({**URL, **ENTRA}))
    same = bearer_of(read_settings({**URL, **ENTRA}))
    other = bearer_of(read_settings({**URL, **ENTRA, "AZURE_CLIENT_ID": "another"}))

    assert (True, False) == (first is same, first is other)


def test_nothing_of_azure_is_imported_before_a_token_is_needed() -> None:
    """Nor ever, where one is given."""
    program = (
        "import sys; from stage_functions.client import Client, Identity\n"
        f"Client('https://h', Identity('{AUDIENCE}')); Client('https://h', 'ada')\n"
        "print([one for one in sys.modules if one.startswith(('azure', 'msal'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "[]" == done.stdout.strip()
