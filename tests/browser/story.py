"""A story to look at: registered, staged, pending, decided, displaced, refused, drifted, deleted."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from stage_functions.application.answer import Answer
from stage_functions.application.ports.registry import Output
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import JobSignal, Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.unregistered import follow_job
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import Escalation, Lifecycle, Transition
from stage_functions.domain.rule import Rule
from stage_functions.domain.state import MISSING_TWICE_SECONDS
from tests.builders import IRIS, World, actor, cast, lifecycle, world

DAY = 86400
ODD = Asset("demo", Kind.MODELS, 'Größe 100% & "more" <b>bold<i>?#')
LONG = Asset("demo", Kind.MODELS, "l" * 300)


def story_lifecycle() -> Lifecycle:
    """Return the default lifecycle with rules, reminders and an escalation."""
    plain = lifecycle()
    transitions: list[Transition] = []
    for one in plain.transitions:
        policy = one.approval
        if policy is None or one.target != "Production":
            transitions.append(one)
            continue
        policy = replace(
            policy,
            remind=(timedelta(days=2), timedelta(days=5)),
            escalate=Escalation(timedelta(days=3), "science"),
            valid_for=timedelta(days=180),
        )
        transitions.append(replace(one, approval=policy, rules=("job-finished", "accurate")))
    rules = {
        "job-finished": Rule(
            "job-finished",
            "!has(evidence.job.id) || evidence.job.status == 'FINISHED'",
            "the job that made it has finished",
            ("evidence.job.id", "evidence.job.status"),
        ),
        "accurate": Rule(
            "accurate",
            "!has(evidence.metrics.accuracy) || evidence.metrics.accuracy >= 0.9",
            "its accuracy is at least 0.9, where it is recorded",
            ("evidence.metrics.accuracy",),
        ),
    }
    return replace(plain, transitions=tuple(transitions), rules=rules)


def evidence(accuracy: float) -> Evidence:
    """Return what is known of a version that was trained."""
    return Evidence(
        {
            "job": {
                "id": "b0e178492f1c4d0e9a2b3c4d5e6f7081",
                "name": "train iris nightly",
                "status": "FINISHED",
            },
            "code": {
                "commit": "4f2a9c01d7",
                "branch": "main",
                "repository": "https://git.example.org/iris",
            },
            "data": {
                "name": "iris-train",
                "digest": "8c1f77aa",
                "datasets": '[{"name": "iris-train", "digest": "8c1f77aa"},'
                ' {"name": "iris-holdout", "digest": "0d9e1b22"}]',
            },
            "environment": {"python_version": "3.12.4", "mlflow_version": "3.10.0"},
            "metrics": {"accuracy": accuracy, "f1": accuracy - 0.02, "loss": 1 - accuracy},
            "params": {f"param_{n}": str(n) for n in range(12)},
            "author": {"id": "mlflow:sam"},
        }
    )


def _watching_all(it: World) -> World:
    configuration = it.context.configuration
    demo = replace(configuration.registry("demo"), watch=("*/*",))
    configuration = replace(configuration, registries={"demo": demo})
    return replace(it, context=replace(it.context, configuration=configuration))


class Story:
    """A world in which something has happened.

    Attributes:
        it: the world.
        pending: id of an open approval that bob and eve may vote on.
    """

    def __init__(self) -> None:
        self.it: World = _watching_all(world(governed_by=story_lifecycle()))
        self.pending = ""
        self._tell()

    def register(
        self, asset: Asset, number: str, author: str = "mlflow:sam", accuracy: float = 0.95
    ) -> Version:
        """Register a version, and tell Stageward."""
        version = Version(asset, number)
        self.it.registry.evidences[version] = evidence(accuracy)
        now = self.it.clock.now()
        self.it.registry.register(version, now, author=author, tags={"team": "flowers"})
        follow(self.it.context, Signal(version))
        return version

    def ask(self, version: Version, target: str, reason: str, person: str = "sam") -> Answer:
        """Ask for a stage."""
        operation = self.it.clock.operation_id()
        request = TransitionRequest(version, target, reason, actor(person), operation)
        return request_transition(self.it.context, request)

    def decide(self, approval: str, person: str, decision: str = "approve", why: str = "") -> None:
        """Vote."""
        cast(self.it.context, approval, person, Decision(decision), why)

    def promote(self, version: Version, reason: str) -> None:
        """Bring a version to Production, with two approvals."""
        self.ask(version, "Staging", "smoke tests are green")
        self.it.clock.sleep(DAY * 3)
        approval = self.ask(version, "Production", reason).approval
        self.it.clock.sleep(DAY)
        self.decide(approval, "bob", why="the evidence is complete")
        self.decide(approval, "eve")

    def _tell(self) -> None:
        for number in ("1", "2", "3"):
            version = self.register(IRIS, number)
            self.it.clock.sleep(DAY * 9)
            self.promote(version, f"accuracy 0.9{number} on the held-out set")
            self.it.clock.sleep(DAY * 11)
        fourth, fifth = self.register(IRIS, "4"), self.register(IRIS, "5", accuracy=0.7)
        self.ask(fourth, "Staging", "smoke tests are green")
        self.ask(fifth, "Production", "it is urgent")
        self.ask(fifth, "Staging", "to look at")
        self.ask(fifth, "Production", "it is urgent")
        rejected = self.ask(fourth, "Production", "quarterly retraining").approval
        self.decide(rejected, "bob", "reject", "drift on the holdout set")
        self.pending = self.ask(fourth, "Production", "retrained on Q3, drift fixed").approval
        self._others()

    def _others(self) -> None:
        churn = Asset("demo", Kind.MODELS, "churn-classifier")
        self.promote(self.register(churn, "1", "mlflow:ada"), "the first one")
        for number in range(2, 8):
            self.register(churn, str(number), "upn:someone@example.org")
        self.it.tag(Version(churn, "2"), "stage", "Production")
        follow(self.it.context, Signal(self.register(ODD, "1")))
        self.register(LONG, "1")
        data = self.register(Asset("demo", Kind.DATA, "iris-train"), "2026-01")
        self.ask(data, "Staging", "")
        self.it.registry.remove(Version(churn, "3"))
        for _ in range(2):
            Scanner(self.it.context).scan("demo")
            self.it.clock.sleep(MISSING_TWICE_SECONDS)
        self._nameless()
        self.it.clock.sleep(3600)

    def _nameless(self) -> None:
        """Leave behind what nobody has registered."""
        made_at = self.it.clock.now()
        content = "azureml://datastores/workspaceblobstore/paths/azureml/sleepy_plum_8x2k1/model"
        output = Output("sleepy_plum_8x2k1", "model", content, made_at, "mlflow:sam")
        self.it.registry.left = [output]
        follow_job(self.it.context, JobSignal("demo", output.job))
        nameless = Version(Asset("demo", Kind.COMPONENTS, "azureml_anonymous"), "b0e17849-2f1c")
        self.it.registry.register(nameless, made_at, anonymous=True)
        follow(self.it.context, Signal(nameless))
