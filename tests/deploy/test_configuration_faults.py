"""What the parameters say against the configuration file that is deployed."""

from __future__ import annotations

import pytest

from infra.hooks.contradictions import with_configuration
from infra.hooks.parameters import Parameters

ID = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/ml/providers"
    "/Microsoft.MachineLearningServices/registries/shared"
)


def faults(text: str, **given: str) -> list[str]:
    """Return the faults of a file."""
    return list(with_configuration(Parameters(given), text))


@pytest.mark.parametrize(
    "line",
    [
        "mode: enforce",
        "- {alias: dev, mode: 'enforce'}",
        "mode:  enforce # soon",
        '{"mode" : "enforce"}',
    ],
)
def test_a_file_that_enforces_needs_the_right_to(line: str) -> None:
    """However it is written, a registry that is enforced needs an app that may write."""
    (fault,) = faults(line)

    assert "the app could only read there" in fault
    assert [] == faults(line, GOVERNANCE_MODE="enforce")


@pytest.mark.parametrize("line", ["mode: observe  # enforce later", "# mode: enforce", ""])
def test_comments_do_not_count(line: str) -> None:
    """What stands in a comment is not in force."""
    assert [] == faults(line)
    assert 1 == len(faults(line, GOVERNANCE_MODE="enforce"))


@pytest.mark.parametrize(
    "text",
    ["people: {}", "people:  { } # later", "people:\n\ngroups: {}", "people: null", "groups: {}"],
)
def test_tokens_need_people(text: str) -> None:
    """A token is of a person of the file: without any nobody could ever sign in."""
    (fault,) = faults(text, SIGN_IN="tokens")

    assert "azd env set SIGN_IN entra" in fault
    assert [] == faults(text)


@pytest.mark.parametrize(
    "text",
    [
        "people: {ada: {}}",
        "people: {\n  ada: {}}",
        "people:\n  # of the platform\n\n  ada: {}",
        '{"people": {}}',
    ],
)
def test_people_however_they_are_written(text: str) -> None:
    """What this check cannot read is not held against the file."""
    assert [] == faults(text, SIGN_IN="tokens")


def test_an_address_that_the_app_does_not_get() -> None:
    """The app gets the address of the workspace, and those of the registries that were named."""
    text = "${AZUREML_WORKSPACE_ID}\n${AZUREML_REGISTRY_1}\n${AZUREML_REGISTRY_2}\n# ${OTHER}"

    (fault,) = faults(text, AZUREML_REGISTRY_IDS=ID)

    assert "${AZUREML_REGISTRY_2}" in fault
    assert "AZUREML_REGISTRY_1, AZUREML_WORKSPACE_ID" in fault
    assert [] == faults(text, AZUREML_REGISTRY_IDS=f"{ID},{ID}2")


def test_a_registry_that_the_file_does_not_name() -> None:
    """It would give the app rights for nothing; a file may write the address out as well."""
    used = "address: ${AZUREML_WORKSPACE_ID}\naddress: ${AZUREML_REGISTRY_2}"

    (fault,) = faults(used, AZUREML_REGISTRY_IDS=f"{ID},{ID}2")

    assert f"{ID}, and" in fault
    assert "${AZUREML_REGISTRY_1}" in fault
    assert [] == faults(f"{used}\naddress: {ID}", AZUREML_REGISTRY_IDS=f"{ID},{ID}2")
