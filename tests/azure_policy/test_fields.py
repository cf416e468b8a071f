"""Fields: how they are named, and where they are found in a resource."""

from __future__ import annotations

import pytest

from stage_functions.azure_policy import InvalidPolicyError, compile_policy
from tests.azure_policy.rules import MODEL, holds, rule

VERSION = {
    "id": "/subscriptions/s/…/workspaces/w/models/iris/versions/3",
    "name": "3",
    "type": MODEL,
    "tags": {"cost": "ai"},
    "properties": {"tags": {"Stage": "Production"}, "isArchived": False},
}
MACHINE = {
    "type": "Microsoft.Compute/virtualMachines",
    "name": "vm-1",
    "location": "East US 2",
    "zones": ["1"],
    "identity": {"type": "SystemAssigned"},
    "tags": {"Owner": "me", "it's": "x", "dotted.name": "y", "a]b": "z"},
    "properties": {
        "hardwareProfile": {"vmSize": "Standard_D2s"},
        "storageProfile": {"imageReference": {"publisher": "Canonical"}},
    },
}
GROUP = {
    "type": "Microsoft.Network/networkSecurityGroups",
    "properties": {
        "securityRules": [
            {"name": "ssh", "properties": {"access": "Allow", "ports": ["22"]}},
            {"name": "web", "properties": {"access": "Deny", "ports": ["80", "443"]}},
        ]
    },
}
SERVICE = {
    "type": "Microsoft.DataFactory/factories/linkedservices",
    "properties": {"type": "SqlServer", "typeProperties": {"password": {"type": "SecureString"}}},
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "microsoft.compute/virtualmachines"),
        ("NAME", "vm-1"),
        ("fullName", "vm-1"),
        ("identity.type", "systemassigned"),
        ("location", "eastus2"),
        ("location", "East US 2"),
        ("tags.owner", "me"),
        ("tags[owner]", "me"),
        ("tags['owner']", "me"),
        ("tags['it''s']", "x"),
        ("tags.dotted.name", "y"),
        ("tags[dotted.name]", "y"),
        ("tags[a]b]", "z"),
        ("Microsoft.Compute/virtualMachines/sku.name", "Standard_D2s"),
        ("Microsoft.Compute/imagePublisher", "Canonical"),
        ("Microsoft.Compute/virtualMachines/imagePublisher", "Canonical"),
        ("Microsoft.Compute/virtualMachines/zones[0]", "1"),
        ("properties.storageProfile['imageReference'].publisher", "Canonical"),
        ('properties["storageProfile"].imageReference.publisher', "Canonical"),
        ("[concat('tags[', parameters('name'), ']')]", "me"),
        ("[if(equals(field('name'), 'vm-1'), 'tags.owner', 'tags.other')]", "me"),
    ],
)
def test_a_field_is_found(field: str, value: str) -> None:
    """Names are without regard to case; a tag's name may have any character in it."""
    condition = {"field": field, "equals": value}

    assert holds(condition, MACHINE, parameters={"name": "OWNER"})


@pytest.mark.parametrize("spelled", ["East US 2", "eastus2", "EASTUS2", "eastus 2"])
def test_locations_are_compared_without_spaces(spelled: str) -> None:
    """As Azure normalises them, on both sides, in lists too."""
    assert holds({"field": "location", "equals": spelled}, MACHINE)
    assert holds({"field": "location", "in": [spelled]}, MACHINE)
    assert not holds({"field": "location", "notEquals": spelled}, MACHINE)


def test_tags_are_those_of_resource_manager() -> None:
    """A model version's own tags are in its properties, and only its alias reads them."""
    assert not holds({"field": "tags['stage']", "exists": True}, VERSION)
    assert holds({"field": "tags['cost']", "equals": "ai"}, VERSION)
    assert holds({"field": f"{MODEL}/tags", "containsKey": "stage"}, VERSION)
    assert not holds({"field": f"{MODEL}/tags", "containsKey": "cost"}, VERSION)
    assert holds({"field": f"{MODEL}/tags.stage", "equals": "production"}, VERSION)


def test_an_alias_never_reads_the_tags_beside_the_properties() -> None:
    """Not even where the properties have none."""
    bare = {"type": MODEL, "tags": {"stage": "Production"}, "properties": {}}

    assert not holds({"field": f"{MODEL}/tags", "exists": True}, bare)


@pytest.mark.parametrize("kind", ["Microsoft.Storage/storageAccounts", f"{MODEL}/x", None, 3])
def test_an_alias_is_missing_on_other_types(kind: object) -> None:
    """It is about resources of its own type alone."""
    other = {**VERSION, "type": kind}

    assert not holds({"field": f"{MODEL}/tags", "exists": True}, other)
    assert holds({"field": f"{MODEL}/tags.stage", "notEquals": "production"}, other)


def test_elements_may_keep_what_an_alias_names_in_properties_of_their_own() -> None:
    """`securityRules[*].access` is `properties.securityRules[*].properties.access`."""
    alias = "Microsoft.Network/networkSecurityGroups/securityRules[*]"

    assert holds({"field": f"{alias}.access", "in": ["Allow", "Deny"]}, GROUP)
    assert not holds({"field": f"{alias}.access", "equals": "Allow"}, GROUP)
    assert holds({"field": f"{alias}.name", "in": ["ssh", "web"]}, GROUP)
    assert holds({"field": f"{alias}.ports[*]", "in": ["22", "80", "443"]}, GROUP)


def test_a_step_may_say_of_which_kind_an_object_is() -> None:
    """`SqlServer.typeProperties` is there for the type SqlServer alone."""
    alias = "Microsoft.DataFactory/factories/linkedservices"

    assert holds({"field": f"{alias}/SqlServer.typeProperties.password", "exists": True}, SERVICE)
    assert holds({"field": f"{alias}/Odbc.typeProperties.password", "exists": False}, SERVICE)
    assert holds({"field": f"{alias}/typeProperties.password.type", "like": "Secure*"}, SERVICE)
    assert holds({"field": f"{alias}/type", "equals": "SqlServer"}, SERVICE)


@pytest.mark.parametrize(
    ("items", "expected"),
    [([], True), (["a", "A"], True), (["a", "b"], False), (None, False), ("a", False)],
)
def test_a_condition_on_elements_holds_where_each_does(items: object, expected: object) -> None:
    """Of an empty array it holds, of a missing one it does not."""
    resource = {} if items is None else {"items": items}

    assert expected is holds({"field": "items[*]", "equals": "a"}, resource)


def test_a_path_into_something_else_leads_nowhere() -> None:
    """Neither a name into an array nor an index beyond it nor anything into a text."""
    resource = {"items": ["a"], "name": "x"}

    for field in ("items.a", "items[1]", "name.x", "name[0]", "fullName.x"):
        assert not holds({"field": field, "exists": True}, resource)
    assert holds({"field": "items[0]", "equals": "a"}, resource)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [({"fullName": "a/b", "name": "b"}, "a/b"), ({"name": "a/b"}, "a/b"), ({}, None)],
)
def test_the_full_name_is_the_name_where_nothing_else_is_said(
    resource: dict[str, object], expected: object
) -> None:
    """In a request the name of a child has its parents' in it."""
    assert holds({"field": "fullName", "equals": expected}, resource)


def test_the_version_of_the_api_is_the_requests() -> None:
    """Where the resource does not say it itself."""
    condition = {"field": "apiVersion", "less": "2020-01-01"}

    assert holds(condition, {"apiVersion": "2019-06-01"})
    assert holds(condition, {}, request_context={"apiVersion": "2019-06-01"})
    assert not holds(condition, {})


def test_a_field_that_is_worked_out_must_name_one() -> None:
    """What it gives is known only of a resource."""
    with pytest.raises(ValueError, match="an expression that stands for a field must give"):
        holds({"field": "[field('missing')]", "exists": True}, {})
    with pytest.raises(ValueError, match="names no field"):
        holds({"field": "[field('name')]", "exists": True}, {"name": "[*]"})


@pytest.mark.parametrize(
    "name",
    [
        "",
        "[*]",
        "[*].x",
        "a..b",
        "a.",
        ".a",
        "a[",
        "a[]",
        "a['x]",
        "a[[0]]",
        "a]",
        "X/y/",
        "tags[x",
    ],
)
def test_what_names_no_field_is_refused(name: str) -> None:
    """With its place."""
    with pytest.raises(InvalidPolicyError) as fault:
        compile_policy(rule({"anyOf": [{"field": name, "exists": True}]}))

    assert fault.value.place == "/if/anyOf/0/field"


def test_a_policy_says_which_fields_it_reads() -> None:
    """As they are written; those of the condition on another resource are not read."""
    policy = compile_policy(
        {
            "if": {
                "allOf": [
                    {"field": "type", "equals": MODEL},
                    {"value": f"[field('{MODEL}/tags')]", "exists": True},
                    {
                        "count": {
                            "field": "rules[*]",
                            "where": {"field": "rules[*].a", "equals": 1},
                        },
                        "equals": 0,
                    },
                    {"field": "[concat('tags.', field('name'))]", "exists": True},
                    {"field": "[concat('tags.', 'x')]", "exists": True},
                ]
            },
            "then": {
                "effect": "auditIfNotExists",
                "details": {"existenceCondition": {"field": "kind", "equals": "x"}},
            },
        }
    )

    assert {
        "type", f"{MODEL}/tags", "rules[*]", "rules[*].a", "tags.x", "name",
        "[concat('tags.', field('name'))]",
    } == policy.fields  # fmt: skip
