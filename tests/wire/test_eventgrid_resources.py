"""Writes and deletions of resources: which version they hint at, and who may have written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.wire.deliveries import (
    CHURN,
    Schema,
    both_schemas,
    changed,
    only,
    reason,
    signal,
    with_data,
)
from tests.wire.samples import (
    APPLICATION,
    ML_REGISTRY,
    OID,
    RESOURCE_GROUP,
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

        assert signal(f"{alias}/{kind}/Churn:3", actor=f"oid:{OID}", at=WRITTEN_AT) == read

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
            (f"{WORKSPACE}/onlineEndpoints/e", "'onlineEndpoints' is no kind of asset"),
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
