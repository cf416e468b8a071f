"""The header of the platform: believed where it is the platform's, and read strictly."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.application.scan import Scanner
from stage_functions.bootstrap import Application, web_application
from stage_functions.domain.error import ConfigurationError, DeniedError
from stage_functions.settings import Settings, read_settings
from stage_functions.web.entra import HEADER, MAX_CHARACTERS, principal
from tests.builders import World
from tests.web.principal import OID, OTHER, header

MALFORMED = [
    "",
    "x",
    "é",
    "e30=",
    "bm8ganNvbg==",
    base64.b64encode(b"\xff\xfe").decode(),
    base64.b64encode(b"[]").decode(),
    base64.b64encode(b'{"auth_typ": "aad"}').decode(),
    base64.b64encode(b'{"auth_typ": "aad", "claims": [{"typ": "oid"}]}').decode(),
    header(("oid", OID)) + ",",
    header(("oid", OID)) + "\n",
    header(("oid", OID)).rstrip("=") + "===",
    header(("oid", 7)),
    header(("oid", None)),
    header(("oid", "not-a-guid")),
    header(("oid", f"{OID}\n")),
    header(("oid", OID), ("oid", OTHER)),
    header(("upn", "ada@example.org")),
    header(("oid", OID), auth_typ="google"),
    header(("oid", OID), auth_typ=None),
    header(*[("x", str(number)) for number in range(1001)], ("oid", OID)),
    header(("oid", OID), ("x", "y" * MAX_CHARACTERS)),
    header(),
]


@pytest.mark.parametrize("text", MALFORMED)
def test_a_header_that_is_not_the_platforms_signs_in_nobody(text: str) -> None:
    """Refused, not sent to a sign-in that would end here again."""
    with pytest.raises(DeniedError, match=HEADER):
        principal([text])


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_header_is_read_or_refused(content: bytes) -> None:
    """Nothing else fails."""
    for text in (content.decode("latin-1"), base64.b64encode(content).decode()):
        with pytest.raises(DeniedError):
            principal([text])


@given(
    st.dictionaries(
        st.sampled_from(["auth_typ", "claims", "role_typ"]),
        st.none()
        | st.text(max_size=5)
        | st.just("aad")
        | st.lists(
            st.fixed_dictionaries({"typ": st.sampled_from(["oid", "upn"]), "val": st.text()})
        ),
    )
)
def test_any_claims_are_read_or_refused(document: dict[str, Any]) -> None:
    """No object id, nobody."""
    text = base64.b64encode(json.dumps(document).encode()).decode()

    with pytest.raises(DeniedError):
        principal([text])


@pytest.mark.parametrize(
    "claim", ["a b@example.org", "ada", "@example.org", "a@b\n", "x" * 500 + "@b"]
)
def test_a_user_name_that_is_none_is_no_id(claim: str) -> None:
    """The object id is left."""
    assert principal([header(("oid", OID), ("upn", claim))]).ids == (f"oid:{OID}",)


@pytest.mark.parametrize("value", ["", "false", "1", "yes", None])
def test_without_the_platform_it_does_not_start(it: World, value: str | None) -> None:
    """And says why: the header could be anybody's."""
    environment = {"STAGEWARD_AUTH": "entra"} | (
        {} if value is None else {"WEBSITE_AUTH_ENABLED": value}
    )
    settings = read_settings(environment)

    with pytest.raises(ConfigurationError, match=r"WEBSITE_AUTH_ENABLED, .* is not true"):
        web_application(Application(settings, it.context, Scanner(it.context)))


@pytest.mark.parametrize("value", ["True", "true", "TRUE"])
def test_behind_the_platform_it_starts(it: World, value: str) -> None:
    """As the platform writes the word."""
    settings = read_settings({"STAGEWARD_AUTH": "entra", "WEBSITE_AUTH_ENABLED": value})

    assert callable(web_application(Application(settings, it.context, Scanner(it.context))))
    assert Settings().platform_signs_in is False
