"""What deliveries of Event Grid amount to."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum

from stage_functions.application.signal import EndpointSignal, JobSignal, Signals
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire.eventgrid import from_functions, parse
from tests.wire.deliveries import (
    AT,
    CHURN,
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
    HANDSHAKE,
    MODEL_DEPLOYED,
    MODEL_REGISTERED,
    REGISTRIES,
    RESOURCE_GROUP,
    RUN_COMPLETED,
    WORKSPACE,
    Event,
    as_cloud_event,
    resource_event,
)


class TestModelRegistered:
    """The workspace's own event: a model was registered."""

    @both_schemas
    def test_a_registered_model_is_a_signal(self, schema: Schema) -> None:
        """The sample of the documents names its version and its time."""
        read = only(schema(MODEL_REGISTERED))

        assert signal("dev/models/sklearn_regression_model:20") == read

    @pytest.mark.parametrize(
        ("number", "read"),
        [(20, "20"), pytest.param("20", "20", id="text"), (20.0, "20"), ("v-20", "v-20")],
    )
    def test_the_number_may_be_a_number_or_text(self, number: object, read: str) -> None:
        """The documents have both."""
        event = changed(with_data(MODEL_REGISTERED, ModelVersion=number), subject="")

        assert read == only(event).version.number

    @pytest.mark.parametrize("number", [True, 1.5, 2**70, [1], {"a": 1}, float("nan")])
    def test_what_is_no_number_is_taken_from_the_subject(self, number: object) -> None:
        """One good source is enough."""
        event = with_data(MODEL_REGISTERED, ModelVersion=number)

        assert "20" == only(event).version.number

    @pytest.mark.parametrize(
        ("subject", "data"),
        [
            ("models/other:20", {}),
            ("models/sklearn_regression_model:21", {}),
            ("models/other:20", {"ModelVersion": None}),
            ("models/Sklearn_regression_model:20", {"ModelName": "sklearn_Regression_model"}),
        ],
    )
    def test_contradictions_are_left_unread(self, subject: str, data: dict[str, object]) -> None:
        """Subject and data that name different versions are not believed."""
        event = changed(with_data(MODEL_REGISTERED, **data), subject=subject)

        assert "contradict each other" in reason(event)

    @pytest.mark.parametrize("subject", ["", None, 7, "endpoints/x"])
    def test_data_alone_will_do(self, subject: object) -> None:
        """A subject that speaks of no model says nothing."""
        event = changed(MODEL_REGISTERED, subject=subject)

        assert signal("dev/models/sklearn_regression_model:20") == only(event)

    def test_a_folded_copy_yields_to_the_spelling(self) -> None:
        """Folding loses the case of a name; nothing invents one."""
        event = with_data(MODEL_REGISTERED, ModelName="SKLearn_Regression_Model")

        assert "SKLearn_Regression_Model" == only(event).version.asset.name

    @pytest.mark.parametrize(
        "name",
        ["", "a/b", "a:b", " ", "..", "a\nb", chr(0xD800), "x" * 1001, 7, None],
        ids=lambda name: ascii(name)[:12],
    )
    def test_names_that_no_registry_allows_are_left_unread(self, name: object) -> None:
        """They would name no version anywhere."""
        event = changed(with_data(MODEL_REGISTERED, ModelName=name), subject="")

        assert "names no version" in reason(event)

    @pytest.mark.parametrize("name", ["my model", "100%", "modèle", "it's", "n" * 255])
    def test_unusual_names_keep_their_spelling(self, name: str) -> None:
        """Spaces, percent signs, quotes and Unicode come through."""
        event = changed(with_data(MODEL_REGISTERED, ModelName=name), subject=f"models/{name}:20")

        assert name == only(event).version.asset.name

    @pytest.mark.parametrize(
        "topic",
        [
            WORKSPACE.upper(),
            WORKSPACE.lower(),
            f"{WORKSPACE}/",
            WORKSPACE.lstrip("/"),
            WORKSPACE.replace("resourceGroups", "resourcegroups"),
        ],
    )
    def test_the_topic_is_compared_in_any_case(self, topic: str) -> None:
        """Azure changes the case of ids at will."""
        assert "dev" == only(changed(MODEL_REGISTERED, topic=topic)).version.asset.registry

    @pytest.mark.parametrize(
        "topic", [f"{WORKSPACE}x", RESOURCE_GROUP, "", None, 7, "http://127.0.0.1:5000", "/"]
    )
    @pytest.mark.parametrize("event", [MODEL_REGISTERED, MODEL_DEPLOYED])
    def test_topics_of_no_registry_are_left_unread(self, event: Event, topic: object) -> None:
        """Only registries of type azureml send these events."""
        assert "is no registry of the configuration" in reason(changed(event, topic=topic))

    @pytest.mark.parametrize(
        ("time", "at"),
        [
            ("2026-11-23T22:31:09Z", datetime(2026, 11, 23, 22, 31, 9, 0, UTC)),
            ("2026-11-23T22:31:09", datetime(2026, 11, 23, 22, 31, 9, 0, UTC)),
            ("2026-11-23T23:31:09+01:00", datetime(2026, 11, 23, 22, 31, 9, 0, UTC)),
            ("0001-01-01T00:00:00+14:00", None),
            ("yesterday", None),
            ("", None),
            (1795472467, None),
        ],
    )
    def test_the_time_is_read_where_it_is_one(self, time: object, at: datetime | None) -> None:
        """Without an offset it is UTC; what is no time is none."""
        assert at == only(changed(MODEL_REGISTERED, eventTime=time)).at


class TestModelDeployed:
    """The workspace's own event: models were deployed to an endpoint."""

    @both_schemas
    def test_a_deployment_is_a_signal_for_its_endpoint(self, schema: Schema) -> None:
        """What that serves is asked of the registry, whatever models the event lists."""
        assert EndpointSignal("dev", "my-sklearn-service", at=AT) == only_any(
            schema(MODEL_DEPLOYED)
        )

    @pytest.mark.parametrize(
        "event",
        [
            with_data(MODEL_DEPLOYED, ServiceName=None),
            with_data(MODEL_DEPLOYED, ServiceName=7),
            changed(MODEL_DEPLOYED, subject=""),
            changed(MODEL_DEPLOYED, subject="models/other:1"),
        ],
    )
    def test_one_name_will_do(self, event: Event) -> None:
        """Subject and data each name the endpoint; here one of them does not."""
        assert "endpoint dev/my-sklearn-service" == str(only_any(event))

    def test_contradictions_are_left_unread(self) -> None:
        """Subject and data that name different endpoints are not believed."""
        assert "contradict" in reason(with_data(MODEL_DEPLOYED, ServiceName="other"))

    def test_without_an_endpoint_each_model_is_hinted_at(self) -> None:
        """ModelIds is one text, joined by commas."""
        read = parse(nowhere(MODEL_DEPLOYED), REGISTRIES)

        expected = (
            signal("dev/models/sklearn_regression_model:1"),
            signal("dev/models/sklearn_regression_model:2"),
        )
        assert Signals(expected) == read

    def test_bad_ids_of_a_deployment_do_not_spoil_the_others(self) -> None:
        """Each leaves its own reason, a repeated one none."""
        event = with_data(MODEL_DEPLOYED, ModelIds=["a:1", " b:2 ", "b:2", "", "c", "d/e:1"])

        read = parse(nowhere(event), REGISTRIES)

        assert ["dev/models/a:1", "dev/models/b:2"] == [str(one.version) for one in read.versions]
        assert ("'' names no version", "'c' names no version", "'d/e:1' names no version") == (
            read.ignored
        )

    @pytest.mark.parametrize("ids", [None, 7, {"a": 1}, [1], []])
    def test_a_deployment_of_nothing_is_left_unread(self, ids: object) -> None:
        """There is nothing to follow up."""
        assert "ModelIds" in reason(nowhere(with_data(MODEL_DEPLOYED, ModelIds=ids)))


def nowhere(event: Event) -> Event:
    """Return a deployment that names no endpoint."""
    return changed(with_data(event, ServiceName=None), subject="")


class TestRuns:
    """Jobs that have ended may have left models behind."""

    @both_schemas
    @pytest.mark.parametrize(
        ("type_", "data"),
        [
            ("RunCompleted", {}),
            ("RunStatusChanged", {"runStatus": "Completed"}),
            ("RunStatusChanged", {"runStatus": "completed"}),
        ],
    )
    def test_a_run_that_has_completed_is_a_signal(
        self, schema: Schema, type_: str, data: dict[str, object]
    ) -> None:
        """Whichever of the two events says so."""
        assert JobSignal("dev", "AutoML_ad912b2d_5") == only_any(schema(run(type_, **data)))

    @pytest.mark.parametrize("status", ["failed", "Running", 7, "x" * 5000])
    def test_any_other_status_is_left_unread(self, status: object) -> None:
        """The reason is short and printable, whatever was sent."""
        why = reason(run("RunStatusChanged", runStatus=status))

        assert "has left nothing that is finished" in why
        assert len(why) < 200

    @pytest.mark.parametrize(
        "event",
        [
            with_data(RUN_COMPLETED, runId=None),
            with_data(RUN_COMPLETED, runId=7),
            changed(RUN_COMPLETED, subject=""),
        ],
    )
    def test_one_id_will_do(self, event: Event) -> None:
        """Subject and data each name the run; here one of them does not."""
        assert "job AutoML_ad912b2d_5 of dev" == str(only_any(event))

    @pytest.mark.parametrize(
        ("event", "why"),
        [
            (with_data(RUN_COMPLETED, runId="other"), "contradict"),
            (changed(with_data(RUN_COMPLETED, runId="a/b"), subject=""), "names no run"),
            (changed(with_data(RUN_COMPLETED, runId=".."), subject=""), "names no run"),
            (changed(with_data(RUN_COMPLETED, runId=None), subject=""), "names no run"),
            (changed(RUN_COMPLETED, topic=RESOURCE_GROUP), "is no registry"),
        ],
    )
    def test_what_names_no_run_is_left_unread(self, event: Event, why: str) -> None:
        """It is in no workspace of the configuration, contradicts itself, or can be no id."""
        assert why in reason(event)


def run(type_: str, **data: object) -> Event:
    """Return what a workspace tells of a run."""
    event = changed(RUN_COMPLETED, eventType=f"Microsoft.MachineLearningServices.{type_}")
    return with_data(event, **data)


class TestUnknownTypes:
    """Whatever else topics send."""

    @both_schemas
    @pytest.mark.parametrize("type_", ["Microsoft.Storage.BlobCreated", "x" * 5000, "a\nb"])
    def test_unknown_types_are_acknowledged_and_counted(self, schema: Schema, type_: str) -> None:
        """The reason is short and printable, whatever was sent."""
        why = reason(schema(changed(MODEL_REGISTERED, eventType=type_)))

        assert "are not followed" in why
        assert len(why) < 200
        assert why.isprintable()


class TestHandshake:
    """A new subscription asks whether anyone is there."""

    @both_schemas
    def test_the_code_is_given_back(self, schema: Schema) -> None:
        """The delivery amounts to its validation code."""
        read = parse([schema(HANDSHAKE)], REGISTRIES)

        assert Signals(handshake="512d38b6-c7b8-40c8-89fe-f46f9e9622b6") == read

    @pytest.mark.parametrize("code", [None, "", 7])
    def test_a_handshake_without_a_code_is_none(self, code: object) -> None:
        """There is nothing to answer with."""
        read = parse(with_data(HANDSHAKE, validationCode=code), REGISTRIES)

        assert Signals(ignored=("the handshake has no validationCode",)) == read


class TestFunctionsTrigger:
    """What the Functions host hands over is read as if it had come by HTTP."""

    @both_schemas
    @pytest.mark.parametrize(
        "event", [MODEL_REGISTERED, MODEL_DEPLOYED, HANDSHAKE, resource_event(CHURN)]
    )
    def test_the_trigger_reads_as_the_wire(self, schema: Schema, event: Event) -> None:
        """Decoded by Microsoft's own converter, both kinds give the same signals."""
        sent = schema(event)
        handed = EventGridEventInConverter.decode(
            Datum(json.dumps(sent), "json"), trigger_metadata=None
        )

        assert parse(sent, REGISTRIES) == parse(from_functions(handed), REGISTRIES)

    def test_extensions_of_a_cloud_event_are_kept(self) -> None:
        """Data in base64 comes as an extension there."""
        event = as_cloud_event(MODEL_REGISTERED)
        event["data_base64"] = base64.b64encode(json.dumps(event.pop("data")).encode()).decode()
        handed = EventGridEventInConverter.decode(
            Datum(json.dumps({**event, "subject": None}), "json"), trigger_metadata=None
        )

        assert signal("dev/models/sklearn_regression_model:20") == only(from_functions(handed))

    @pytest.mark.parametrize("event", [None, {}, "text", MODEL_REGISTERED])
    def test_anything_else_is_refused(self, event: object) -> None:
        """Only the two classes of the trigger are known."""
        with pytest.raises(InvalidInputError, match="no event of the Event Grid trigger"):
            from_functions(event)


def test_the_wire_needs_no_sdk() -> None:
    """Parsing imports nothing of Azure's, so that it costs nothing at a cold start."""
    code = (
        "import sys, stage_functions.wire.eventgrid, stage_functions.wire.cloudevent;"
        "sys.exit(any(name.partition('.')[0] == 'azure' for name in sys.modules))"
    )

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
