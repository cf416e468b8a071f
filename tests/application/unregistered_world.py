"""A world with jobs that leave models behind, and what tests of it share."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from stage_functions.application import query, unregistered_rows
from stage_functions.application.ports.registry import Output
from stage_functions.application.query import Filter
from stage_functions.application.signal import JobSignal, Signal
from stage_functions.application.signals import follow
from stage_functions.application.unregistered import follow_job
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.record import Json, RecordType
from tests.builders import IRIS, World

CONTENT = "azureml://datastores/blob/paths/job_1/model"
OUTPUT = Version(replace(IRIS, name="azureml_job_1_output_model"), "1")
NAMELESS = Version(Asset("demo", Kind.MODELS, "azureml_anonymous"), "b0e1")


def leave(it: World, job: str = "job_1", content: str = CONTENT, name: str = "model") -> None:
    """Let a job leave a model behind; nobody is told."""
    path = f"azureml://jobs/{job}/outputs/{name}"
    output = Output(job, name, content, it.clock.now(), "mlflow:sam", "mlflow_model", path)
    it.registry.left.append(output)


def ends(it: World, job: str = "job_1") -> bool:
    """Tell Stageward that a job has ended."""
    return follow_job(it.context, JobSignal("demo", job))


def register(
    it: World, number: str = "1", content: str = CONTENT, job: str | None = None
) -> Version:
    """Register something under a name; nobody is told."""
    version = Version(IRIS, number)
    it.registry.register(version, it.clock.now(), content=content, job=job)
    return version


def anonymous(it: World, version: Version = NAMELESS, content: str = "azureml://c") -> Version:
    """Let the registry make a version of its own; nobody is told."""
    it.registry.register(
        version, it.clock.now(), content=content, author="mlflow:sam", anonymous=True
    )
    return version


def told(it: World, version: Version) -> Version:
    """Tell Stageward of a version."""
    follow(it.context, Signal(version))
    return version


def noted(it: World) -> list[str]:
    """Return what is noted as unregistered, by name."""
    return [note.version for _, note in unregistered_rows.notes(it.rows, "demo")]


def listed(it: World, **wanted: object) -> list[str]:
    """Return the versions of a list."""
    page = query.assets(it.context, replace(Filter(), **wanted))
    return [f"{entry.asset}:{entry.version} at {entry.stage}" for entry in page.entries]


def begun(it: World, number: str = "1") -> Mapping[str, Json]:
    """Return the record that a version's history begins with."""
    return next(
        record.content
        for record in query.all_records(it.context, IRIS)
        if record.version == number and record.type in (RecordType.REGISTERED, RecordType.OBSERVED)
    )
