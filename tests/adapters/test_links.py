"""Addresses of approvals: plain for everybody, personal for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from stage_functions.adapters.links import PageLinks
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.link_keys import LinkKeys
from stage_functions.application.ports.links import Links
from stage_functions.application.signatures import Purpose, Signatures
from stage_functions.domain.approval import Approval, Binding
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.lifecycle import ApprovalPolicy, Assurance
from stage_functions.web.pages.addresses import url_for_version
from tests.builders import actor
from tests.fakes.clock import FakeClock
from tests.fakes.rows import LossyRows

URL = "https://stageward.example.org"


@pytest.fixture
def rows() -> Iterator[LossyRows]:
    """A new ledger's store."""
    with closing(SQLiteRows(":memory:")) as store:
        yield LossyRows(store)


@pytest.fixture
def signatures(rows: LossyRows) -> Signatures:
    """What is signed with its keys."""
    clock = FakeClock()
    return Signatures(LinkKeys(rows, clock, timedelta(days=7)), clock)


def approval(assurance: Assurance) -> Approval:
    """Return an open approval."""
    binding = Binding("i", "Staging", "Production", (), "sha256:0", "sha256:1", {}, {}, "")
    policy = ApprovalPolicy(1, {"risk": 1}, (), assurance=assurance)
    now = FakeClock().now()
    deadline = now + timedelta(days=7)
    return Approval(
        "7f3k9m2x", "1", binding, policy, "", actor("sam"), "", (), "", now, deadline, (), "default"
    )


def test_the_plain_address_names_the_approval(rows: LossyRows, signatures: Signatures) -> None:
    """And needs no key."""
    links: Links = PageLinks(URL, signatures)

    assert links.approval("7f3k9m2x") == f"{URL}/approvals/7f3k9m2x"
    assert rows.trips == 0


def test_the_address_of_a_version_names_it_encoded_once(
    rows: LossyRows, signatures: Signatures
) -> None:
    """As its page has it; it needs no key either."""
    links: Links = PageLinks(URL, signatures)
    version = Version(Asset("dev", Kind.MODELS, "iris & co%20"), "3")

    assert f"{URL}{url_for_version(version)}" == links.version(version)
    assert links.version(version) == f"{URL}/assets/dev/models/iris%20%26%20co%2520/versions/3"
    assert rows.trips == 0


def test_the_personal_address_is_bound_to_approval_approver_and_brief(
    signatures: Signatures,
) -> None:
    """In a field that tracing leaves out of what it records."""
    wanted = approval(Assurance.LINK)
    address = urlsplit(PageLinks(URL, signatures).personal(wanted, "ada"))
    (token,) = parse_qs(address.query).pop("sig")

    signed = signatures.read(Purpose.LINK, token)

    assert address.path == "/approvals/7f3k9m2x/link"
    assert signed is not None
    assert signed.parts == ("7f3k9m2x", "ada", wanted.fingerprint)
    assert len(address.geturl()) < 400


def test_where_a_link_is_not_enough_none_is_made(rows: LossyRows, signatures: Signatures) -> None:
    """Nobody can lose what was never there."""
    links = PageLinks(URL, signatures)

    address = links.personal(replace(approval(Assurance.SIGNED_IN)), "ada")

    assert (address, rows.trips) == (links.approval("7f3k9m2x"), 0)
