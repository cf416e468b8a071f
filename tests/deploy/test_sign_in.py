"""The app registration is brought to what it must be, without a secret, and only where it differs."""

from __future__ import annotations

from tests.deploy.azure_world import (
    CLIENT,
    DEPLOYER,
    GIVEN,
    GOVERNOR,
    OFFICERS,
    PROVISIONED,
    Machine,
)


def settled(machine: Machine, **changes: str) -> str:
    """Run the hook, and return what it says."""
    done = machine.run("postprovision", {**PROVISIONED, **changes})
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def writes(machine: Machine) -> list[str]:
    """Return the methods of the calls that have written."""
    methods = [call[call.index("--method") + 1] for call in machine.called("az", "rest")]
    return [method for method in methods if method != "get"]


def test_people_come_back_from_the_sign_in(machine: Machine) -> None:
    """The address of this app is added to those that are there."""
    machine.change(
        app={"appId": CLIENT, "id": "app-object", "web": {"redirectUris": ["https://old/callback"]}}
    )

    settled(machine)

    app = machine.read()["app"]
    back = "https://func-a.azurewebsites.net/.auth/login/aad/callback"
    assert [back, "https://old/callback"] == app["web"]["redirectUris"]
    assert app["web"]["implicitGrantSettings"]["enableIdTokenIssuance"]
    assert 2 == app["api"]["requestedAccessTokenVersion"]
    assert [f"api://{CLIENT}"] == app["identifierUris"]


def test_the_app_has_roles_and_keeps_those_of_others(machine: Machine) -> None:
    """Roles that somebody has added stay."""
    machine.change(
        app={"appId": CLIENT, "id": "app-object", "appRoles": [{"value": "Own", "id": "1"}]}
    )

    settled(machine)

    names = [role["value"] for role in machine.read()["app"]["appRoles"]]
    assert ["Own", "Stageward.Operator", "Stageward.Officer", "Stageward.Scientist"] == names


def test_the_identity_of_the_app_stands_for_a_secret(machine: Machine) -> None:
    """There is a federated credential, and no password."""
    settled(machine)

    (credential,) = machine.read()["credentials"]
    assert GOVERNOR == credential["subject"]
    assert ["api://AzureADTokenExchange"] == credential["audiences"]
    assert (
        f"https://login.microsoftonline.com/{PROVISIONED['AZURE_TENANT_ID']}/v2.0"
        == credential["issuer"]
    )
    assert [] == machine.called("az", "ad", "app", "credential")


def test_in_another_cloud(machine: Machine) -> None:
    """A sovereign cloud has its own endpoints and audience."""
    endpoints = {
        "microsoftGraphResourceId": "https://graph.microsoft.us",
        "activeDirectory": "https://login.microsoftonline.us",
    }
    machine.answers("cloud show", {"name": "AzureUSGovernment", "endpoints": endpoints})

    settled(machine)

    (credential,) = machine.read()["credentials"]
    assert ["api://AzureADTokenExchangeUSGov"] == credential["audiences"]
    assert credential["issuer"].startswith("https://login.microsoftonline.us/")


def test_who_deploys_operates_where_nobody_is_named(machine: Machine) -> None:
    """Whoever deploys can look at what they have deployed."""
    settled(machine)

    (given,) = machine.read()["assigned"]
    assert DEPLOYER == given["principalId"]


def test_groups_get_their_roles(machine: Machine) -> None:
    """Operators and officers get a role each; whoever deploys gets none then."""
    settled(machine, OPERATORS_ID=GOVERNOR, OFFICERS_ID=OFFICERS)

    given = {one["principalId"]: one["appRoleId"] for one in machine.read()["assigned"]}
    assert {GOVERNOR, OFFICERS} == set(given)
    assert 2 == len(set(given.values()))


def test_the_second_time_nothing_is_written(machine: Machine) -> None:
    """A deployment is repeated by people who may not write to the registration."""
    settled(machine)
    before = machine.read()
    machine.answers("ad sp list", before["principals"])
    machine.change(calls=[])

    settled(machine)

    assert [] == writes(machine)
    assert before["app"] == machine.read()["app"]


def test_scopes_are_written_before_who_may_use_them(machine: Machine) -> None:
    """Entra knows a scope only once it is written."""
    settled(machine)

    first, second = machine.read()["patched"]
    assert "oauth2PermissionScopes" in first["api"]
    assert ["preAuthorizedApplications"] == list(second["api"])


def test_a_role_that_cannot_be_given_is_left_to_people(machine: Machine) -> None:
    """Without the right to give roles the rest is done, and what is left is said."""
    settled(machine)
    machine.answers("ad sp list", machine.read()["principals"])
    machine.change(assigned=[])
    machine.breaks("rest post", "(Authorization_RequestDenied) Insufficient privileges")

    said = settled(machine)

    assert "the role Stageward.Operator could not be given" in said
    assert "Users and groups" in said


def test_who_may_not_write_the_registration_is_told_who_may(machine: Machine) -> None:
    """Sign-in would not work: so the deployment stops there, with the way on."""
    machine.breaks("rest patch", "(Authorization_RequestDenied) Insufficient privileges")

    done = machine.run("postprovision", PROVISIONED)

    assert 1 == done.returncode
    assert "azd hooks run postprovision" in done.stderr


def test_tokens_leave_entra_alone(machine: Machine) -> None:
    """Where people sign in by tokens nothing is asked."""
    settled(machine, SIGN_IN="tokens", ENTRA_CLIENT_ID="")

    assert [] == machine.called("az")


def test_azd_does_not_tell_hooks_who_deploys(machine: Machine) -> None:
    """It fills that into parameters only: so az is asked who is signed in."""
    assert "AZURE_PRINCIPAL_ID" not in PROVISIONED

    settled(machine)

    assert 1 == len(machine.called("az", "ad", "signed-in-user"))


def test_a_program_that_deploys_operates_nothing(machine: Machine) -> None:
    """A pipeline has no sign-in of a person: then a group is to be named, which is said."""
    machine.breaks("ad signed-in-user show", "/me request is only valid with delegated flow.")

    said = settled(machine)

    assert "azd env set OPERATORS_ID" in said
    assert [] == machine.read()["assigned"]


def test_entra_may_not_know_yet_what_was_just_made(machine: Machine) -> None:
    """A role is given again then: nobody should have to for that."""
    azure = machine.read()
    machine.change(once={**azure["once"], "rest post appRoleAssignedTo": "Resource not found"})

    said = settled(machine)

    assert "could not be given" not in said
    assert 1 == len(machine.read()["assigned"])


def test_no_argument_has_what_a_batch_file_would_read(machine: Machine) -> None:
    """Under Windows az is one: bodies go by files, and addresses have no parentheses."""
    settled(machine)

    arguments = [one for call in machine.called("az") for one in call]
    assert [] == [one for one in arguments if set(one) & set('"%&|<>^()')]


def test_nothing_is_settled_before_there_is_an_app(machine: Machine) -> None:
    """People would be sent back to nowhere."""
    done = machine.run("postprovision", GIVEN)

    assert 1 == done.returncode
    assert "azd provision" in done.stderr
    assert [] == machine.called("az")
