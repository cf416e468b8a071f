"""Writes and deletions of resources: which version they hint at, and who may have written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stage_functions.application.signal import AssetSignal, EndpointSignal
from stage_functions.domain.asset import Asset
from stage_functions.wire.eventgrid import parse
from tests.wire.deliveries import (
    CHURN,
    CLAIMED,
    Schema,
    both_schemas,
    changed,
    only,
    only_any,
    reason,
    signal,
    with_data,
)
from tests.wire.samples import (
    APPLICATION,
    ML_REGISTRY,
    OID,
    REGISTRIES,
    RESOURCE_GROUP,
    RUN_COMPLETED,
    WORKSPACE,
    Event,
    resource_event,
)

WRITTEN_AT = datetime(2018, 7, 19, 18, 38, 4, 611735, UTC)


class TestResourceChanged:
    """Writes and deletions that Azure Resource Manager tells of."""

    @both_schemas
    @pytest.mark.parametrize("what", ["Write", "Delete"])
    @pytest.mark.parametrize("kind", ["models", "data", "environments", "components"])
    @pytest.mark.parametrize(("alias", "registry"), [("dev", WORKSPACE), ("shared", ML_REGISTRY)])
    def test_a_version_of_any_kind_is_a_signal(
        self, schema: Schema, what: str, kind: str, alias: str, registry: str
    ) -> None:
        """In a workspace or in a registry, written or deleted; the claims say by whom."""
        event = resource_event(f"{registry}/{kind}/Churn/versions/3", what)

        read = only(schema(event))

        expected = signal(
            f"{alias}/{kind}/Churn:3",
            actor=f"oid:{OID}",
            at=WRITTEN_AT,
            deleted=what == "Delete",
        )
        assert expected == read

    @pytest.mark.parametrize(
        "resource",
        [
            CHURN.replace("resourceGroups", "resourcegroups"),
            CHURN.replace("/models/", "/Models/").replace("/versions/", "/Versions/"),
            WORKSPACE.upper() + "/models/Churn/versions/3",
            f"{CHURN}/",
            CHURN.lstrip("/"),
        ],
    )
    def test_the_id_may_come_in_any_case(self, resource: str) -> None:
        """Only the name of the asset counts by case, as it was delivered."""
        assert "dev/models/Churn:3" == str(only(resource_event(resource)).version)

    @pytest.mark.parametrize(
        "event",
        [
            changed(resource_event(CHURN), subject=CHURN.lower()),
            with_data(resource_event(CHURN), resourceUri=CHURN.lower()),
        ],
        ids=["subject", "resourceUri"],
    )
    def test_a_folded_copy_yields_to_the_spelling(self, event: Event) -> None:
        """Whichever of the two kept the name's case is believed."""
        assert "Churn" == only(event).version.asset.name

    @pytest.mark.parametrize(
        "event",
        [
            changed(resource_event(CHURN), subject=None),
            changed(resource_event(CHURN), data=None),
            with_data(resource_event(CHURN), resourceUri=None),
        ],
        ids=["subject", "data", "resourceUri"],
    )
    def test_one_id_will_do(self, event: Event) -> None:
        """Subject and data each name the resource; here one of them is missing."""
        assert "dev/models/Churn:3" == str(only(event).version)

    @pytest.mark.parametrize(
        ("resource", "why"),
        [
            (f"{WORKSPACE}/models/Churn", "a container was written"),
            (f"{WORKSPACE}/models/Churn/", "a container was written"),
            (f"{WORKSPACE}/models", "names no version"),
            (f"{WORKSPACE}/models/Churn/versions", "names no version"),
            (f"{WORKSPACE}/models//versions/3", "names no version"),
            (f"{WORKSPACE}/models/../versions/3", "names no version"),
            (f"{WORKSPACE}/models/a:b/versions/3", "names no version"),
            (f"{WORKSPACE}/models/a\nb/versions/3", "names no version"),
            (f"{CHURN}/more", "names no version"),
            (f"{WORKSPACE}/jobs/j/versions/3", "'jobs' is no kind of asset"),
            (f"{WORKSPACE}/onlineEndpoints", "names no endpoint"),
            (f"{WORKSPACE}/onlineEndpoints/e/deployments", "names no endpoint"),
            (f"{WORKSPACE}/onlineEndpoints/../deployments/d", "names no endpoint"),
            (f"{WORKSPACE}/onlineEndpoints/e/tokens/t", "'onlineendpoints' is no kind of asset"),
            (WORKSPACE, "'' is no kind of asset"),
            (f"{WORKSPACE}x/models/Churn/versions/3", "is no registry of the configuration"),
            (f"{RESOURCE_GROUP}/providers/Microsoft.Storage/storageAccounts/s", "of Azure ML"),
        ],
    )
    def test_other_resources_are_left_unread(self, resource: str, why: str) -> None:
        """Whatever is not a version of a known registry leaves its reason."""
        assert why in reason(resource_event(resource))

    def test_an_event_of_no_resource_is_left_unread(self) -> None:
        """Without an id there is nothing to follow up."""
        event = changed(resource_event(CHURN), subject="", data=None)

        assert "the event names no resource" == reason(event)

    @pytest.mark.parametrize(
        ("uri", "why"),
        [
            (f"{WORKSPACE}/models/Other/versions/3", "contradict each other"),
            (f"{WORKSPACE}/models/Churn/versions/4", "contradict each other"),
            (f"{WORKSPACE}/models/cHURN/versions/3", "differently"),
        ],
    )
    def test_contradictions_are_left_unread(self, uri: str, why: str) -> None:
        """Subject and data that name different versions are not believed."""
        assert why in reason(with_data(resource_event(CHURN), resourceUri=uri))

    @pytest.mark.parametrize(
        "topic", [f"{RESOURCE_GROUP}x", "/subscriptions/other", RESOURCE_GROUP[:-5]]
    )
    def test_a_resource_outside_of_its_topic_is_left_unread(self, topic: str) -> None:
        """A group can only speak of what is in it."""
        assert "lies outside of its topic" in reason(changed(resource_event(CHURN), topic=topic))

    @pytest.mark.parametrize(
        "topic", ["/subscriptions/{subscription-id}", RESOURCE_GROUP.upper(), ""]
    )
    def test_groups_and_subscriptions_speak_of_what_is_in_them(self, topic: str) -> None:
        """The topic is a subscription or a resource group, in any case."""
        assert "dev" == only(changed(resource_event(CHURN), topic=topic)).version.asset.registry

    @pytest.mark.parametrize(
        ("claims", "actor"),
        [
            ({"appid": APPLICATION.upper()}, f"app:{APPLICATION}"),
            ({"appid": "{ID}", "name": "Somebody Personal"}, ""),
            ({"upn": "somebody@example.org"}, ""),
            ({"appid": [APPLICATION]}, ""),
            ("claims", ""),
            (None, ""),
        ],
    )
    def test_the_actor_is_an_object_id_or_an_application(self, claims: object, actor: str) -> None:
        """Names, mail addresses and addresses of machines are never taken."""
        event = with_data(resource_event(CHURN), claims=claims)

        assert actor == only(event).actor

    def test_what_the_claims_call_the_actor_is_kept_for_comparing(self) -> None:
        """A registry may show the same person by name, by mail address or by an id."""
        assert CLAIMED == only(resource_event(CHURN)).names

    @pytest.mark.parametrize(
        "claims",
        [{"name": "Somebody Personal"}, {"appid": "no id", "name": "Somebody Personal"}, None],
    )
    def test_nobody_has_no_names(self, claims: object) -> None:
        """Without an id to keep there is nothing to compare for."""
        assert () == only(with_data(resource_event(CHURN), claims=claims)).names

    def test_names_are_texts(self) -> None:
        """Whatever else stands there, and whatever is longer than a name, is left out."""
        claims = {"appid": APPLICATION, "name": "x" * 301, "upn": ["a"]}

        assert (APPLICATION,) == only(with_data(resource_event(CHURN), claims=claims)).names

    def test_names_are_not_printed(self) -> None:
        """What a log says of a hint is the version."""
        assert "dev/models/Churn:3" == f"{only(resource_event(CHURN))}"


class TestContainers:
    """Assets as a whole."""

    @both_schemas
    def test_a_deleted_asset_is_a_signal(self, schema: Schema) -> None:
        """All of its versions are gone, of which no event tells."""
        read = only_any(schema(resource_event(f"{WORKSPACE}/data/Churn", "Delete")))

        asset = Asset.parse("dev/data/Churn")
        assert AssetSignal(asset, f"oid:{OID}", WRITTEN_AT, CLAIMED) == read

    def test_a_written_asset_is_left_unread(self) -> None:
        """Nothing that counts is on it."""
        assert "a container was written" in reason(resource_event(f"{WORKSPACE}/data/Churn"))


class TestEndpoints:
    """What serves versions."""

    @both_schemas
    @pytest.mark.parametrize("type_", ["onlineEndpoints", "batchEndpoints", "BATCHENDPOINTS"])
    @pytest.mark.parametrize(("rest", "deployment"), [("", ""), ("/deployments/Blue", "Blue")])
    def test_a_written_endpoint_is_a_signal(
        self, schema: Schema, type_: str, rest: str, deployment: str
    ) -> None:
        """Itself or a deployment of it: what it serves is to be judged."""
        read = only_any(schema(resource_event(f"{WORKSPACE}/{type_}/Flowers{rest}")))

        expected = EndpointSignal("dev", "Flowers", deployment, f"oid:{OID}", WRITTEN_AT, CLAIMED)
        assert expected == read

    @pytest.mark.parametrize("rest", ["", "/deployments/blue"])
    def test_a_deleted_one_is_left_unread(self, rest: str) -> None:
        """It serves nothing any more."""
        event = resource_event(f"{WORKSPACE}/onlineEndpoints/flowers{rest}", "Delete")

        assert "what is no longer served breaks no rule" == reason(event)

    def test_an_endpoint_is_printed_with_its_registry(self) -> None:
        """So that a log says which."""
        read = only_any(resource_event(f"{WORKSPACE}/onlineEndpoints/flowers"))

        assert "endpoint dev/flowers" == str(read)


def test_what_the_platform_alone_can_send_is_marked() -> None:
    """Versions, assets and endpoints; of a job nobody is named."""
    events = [
        resource_event(CHURN),
        resource_event(f"{WORKSPACE}/data/Churn", "Delete"),
        resource_event(f"{WORKSPACE}/onlineEndpoints/flowers"),
        RUN_COMPLETED,
    ]

    read = parse(events, REGISTRIES)

    marked = [getattr(one, "authenticated", None) for one in read.vouched.signals]
    assert [True, True, True, None] == marked
    assert [False, False, False, None] == [
        getattr(one, "authenticated", None) for one in read.signals
    ]
