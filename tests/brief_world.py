"""A world as a brief meets it in earnest: a version in Production, and a better one that asks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from msgspec import Struct

from stage_functions.adapters.rules import Rules
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.adoption import adopt
from stage_functions.application.brief import Brief, brief
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.registry import Registry
from stage_functions.application.ports.rows import Rows
from stage_functions.application.registries import RegistryStates
from stage_functions.application.scan import found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.difference import Difference
from stage_functions.domain.evidence import Evidence, Scalar
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.people import Actor, Attribution
from stage_functions.wire.configuration import load
from tests.builders import World, cast
from tests.fakes.clock import FakeClock
from tests.fakes.registry import MemoryRegistry
from tests.fakes.rows import LossyRows
from tests.fakes.sink import MemorySink
from tests.policies_as_rules import files as files_of

CHURN = Asset("demo", Kind.MODELS, "churn")
CUSTOMERS = Asset("demo", Kind.DATA, "customers")
FILE = """
version: 1
registries:
  - {alias: demo, type: mlflow, address: "http://mlflow.example", mode: enforce, watch: ["*/*"]}
people:
  ada: {name: Ada Lovelace, ids: ["mlflow:ada", "mlflow:scientist1"]}
  grace: {name: Grace Hopper, ids: ["mlflow:grace"]}
  rosa: {name: Rosa Parks, ids: ["mlflow:rosa"]}
  tim: {name: Tim Berners-Lee, ids: ["mlflow:tim"]}
groups:
  data-science: [ada, grace]
  model-risk: [rosa, tim]
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    bind: ["use_case"]
    stages:
      None: {initial: true, deletable: true}
      Staging: {}
      Production: {exclusive: true, displaced_to: Archived}
      Archived: {terminal: true, deletable: true, hidden: true}
    rules:
      job-finished:
        cel: "!has(evidence.job.id) || evidence.job.status == 'FINISHED'"
        says: the job that made it has finished
        shows: [evidence.job.status]
      no-worse:
        cel: "holder == null || evidence.metrics.auc >= holder.evidence.metrics.auc"
        says: at least as good an AUC as the version it replaces
        shows: [evidence.metrics.auc, holder.evidence.metrics.auc]
    transitions:
      - {from: None, to: Staging}
      - {from: None, to: Archived}
      - {from: Staging, to: Archived}
      - from: Staging
        to: Production
        rules: [job-finished, no-worse]
        approval:
          quorum: 2
          groups: {model-risk: 1, data-science: 0}
          exclude: [requester, author]
          expires: 7d
      - from: Production
        to: Archived
        approval: {quorum: 1, groups: {model-risk: 1}, exclude: [requester], expires: 2d}
"""
REASON = "AUC 0.943 on the Q3 data, up from 0.921. Trained on the full customer base.\nThe drift in tenure is explained in the notebook."
_SIGNATURE = [
    {"type": "double", "name": "tenure"},
    {"type": "double", "name": "monthly_charges"},
    {"type": "string", "name": "contract"},
]


class Asked(Struct, frozen=True):
    """A world with an approval that waits.

    Attributes:
        world: with the registry, the clock and the context.
        approval: id of the approval.
        version: what it is about.
        holder: the version that holds Production.
    """

    world: World
    approval: str
    version: Version
    holder: Version


def people_of(key: str) -> Actor:
    """Return a person who is signed in."""
    return Actor(f"person:{key}", Attribution.PROVEN, "api")


def empty_world(
    file: str = FILE,
    sinks: tuple[MemorySink, ...] = (),
    files: Mapping[str, str] | None = None,
) -> World:
    """Return a world governed by a file, and by those that it names; its registry empty."""
    clock, registry = FakeClock(), MemoryRegistry("demo")
    rows = LossyRows(SQLiteRows(":memory:"))
    context = context_over_file(rows, registry, clock, file, sinks, files)
    found_empty(context, "demo")
    return World(context, registry, clock, rows)


def context_over_file(
    rows: Rows,
    registry: Registry,
    clock: Clock,
    file: str,
    sinks: tuple[MemorySink, ...] = (),
    files: Mapping[str, str] | None = None,
) -> Context:
    """Return one instance of Stageward over a registry, governed by a file."""
    rules = Rules()
    configuration = load(
        file,
        path="stageward.yaml",
        environment={},
        check_rule=rules.check,
        read_file=files_of(files or {}),
    )
    ledger = open_ledger(rows, clock, [sink.name for sink in sinks])
    states = RegistryStates(rows, clock, configuration)
    by_name = {sink.name: sink for sink in sinks}
    context = Context(configuration, ledger, {"demo": registry}, states, rules, by_name, clock)
    adopt(context)
    return context


def evidence(number: int, **metrics: float) -> Evidence:
    """Return what a training run leaves behind; the second one's is another in most sections."""
    second = number > 1
    datasets = [
        {
            "name": "demo/data/customers:1",
            "digest": "3f9a21cc" if second else "77aa01be",
            "source": json.dumps({"url": "https://data.example.org/customers/2026-q3.parquet"}),
            "source_type": "http",
            "context": "training",
        },
        {"name": "held-out", "digest": "90cd4f11", "source": "dbfs:/held", "context": "validation"},
    ]
    signature = _SIGNATURE + ([{"type": "string", "name": "payment_method"}] if second else [])
    model: dict[str, Scalar] = {
        "source": f"models:/m-{number}",
        "model_id": f"m-{number}",
        "flavors": '["python_function", "sklearn"]',
        "signature_inputs": json.dumps(signature),
        "signature_outputs": '[{"type": "double"}]',
        "size_bytes": 481_223 + number,
    }
    return Evidence(
        {
            "job": {
                "id": f"{number:032x}",
                "name": f"train churn {number}",
                "status": "FINISHED",
                "started": "2025-12-30T08:12:44.000000Z",
                "finished": "2025-12-30T08:41:03.000000Z",
                "experiment": "7",
            },
            "code": {
                "commit": ("9b1c7e04" if second else "44d20fa9") + "0" * 32,
                "repository": "https://github.com/example/churn.git",
                "branch": "main",
            },
            "model": model,
            "data": {**datasets[0], "datasets": json.dumps(datasets)},
            "environment": {
                "python_version": "3.11.9",
                "sklearn_version": "1.7.2" if second else "1.6.1",
                "mlflow_version": "3.4.0",
            },
            "metrics": metrics,
            "params": {
                "learning_rate": "0.05" if second else "0.1",
                "max_depth": "6",
                "n_estimators": "400" if second else "250",
                "class_weight": "balanced",
                **({"monotone_constraints": "tenure:-1"} if second else {}),
            },
            "author": {"id": "mlflow:ada"},
        }
    )


FIRST_METRICS = {"auc": 0.921, "log_loss": 0.312, "recall_at_10": 0.61, "rows": 81_200.0}
SECOND_METRICS = {
    "auc": 0.943,
    "log_loss": 0.287,
    "recall_at_10": 0.58,
    "rows": 81_200.0,
    "calibration_error": 0.018,
    "min_group_auc": math.nan,
}


def asked(world: World, *, reason: str = REASON, holder: bool = True) -> Asked:
    """Bring one version to Production, where one is to hold it, and let another ask for it."""
    first, second = Version(CHURN, "1"), Version(CHURN, "2")
    for version, metrics in ((first, FIRST_METRICS), (second, SECOND_METRICS)):
        number = int(version.number)
        world.registry.evidences[version] = evidence(number, **metrics)
        world.registry.register(
            version,
            world.clock.now(),
            tags={"use_case": "retention" if number == 1 else "retention 2", "team": "crm"},
            author="mlflow:ada",
            description=f"Churn model, {'first' if number == 1 else 'second'} release",
            job=f"{number:032x}",
        )
    data = Version(CUSTOMERS, "1")
    world.registry.register(data, world.clock.now(), author="mlflow:grace")
    for version in (data, first, second):
        follow(world.context, Signal(version))
    if holder:
        approve(world.context, ask(world.context, first, "first release"), "rosa", "grace")
    return Asked(world, ask(world.context, second, reason), second, first)


def ask(context: Context, version: Version, reason: str, target: str = "Production") -> str:
    """Ask for Production as ada; return the approval's id."""
    answer = None
    for to in ("Staging", target):
        command = TransitionRequest(
            version, to, reason, people_of("ada"), context.clock.operation_id()
        )
        answer = request_transition(context, command)
    assert answer is not None
    return answer.approval


def approve(context: Context, approval: str, *who: str, comment: str = "") -> None:
    """Approve as each of some people."""
    for key in who:
        cast(context, approval, key, comment=comment)


def seen(it: Asked, who: str = "rosa", assurance: Assurance = Assurance.SIGNED_IN) -> Brief:
    """Return the brief as somebody sees it."""
    return brief(it.world.context, it.approval, f"person:{who}", assurance)


def facts(found: Brief, section: str) -> dict[str, Difference]:
    """Return the facts of one section of the difference, by name."""
    (compared,) = (one for one in found.compared if one.section == section)
    return {one.name: one for one in compared.facts}
