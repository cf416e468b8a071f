"""Faults planted by a program: in each property, in each listed value, in each role assignment."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.infra import bodies, catalog, check, custom_roles, find, roles, rules, settings
from scripts.infra.demands import DEMANDS
from scripts.infra.functions_app import FunctionsApp, read
from scripts.infra.shapes import MAP, Kind, Shape
from scripts.infra.values import Record, Runtime
from scripts.infra.world import Deployed
from tests.infra.project import ROOT

AT_LEAST_PROPERTIES = 300
AT_LEAST_VALUES = 60
AT_LEAST_ASSIGNMENTS = 10


@pytest.fixture(scope="module")
def deployments() -> list[check.Deployment]:
    """The project's templates, each with few and with all params."""
    files, _ = check.read(ROOT)
    return check.evaluate(ROOT, files, thorough=False)[0]


@pytest.fixture(scope="module")
def app() -> FunctionsApp:
    """The Functions app that they are for."""
    return read(ROOT)


def sent(deployments: list[check.Deployment]) -> list[Deployed]:
    """Return all that is deployed, each once."""
    found = {
        (one.type, one.name, str(one.body)): one
        for deployment in deployments
        for one in deployment.resources
        if one.wanted and not one.existing
    }
    return list(found.values())


def parts(value: object, kind: Kind, path: str = "") -> Iterator[tuple[Record, Shape, str]]:
    """Yield the objects inside a body whose properties a model lists, each with that model."""
    if isinstance(value, list) and kind.item is not None:
        for index, item in enumerate(value):
            yield from parts(item, kind.item, f"{path}[{index}]")
    elif isinstance(value, Record) and kind.name == MAP and kind.item is not None:
        for key, item in value.items():
            yield from parts(item, kind.item, f"{path}.{key}")
    elif isinstance(value, Record) and kind.shape is not None:
        shape = kind.shape()
        if shape.selector:
            shape = shape.variants[str(value[shape.selector])]()
        if shape.rest is None:
            yield value, shape, path
        for key, item in value.items():
            if key in shape.fields:
                yield from parts(item, shape.fields[key].kind, f"{path}.{key}")


def of(resource: Deployed) -> list[tuple[Record, Shape, str]]:
    """Return the objects of a resource, each with the model of its properties."""
    shape = catalog.sent(resource.type, resource.last_name)
    return list(parts(resource.body, Kind("object", shape=lambda: shape)))


def test_every_misspelt_property_is_found(deployments: list[check.Deployment]) -> None:
    """Of every object of every resource, one letter more in the name of any property is a fault."""
    planted = 0
    for resource in sent(deployments):
        assert not list(bodies.check(resource))
        for whole, _, path in of(resource):
            for key in list(whole):
                value = whole.pop(key)
                whole[f"{key}s"] = value
                found = {fault.rule for fault in bodies.check(resource)}
                del whole[f"{key}s"]
                whole[key] = value
                assert found & {"property", "required"}, f"{resource.type} {path}.{key}"
                planted += 1
    assert planted > AT_LEAST_PROPERTIES


def test_every_misspelt_value_of_a_list_is_found(deployments: list[check.Deployment]) -> None:
    """Where a model lists the values of a property, another one is a fault."""
    planted = 0
    for resource in sent(deployments):
        for whole, shape, path in of(resource):
            for key, value in list(whole.items()):
                field = shape.fields.get(key)
                listed = key == shape.selector or (field is not None and field.kind.values)
                if not listed or not isinstance(value, str) or isinstance(value, Runtime):
                    continue
                whole[key] = f"{value}x"
                found = {fault.rule for fault in bodies.check(resource)}
                whole[key] = value
                assert "value" in found, f"{resource.type} {path}.{key}"
                planted += 1
    assert planted > AT_LEAST_VALUES


def test_every_value_of_another_type_is_found(deployments: list[check.Deployment]) -> None:
    """A number where text is asked for, text where a number is: each is a fault."""
    planted = 0
    for resource in sent(deployments):
        for whole, shape, path in of(resource):
            for key, value in list(whole.items()):
                if key not in shape.fields or shape.fields[key].kind.name == "any":
                    continue
                if value is None or not isinstance(value, str | bool | int):
                    continue
                whole[key] = 7 if isinstance(value, str | bool) else str(value)
                found = {fault.rule for fault in bodies.check(resource)}
                whole[key] = value
                assert found & {"property-type", "value"}, f"{resource.type} {path}.{key}"
                planted += 1
    assert planted > AT_LEAST_PROPERTIES // 2


def test_every_missing_role_assignment_is_found(deployments: list[check.Deployment]) -> None:
    """Whichever assignment is left out, something is said to need its role."""
    planted = 0
    for deployment in deployments:
        assert not list(roles.check(deployment))
        for left_out in find.of(deployment, find.ASSIGNMENT):
            kept = tuple(one for one in deployment.resources if one is not left_out)
            found = roles.check(dataclasses.replace(deployment, resources=kept))
            assert "missing-role" in {fault.rule for fault in found}, left_out.place
            planted += 1
    assert planted > AT_LEAST_ASSIGNMENTS


def test_every_demanded_property_is_missed(deployments: list[check.Deployment]) -> None:
    """Whatever the project demands of its resources, none does without."""
    for demand in DEMANDS:
        resources = [one for one in sent(deployments) if one.is_of(demand.type)]
        assert resources, f"no {demand.type} is deployed any more: drop what is demanded of it"
        for resource in resources:
            parents, _, last = demand.path.rpartition(".")
            holder = find.value(resource.body, parents) if parents else resource.body
            assert isinstance(holder, Record)
            value = holder.pop(last)
            within = next(one for one in deployments if resource in one.resources)
            found = {fault.rule for fault in rules.check(within)}
            holder[last] = value
            assert demand.rule in found


def test_every_setting_that_is_left_out_is_missed(
    deployments: list[check.Deployment], app: FunctionsApp
) -> None:
    """Each of those that the app needs in Azure."""
    (within, resource), *_ = [
        (deployment, one)
        for deployment in deployments
        for one in find.config(deployment, "appsettings")
    ]
    given = find.value(resource.body, "properties")
    assert isinstance(given, Record)
    for name in settings.REQUIRED:
        value = given.pop(name)
        found = [fault.message for fault in settings.check(within, app, ROOT)]
        given[name] = value
        assert any(name in message for message in found)


def test_what_governs_a_workspace_is_what_the_documentation_explains() -> None:
    """Each action has its line in the table of rights, by itself or in short."""
    page = (ROOT / "docs" / "azure-ml.md").read_text(encoding="utf-8")
    short = {"models", "data", "environments", "components"}
    for action in custom_roles.GOVERNING:
        own = action.removeprefix("Microsoft.MachineLearningServices/workspaces/")
        kind, _, rest = own.partition("/")
        forms = {f"`{own}`", f"`workspaces/{own}`"}
        if kind in short:
            forms.add(f"`<kind>/{rest}`")
        if kind.endswith("Endpoints"):
            forms |= {"`onlineEndpoints/…`, `batchEndpoints/…` `/read`"}
        assert any(form in page for form in forms) or f"{own}`" in page, action


def test_the_paths_of_machines_are_served_and_open() -> None:
    """They are routes of the app that ask nobody who they are."""
    text = (Path(ROOT) / "tests" / "web" / "test_every_route.py").read_text(encoding="utf-8")
    for path in settings.MACHINE_PATHS:
        assert f'"{path}"' in text
