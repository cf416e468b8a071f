"""Sign-in by Microsoft Entra: who is believed to be whom, and what they may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from stage_functions.domain.people import Directory
from stage_functions.settings import SignIn
from stage_functions.web.entra import HEADER
from tests.api_server import Api, api_over
from tests.builders import DIRECTORY, World
from tests.web.browser import FORM, Browser, Site, site_over
from tests.web.principal import APP, OID, OTHER, header

SOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
MICROSOFT = "http://schemas.microsoft.com/identity/claims"
ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
LIST = "/api/v1/assets"
FIRST = "/api/v1/assets/demo/models/iris/versions/1"


def entra() -> Directory:
    """Return people whom Entra knows too, and groups that it names members of."""
    people = dict(DIRECTORY.people)
    people["ada"] = replace(people["ada"], ids=("mlflow:ada", f"oid:{OID}"))
    people["bob"] = replace(people["bob"], ids=("mlflow:bob", "upn:Bob@example.org", f"app:{APP}"))
    people["sam"] = replace(people["sam"], ids=("mlflow:sam", f"oid:{APP}"))
    named = {"risk": ("Stageward.Risk", OTHER), "operators": ("Stageward.Operator",)}
    return replace(DIRECTORY, people=people, entra=named)


@pytest.fixture
def known(it: World) -> World:
    """A world of people with ids of Entra."""
    configuration = replace(it.context.configuration, directory=entra())
    return replace(it, context=replace(it.context, configuration=configuration))


@pytest.fixture
def guarded(known: World) -> Iterator[Api]:
    """The API behind App Service authentication."""
    with api_over(known, SignIn.ENTRA) as running:
        yield running


@pytest.fixture
def site(known: World) -> Iterator[Site]:
    """The pages behind it."""
    with site_over(known, SignIn.ENTRA) as running:
        yield running


def ask(api: Api, *claims: tuple[str, object], path: str = LIST) -> httpx.Response:
    """Ask as somebody with these claims."""
    return api.client().get(path, headers={HEADER: header(*claims)})


def who(site: Site, *claims: tuple[str, object]) -> dict[str, Any]:
    """Return whom a page takes somebody with these claims for."""
    with Browser(site, **{HEADER: header(*claims)}) as browser:
        return browser.who()


@pytest.mark.parametrize(
    ("claims", "person"),
    [
        ([("oid", OID)], "ada"),
        ([(f"{MICROSOFT}/objectidentifier", OID.upper())], "ada"),
        ([("oid", OTHER), ("preferred_username", "BOB@Example.org")], "bob"),
        ([("oid", OTHER), ("upn", "bob@example.org")], "bob"),
        ([("oid", OTHER), (f"{SOAP}/upn", "bob@example.org")], "bob"),
        ([("oid", OID), ("preferred_username", "ada@elsewhere.example")], "ada"),
        ([("oid", OTHER), ("idtyp", "app"), ("appid", APP)], "bob"),
        ([("idtyp", "app"), ("azp", APP)], "bob"),
        ([("oid", OTHER), (f"{SOAP}/nameidentifier", OTHER), ("azp", APP)], "bob"),
    ],
)
def test_every_id_that_entra_names_finds_the_person(
    site: Site, claims: list[tuple[str, object]], person: str
) -> None:
    """By short and mapped names of claims; a program by its own id."""
    found = who(site, *claims)

    assert found["id"] == f"person:{person}"
    assert (found["attribution"], found["assurance"]) == ("proven", "signed_in")


@pytest.mark.parametrize(
    "claims",
    [
        [("oid", OTHER), ("appid", APP), ("scp", "user_impersonation"), ("sub", OTHER)],
        [("oid", OTHER), ("appid", APP), ("upn", "zoe@example.org"), ("sub", OTHER)],
        [("oid", OTHER), ("appid", APP), ("sub", "pairwise")],
        [("oid", OTHER), ("appid", APP)],
        [("oid", OTHER), ("appid", APP), ("idtyp", "user"), ("sub", OTHER)],
    ],
)
def test_a_program_that_somebody_uses_is_not_who_acts(
    guarded: Api, claims: list[tuple[str, object]]
) -> None:
    """Its id is in their token, and would make everybody the same person."""
    answer = ask(guarded, *claims)

    assert answer.status_code == 403
    assert APP not in answer.text


def test_ids_of_two_persons_are_refused(guarded: Api) -> None:
    """With the conflict named: somebody is to correct the file."""
    answer = ask(guarded, ("oid", OID), ("upn", "bob@example.org"))

    assert answer.status_code == 403
    assert (
        f"oid:{OID} is person:ada and upn:bob@example.org is person:bob" in answer.json()["detail"]
    )


def test_who_is_unknown_sees_nothing_and_is_told_their_ids(guarded: Api, site: Site) -> None:
    """So that an administrator can add them; as a page too."""
    claims = (("oid", OTHER), ("preferred_username", "zoe@example.org"), ("roles", "Other.Role"))
    answer = ask(guarded, *claims)
    with Browser(site, **{HEADER: header(*claims)}) as browser:
        shown = browser.get("/test")

    assert (answer.status_code, shown.status_code) == (403, 403)
    assert f"signed in as oid:{OTHER} or upn:zoe@example.org" in answer.json()["detail"]
    assert f"oid:{OTHER}" in shown.text


@pytest.mark.parametrize(
    "claim",
    [
        ("roles", "Stageward.Risk"),
        (ROLE, "Stageward.Risk"),
        ("groups", OTHER),
    ],
)
def test_a_role_or_group_of_entra_makes_a_member(site: Site, claim: tuple[str, object]) -> None:
    """Whoever has it is a guest, known by the id that never changes."""
    found = who(site, ("oid", OTHER), ("name", "Zoë <Guest>"), claim)

    assert (found["id"], found["name"]) == (f"oid:{OTHER}", "Zoë <Guest>")
    assert found["groups"] == ["risk"]


def test_the_platforms_own_name_of_the_claim_of_roles_counts(guarded: Api) -> None:
    """It says which one it is."""
    made = header(("oid", OTHER), ("app_roles", "Stageward.Risk"), role_typ="app_roles")

    assert guarded.client().get(LIST, headers={HEADER: made}).status_code == 200


def test_a_guest_votes_by_the_group_that_entra_names(known: World, guarded: Api) -> None:
    """Of author and requester an id of Entra is known: it is certain that the guest is neither."""
    known.register("1")
    ada = guarded.client()
    ada.headers[HEADER] = header(("oid", OID))
    ada.post(f"{FIRST}/transitions", json={"to": "Staging"})
    pending = ada.post(f"{FIRST}/transitions", json={"to": "Production"}).json()
    guest = guarded.client()
    guest.headers[HEADER] = header(("oid", OTHER), ("roles", "Stageward.Risk"))

    answer = guest.post(
        f"/api/v1/approvals/{pending['approval']}/votes",
        json={"decision": "reject", "comment": "no", "fingerprint": pending["fingerprint"]},
    )

    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    records = ada.get("/api/v1/assets/demo/models/iris/history").json()["records"]
    who = {"id": f"oid:{OTHER}", "attribution": "proven", "via": "api"}
    assert who in [record["actor"] for record in records]


def test_operators_may_be_named_by_a_role(guarded: Api) -> None:
    """As others of the file may not."""
    rebuild = "/api/v1/catalog/rebuild"
    made = header(("oid", OTHER), ("roles", "Stageward.Operator"))

    assert guarded.client().post(rebuild, headers={HEADER: made}).status_code == 200
    refused = guarded.client().post(rebuild, headers={HEADER: header(("oid", OID))})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "overage",
    [("hasgroups", "true"), ("_claim_names", '{"groups":"src1"}')],
)
def test_groups_that_entra_left_out_are_named_as_the_reason(
    guarded: Api, site: Site, overage: tuple[str, object]
) -> None:
    """Wherever somebody is denied something, with app roles as the way out."""
    unknown = ask(guarded, ("oid", OTHER), overage).json()["detail"]
    rebuild = guarded.client().post(
        "/api/v1/catalog/rebuild", headers={HEADER: header(("oid", OID), overage)}
    )
    with Browser(site, **{HEADER: header(("oid", OID), overage)}) as browser:
        form = browser.post("/test", {})

    for said in (unknown, rebuild.json()["detail"], form.text):
        assert said.count("Entra left your groups out") == 1
        assert "give app roles" in said
    assert "left your groups out" not in ask(guarded, ("oid", OTHER)).text


def test_without_the_header_nobody_is_signed_in(guarded: Api, site: Site) -> None:
    """The API says how; a browser is sent to the platform's page, and back."""
    answer = guarded.client().get(LIST, headers={"Authorization": "Bearer sam"})
    with Browser(site) as browser:
        asked = browser.get("/test?a=b&c=d")
        form = browser.get("/sign-in?next=/approvals")
        sent = browser.post("/test", {})
        entered = browser.post("/sign-in", {"person": "ada", "token": "x"})

    assert answer.status_code == 401
    assert "a token of Microsoft Entra" in answer.json()["detail"]
    platform = "/.auth/login/aad?post_login_redirect_uri="
    assert asked.headers["Location"] == f"{platform}%2Ftest%3Fa%3Db%26c%3Dd"
    assert form.headers["Location"] == f"{platform}%2Fapprovals"
    assert (sent.status_code, entered.status_code) == (401, 404)


def test_signing_out_is_the_platforms(site: Site) -> None:
    """By a link in the head of each page."""
    with Browser(site, **{HEADER: header(("oid", OID))}) as browser:
        shown = browser.get("/test/header")
        form = {"form_token": str(browser.who()["form"])}
        out = browser.post("/sign-out", form)

    assert '<a href="/.auth/logout">Sign out</a>' in shown.text
    assert out.headers["Location"] == "/.auth/logout"


def test_a_header_that_is_there_twice_signs_in_nobody(guarded: Api) -> None:
    """One of them may have been smuggled in."""
    twice = [(HEADER, header(("oid", OID))), (HEADER.lower(), header(("oid", OID)))]

    assert httpx.get(f"{guarded.address}{LIST}", headers=twice).status_code == 403


@pytest.mark.parametrize("sign_in", [SignIn.DEV, SignIn.TOKENS])
def test_the_header_is_nothing_where_the_platform_does_not_sign_in(
    known: World, sign_in: SignIn
) -> None:
    """Anybody could send it; neither does it change who else has signed in."""
    made = {HEADER: header(("oid", OID), ("roles", "Stageward.Operator"))}
    with (
        api_over(known, sign_in) as api,
        site_over(known, sign_in) as site,
        Browser(site) as browser,
    ):
        alone = api.client().get(LIST, headers=made)
        page = browser.get("/test", **made)
    with site_over(known, SignIn.DEV) as site, Browser(site, **made) as browser:
        browser.sign_in(person="sam")
        seen = browser.who()

    assert (alone.status_code, page.status_code) == (401, 303)
    assert (seen["id"], seen["groups"]) == ("person:sam", ["science"])


FOREIGN = [
    {"Origin": "https://evil.example.org"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_call_that_another_sites_page_makes_is_refused(
    known: World, guarded: Api, headers: dict[str, str]
) -> None:
    """The platform's cookie would come along: 403, nothing changed; reading is harmless."""
    known.register("1")
    ada = guarded.client()
    ada.headers[HEADER] = header(("oid", OID))

    asked = ada.post(f"{FIRST}/transitions", json={"to": "Staging"}, headers=headers)

    assert asked.status_code == 403
    assert "this call is refused" in asked.json()["detail"]
    assert ada.get(FIRST, headers=headers).json()["stage"] == "None"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "<site>"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
)
def test_a_call_of_a_program_or_a_page_of_ours_is_taken(
    known: World, guarded: Api, headers: dict[str, str]
) -> None:
    """A program says nothing of where it comes from."""
    known.register("1")
    named = {name: value.replace("<site>", guarded.address) for name, value in headers.items()}
    named[HEADER] = header(("oid", OID))

    answer = guarded.client().post(f"{FIRST}/transitions", json={"to": "Staging"}, headers=named)

    assert answer.json()["outcome"] == "granted"


def test_a_form_of_ours_is_taken(site: Site) -> None:
    """Though the page names no origin."""
    with Browser(site, **{HEADER: header(("oid", OID))}) as browser:
        form = {"form_token": str(browser.who()["form"])}

        assert browser.post("/test", form, FORM).status_code == 303
        assert browser.post("/test", form, {"Origin": "https://e.example"}).status_code == 403
