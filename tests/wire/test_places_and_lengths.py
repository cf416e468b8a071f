"""The configuration file: places, ids and lengths of time that are well formed and mean nothing."""

from __future__ import annotations

import pytest

from stage_functions.domain.configuration import RegistryType
from stage_functions.wire.address import address_fault
from tests.wire.configuration_file import edited, faults

GUID = "0a1b2c3d-0000-4000-8000-000000000001"
PROVIDER = "providers/Microsoft.MachineLearningServices"

FAULTS = [
    pytest.param(
        'deployable_to: ["*/*-test"]',
        'deployable_to: ["*/*-test", "dmo/*"]',
        "32:48: 'dmo' matches no registry; there are demo; did you mean 'demo'?",
        id="endpoint-slip",
    ),
    pytest.param(
        'deployable_to: ["*/*-test"]',
        'deployable_to: ["cluster/*-test"]',
        "32:36: 'cluster' matches no registry; there are demo; name the registry that the endpoint "
        "is in or, outside Azure ML, whose models it serves, such as demo/*-test",
        id="endpoint-elsewhere",
    ),
    pytest.param(
        '"upn:officer1@example.org"',
        '"oid:officer1@example.org"',
        "16:66: 'oid:officer1@example.org' is nobody's: oid is an object id of Microsoft Entra, a "
        "GUID; a name to sign in with is upn:officer1@example.org",
        id="oid-of-a-name",
    ),
    pytest.param(
        '"github:officer2"',
        '"app:scoring-job"',
        "17:66: 'app:scoring-job' is nobody's: app is an application (client) id, a GUID",
        id="app-of-a-name",
    ),
    pytest.param(
        "expires: 7d ",
        "expires: 367d ",
        "55:20: expires must be at most 366d",
        id="expires",
    ),
    pytest.param(
        "expires: 7d ",
        "valid_for: 99999d ",
        "55:22: valid_for must be at most 3660d; leave it out where it stays valid for ever",
        id="valid-for",
    ),
    pytest.param(
        "displaced_to: Archived,",
        "displaced_to: Archived, retire_within: 99999h,",
        "33:76: retire_within must be at most 366d",
        id="retire-within",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), FAULTS)
def test_what_could_never_hold_is_told_with_its_place(old: str, new: str, told: str) -> None:
    """Otherwise a gate with a slip in it would pass, and a person never be known."""
    assert [told] == faults(edited(old, new))


@pytest.mark.parametrize("glob", ["*/x", "de*/x", "[a-z]*/x", "demo/*"])
def test_a_glob_that_matches_a_registry_is_sound(glob: str) -> None:
    """Whatever the endpoint is called: those come and go."""
    assert [] == faults(edited('deployable_to: ["*/*-test"]', f'deployable_to: ["{glob}"]'))


@pytest.mark.parametrize("id_", [f"oid:{GUID}", f"app:{GUID.upper()}"])
def test_ids_of_entra_are_guids(id_: str) -> None:
    """In either case."""
    assert [] == faults(edited('"github:officer2"', f'"{id_}"'))


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (f"/subscriptions/{GUID}/resourceGroups/rg/{PROVIDER}/workspaces/dev", ""),
        (
            f"/subscriptions/<id>/resourceGroups/<group>/{PROVIDER}/workspaces/dev",
            "'<id>' is a placeholder: write the subscription's id, a GUID (`az account show "
            "--query id` tells it) in its place",
        ),
        (
            f"/subscriptions/{GUID}/resourceGroups/{{resource-group}}/{PROVIDER}/workspaces/dev",
            "'{resource-group}' is a placeholder: write the name of the resource group in its place",
        ),
        (
            f"/subscriptions/{GUID}/resourceGroups/rg/{PROVIDER}/registries/<registry>",
            "'<registry>' is a placeholder: write the name of the workspace or registry in its "
            "place",
        ),
        (
            f"/subscriptions/secret/resourceGroups/rg/{PROVIDER}/workspaces/dev",
            "behind /subscriptions/ belongs the subscription's id, a GUID (`az account show "
            "--query id` tells it)",
        ),
    ],
)
def test_a_resource_id_has_everything_in_its_place(address: str, told: str) -> None:
    """A placeholder is named; of the rest nothing is repeated."""
    assert told == address_fault(RegistryType.AZUREML, address)
