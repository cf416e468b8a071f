"""Template functions: the examples of Azure's documentation, the edges, and what they cannot take."""

from __future__ import annotations

import json

import pytest

from stage_functions.azure_policy import PolicyFailedError, UnsupportedPolicyError
from stage_functions.azure_policy.functions import FORBIDDEN, FUNCTIONS, UNSUPPORTED
from tests.azure_policy.rules import holds, worked_out

GIVEN = {
    "greeting": "one,two,three",
    "list": ["one", "two", "three"],
    "object": {"one": "a", "three": {"x": 1}, "Two": "b"},
    "first": {"one": "a", "two": "b", "three": "c1"},
    "second": {"three": "c2", "four": "d", "one": "a"},
    "nested": [[1, 2], [3], []],
    "objects": [{"a": 1, "b": 2}, {"b": 3}],
}

EXAMPLES = [
    ("concat('prefix', '-', 'x', 5, true)", "prefix-x5true"),
    ("concat(parameters('list'), createArray('four'))", ["one", "two", "three", "four"]),
    ("concat()", ""),
    ("concat('a', null())", "a"),
    ("toLower('One TWO')", "one two"),
    ("toUpper('One two')", "ONE TWO"),
    ("trim('    one two   ')", "one two"),
    ("replace('123-123-1234', '-', '')", "1231231234"),
    ("replace('Abab', 'ab', 'x')", "Abx"),
    ("substring('one two three', 4, 3)", "two"),
    ("substring('one', 1)", "ne"),
    ("substring('one', 3)", ""),
    ("indexOf('test', 't')", 0),
    ("indexOf('abcdef', 'CD')", 2),
    ("indexOf('abcdef', 'z')", -1),
    ("indexOf('straße!', '!')", 6),
    ("indexOf('abc', '')", 0),
    ("lastIndexOf('test', 't')", 3),
    ("lastIndexOf('abcdef', 'AB')", 0),
    ("lastIndexOf('abc', '')", 3),
    ("lastIndexOf('abc', 'z')", -1),
    ("startsWith('abcdef', 'AB')", True),
    ("startsWith('abcdef', 'e')", False),
    ("endsWith('abcdef', 'EF')", True),
    ("split('one,two,three', ',')", ["one", "two", "three"]),
    ("split('one;two,three', createArray(',', ';'))", ["one", "two", "three"]),
    ("split('a,;b', createArray(',', ',;'))", ["a", "b"]),
    ("split('ab', '')", ["ab"]),
    ("split('', ',')", [""]),
    ("split(null(), ',')", [""]),
    ("join(parameters('list'), ', ')", "one, two, three"),
    ("join(createArray(1, true, null(), 'a'), '-')", "1-true-null-a"),
    ("padLeft('123', 10, '0')", "0000000123"),
    ("padLeft(7, 3)", "  7"),
    ("padLeft('1234', 2, '0')", "1234"),
    ("string(5)", "5"),
    ("string(1.0)", "1"),
    ("string(2.5)", "2.5"),
    ("string(createObject('a', createArray(1, 'b')))", '{"a":[1,"b"]}'),
    ("string(null())", "null"),
    ("format('Hello, {0}. Formatted number: {1:N0}', 'User', 8175133)",
     "Hello, User. Formatted number: 8,175,133"),
    ("format('{0,5}|{0,-5}|{{{1}}}', 'a', true)", "    a|a    |{True}"),
    ("format('{0:D4} {0:X} {0:x4} {1:F1} {1:N} {1:P0} {2}', 255, 2.25, null())",
     "0255 FF 00ff 2.3 2.25 225 % "),
    ("format('{0:x}', -1)", "ffffffff"),
    ("format('{0:D3}', -7)", "-007"),
    ("empty('')", True),
    ("empty(createArray())", True),
    ("empty(json('{}'))", True),
    ("empty(null())", True),
    ("empty('a')", False),
    ("empty(parameters('object').nothing)", True),
    ("length('One Two Three')", 13),
    ("length(parameters('list'))", 3),
    ("length(parameters('object'))", 3),
    ("first(parameters('list'))", "one"),
    ("first('One Two Three')", "O"),
    ("first('')", ""),
    ("first(createArray())", None),
    ("last(parameters('list'))", "three"),
    ("last('One Two Three')", "e"),
    ("last('')", ""),
    ("last(createArray())", None),
    ("take(parameters('list'), 2)", ["one", "two"]),
    ("take('one two three', 2)", "on"),
    ("take('ab', 9)", "ab"),
    ("take('ab', -1)", ""),
    ("skip(parameters('list'), 2)", ["three"]),
    ("skip('one two three', 4)", "two three"),
    ("skip('ab', -1)", "ab"),
    ("range(5, 3)", [5, 6, 7]),
    ("range(0, 0)", []),
    ("array('a')", ["a"]),
    ("array(parameters('list'))", ["one", "two", "three"]),
    ("createArray(1, 'a', createArray())", [1, "a", []]),
    ("createObject('a', 1, 'b', createArray(false))", {"a": 1, "b": [False]}),
    ("intersection(createArray('one','two','three'), createArray('two','three','four'))",
     ["two", "three"]),
    ("intersection(parameters('first'), parameters('second'))", {"one": "a"}),
    ("intersection(createArray(1, 1, '1'), createArray(1))", [1]),
    ("union(createArray('one','two'), createArray('two','three'))", ["one", "two", "three"]),
    ("union(parameters('first'), parameters('second'))",
     {"one": "a", "two": "b", "three": "c2", "four": "d"}),
    ("union(json('{\"a\":{\"x\":1,\"z\":[1]}}'), json('{\"a\":{\"y\":2,\"z\":[2]}}'))",
     {"a": {"x": 1, "z": [2], "y": 2}}),
    ("items(json('{\"b\":2,\"a\":1}'))", [{"key": "a", "value": 1}, {"key": "b", "value": 2}]),
    ("objectKeys(json('{\"b\":2,\"a\":1}'))", ["b", "a"]),
    ("tryGet(parameters('object'), 'three', 'x')", 1),
    ("tryGet(parameters('object'), 'none')", None),
    ("tryGet(parameters('object'), 'none', 'x')", None),
    ("tryGet(parameters('list'), 1)", "two"),
    ("tryGet(parameters('list'), 9)", None),
    ("tryGet(null(), 'x')", None),
    ("tryGet(parameters('object').none, 'x')", None),
    ("indexFromEnd(parameters('list'), 1)", "three"),
    ("tryIndexFromEnd(parameters('list'), 3)", "one"),
    ("tryIndexFromEnd(parameters('list'), 4)", None),
    ("tryIndexFromEnd('text', 1)", None),
    ("flatten(parameters('nested'))", [1, 2, 3]),
    ("shallowMerge(parameters('objects'))", {"a": 1, "b": 3}),
    ("coalesce(null(), parameters('object').none, 'a', 'b')", "a"),
    ("coalesce(null())", None),
    ("contains('OneTwoThree', 'two')", True),
    ("contains(parameters('list'), 'TWO')", True),
    ("contains(parameters('object'), 'two')", True),
    ("contains(null(), 'x')", False),
    ("add(5, 3)", 8),
    ("sub(7, 3)", 4),
    ("mul(5, 3)", 15),
    ("div(8, 3)", 2),
    ("div(-8, 3)", -2),
    ("mod(7, 3)", 1),
    ("mod(-7, 3)", -1),
    ("min(5, 4, 3, 2, 1, 0)", 0),
    ("max(createArray(0, 3, 2, 5, 4))", 5),
    ("min(1.5, 2)", 1.5),
    ("int('4')", 4),
    ("int(4.9)", 4),
    ("int('-4.9')", -4),
    ("float('3.0')", 3.0),
    ("float(1)", 1.0),
    ("bool('true')", True),
    ("bool('FALSE')", False),
    ("bool(1)", True),
    ("bool(0)", False),
    ("bool('0')", False),
    ("json('[1, {\"a\": null}]')", [1, {"a": None}]),
    ("json('null')", None),
    ("if(equals('a', 'a'), 'yes', 'no')", "yes"),
    ("if(false, 'yes', 'no')", "no"),
    ("if(null(), 'yes', 'no')", "no"),
    ("if(true, 1, int('x'))", 1),
    ("and(true, true)", True),
    ("and(true, false, int('x'))", False),
    ("or(false, true, int('x'))", True),
    ("or(false, false)", False),
    ("not(equals(1, 2))", True),
    ("true()", True),
    ("false()", False),
    ("null()", None),
    ("equals(createArray(1, 'a'), createArray(1, 'a'))", True),
    ("equals('a', 'A')", True),
    ("equals(null(), '')", True),
    ("less(1, 2)", True),
    ("lessOrEquals('b', 'a')", False),
    ("greater('B', 'a')", True),
    ("greaterOrEquals(2, 2)", True),
    ("base64('one, two, three')", "b25lLCB0d28sIHRocmVl"),
    ("base64ToString('b25lLCB0d28sIHRocmVl')", "one, two, three"),
    ("base64ToJson('eydvbmUnOiAnYSd9')", "fails"),
    ("base64ToJson(base64('{\"one\": \"a\"}'))", {"one": "a"}),
    ("dataUri('Hello')", "data:text/plain;charset=utf8;base64,SGVsbG8="),
    ("dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", "Hello, World!"),
    ("dataUriToString('data:,a%20b')", "a b"),
    ("uri('http://contoso.org/firstpath', 'myscript.sh')", "http://contoso.org/myscript.sh"),
    ("uri('http://contoso.org/firstpath/', 'myscript.sh')",
     "http://contoso.org/firstpath/myscript.sh"),
    ("uri('http://contoso.org/firstpath/azuredeploy.json', 'myscript.sh')",
     "http://contoso.org/firstpath/myscript.sh"),
    ("uri('http://contoso.org', 'myscript.sh')", "http://contoso.org/myscript.sh"),
    ("uriComponent('http://contoso.com/resources/nested/azuredeploy.json')",
     "http%3A%2F%2Fcontoso.com%2Fresources%2Fnested%2Fazuredeploy.json"),
    ("uriComponentToString('http%3A%2F%2Fcontoso.com')", "http://contoso.com"),
    ("ipRangeContains('10.0.0.0/8', '10.1.2.3')", True),
    ("ipRangeContains('192.168.1.0/24', '192.168.0.0/16')", False),
    ("ipRangeContains('192.168.1.0/24', '192.168.1.64/26')", True),
    ("ipRangeContains('10.0.0.1-10.0.0.9', '10.0.0.2 - 10.0.0.8')", True),
    ("ipRangeContains('10.0.0.1', '10.0.0.1')", True),
    ("ipRangeContains('2001:db8::/32', '2001:db8::1')", True),
    ("ipRangeContains('0.0.0.0/0', '::1')", False),
    ("addDays('2024-01-30T00:00:00Z', 5)", "2024-02-04T00:00:00Z"),
    ("addDays('2024-03-01T12:00:00.25+02:00', -1)", "2024-02-29T12:00:00.25+02:00"),
    ("addDays('2024-03-01 12:00:00', 1)", "2024-03-02T12:00:00Z"),
    ("addDays('2024-03-01', 1)", "2024-03-02T00:00:00Z"),
    ("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", "2023-04-07 14:53:14Z"),
    ("dateTimeAdd('2020-04-07T14:53:14Z', '-P9D')", "2020-03-29T14:53:14Z"),
    ("dateTimeAdd('2020-04-07T14:53:14', 'PT1H30M5.5S')", "2020-04-07T16:23:19.5"),
    ("dateTimeAdd('2020-04-07T14:53:14Z', 'PT1H', 'yyyy-MM-dd HH:mm')", "2020-04-07 15:53"),
    ("dateTimeAdd('2020-04-07T14:53:14Z', 'PT1H', 'd MMM, h tt ''UTC'' zzz')",
     "7 Apr, 3 PM UTC +00:00"),
    ("dateTimeAdd('2020-04-07T14:53:14+02:00', 'PT1H', 'u')", "2020-04-07 13:53:14Z"),
    ("dateTimeFromEpoch(1683040573)", "2023-05-02T15:16:13Z"),
    ("dateTimeToEpoch('2023-05-02T15:16:13Z')", 1683040573),
    ("dateTimeToEpoch('2023-05-02T17:16:13+02:00')", 1683040573),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES, ids=repr)
def test_a_function_returns(expression: str, expected: object) -> None:
    """As Azure documents it; "fails" is for what is no JSON."""
    if expected == "fails":
        with pytest.raises(PolicyFailedError):
            worked_out(expression, parameters=GIVEN)
        return
    assert expected == json.loads(worked_out(expression, parameters=GIVEN))


def test_each_function_has_an_example() -> None:
    """Nothing is offered that no test has seen."""
    written = " ".join(expression for expression, _ in EXAMPLES)

    missing = {
        function.name for function in FUNCTIONS.values() if f"{function.name}(" not in written
    }

    assert set() == missing


def test_no_function_is_in_two_lists() -> None:
    """What is evaluated, what Azure forbids and what is refused are three different things."""
    assert set() == FUNCTIONS.keys() & FORBIDDEN
    assert set() == FUNCTIONS.keys() & UNSUPPORTED.keys()
    assert set() == FORBIDDEN & UNSUPPORTED.keys()


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("substring('ab', 0, 3)", "substring() failed: a part from 0 on, 3 long, is not within 2"),
        ("substring('ab', -1)", "is not within 2 characters"),
        ("toLower(5)", "its argument must be text, not a number"),
        ("toLower(createArray())", "must be text, not an array"),
        ("concat('a', createArray('b'))", "joins texts or arrays"),
        ("concat(createArray('b'), 'a')", "each argument must be an array, not text"),
        ("replace('a', '', 'b')", "the text to replace is empty"),
        ("split(5, ',')", "the text must be text, not a number"),
        ("join('a', ',')", "must be an array, not text"),
        ("padLeft('a', 5, 'xy')", "pads a text or a number with one character"),
        ("padLeft('a', 1.5)", "the width must be a whole number"),
        ("padLeft('a', 200000)", "more than 131,072 characters"),
        ("format('{1}', 'a')", "asks for value 1, and 1 are given"),
        ("format('{x}', 'a')", "begins no placeholder"),
        ("format('a}', 'a')", "begins no placeholder"),
        ("format('{0', 'a')", "begins no placeholder"),
        ("format('{0:Q}', 1)", "the format 'Q' is not known here"),
        ("format('{0:G3}', 1)", "use G without digits"),
        ("format('{0:D}', 1.5)", "is for whole numbers"),
        ("format('{0:N99}', 123456789)", "cannot be written with so many digits"),
        ("format('{0,999999}', 1)", "are too wide"),
        ("empty(5)", "must be text, an array or an object, not a number"),
        ("length(true)", "must be text, an array or an object, not a truth value"),
        ("first(5)", "must be text, not a number"),
        ("take('a', 'b')", "the number must be a whole number, not text"),
        ("range(0, 10001)", "counts up to 10,000 numbers"),
        ("range(0, -1)", "counts up to 10,000 numbers"),
        ("range(2147483647, 1)", "none above 2,147,483,647"),
        ("createObject('a')", "keys and values in turn"),
        ("createObject(1, 2)", "a key must be text, not a number"),
        ("intersection(createArray(), 'a')", "each argument must be an array"),
        ("intersection(json('{}'), 'a')", "each argument must be an object"),
        ("union('a', 'b')", "each argument must be an array, not text"),
        ("items('a')", "must be an object, not text"),
        ("indexFromEnd(createArray(1), 2)", "the index 2 is not within 1 items"),
        ("tryGet(createArray(1), 0.5)", "an index must be a whole number"),
        ("flatten(createArray(1))", "each item must be an array, not a number"),
        ("shallowMerge(createArray(1))", "each item must be an object"),
        ("add('1', 2)", "the first one must be a number, not text"),
        ("add(9223372036854775807, 1)", "does not fit into 64 bits"),
        ("mul(1e300, 1e300)", "the result is no number"),
        ("div(1, 0)", "nothing can be divided by 0"),
        ("div(1, 0.5)", "the second one must be a whole number"),
        ("mod(1, 0)", "nothing can be divided by 0"),
        ("min(createArray())", "there are no numbers"),
        ("max(1, 'a')", "each one must be a number, not text"),
        ("int('x')", "the text spells no number"),
        ("int(true)", "must be a number, not a truth value"),
        ("int('99999999999999999999')", "does not fit into 64 bits"),
        ("float('x')", "the text spells no number"),
        ("bool('yes')", "text such as this is neither true nor false"),
        ("bool(null())", "null such as this"),
        ("json('{')", "its argument is no JSON"),
        ("json('NaN')", "its argument is no JSON"),
        ("if('true', 1, 2)", "its condition must be true or false, not text"),
        ("base64ToString('*')", "its argument is no Base64"),
        ("base64ToString('/w==')", "what is encoded is no text"),
        ("dataUriToString('x')", "its argument is no data URI"),
        ("uri('http://[', 'x')", "its arguments are no URIs"),
        ("ipRangeContains('10.0.0.0/8', 'x')", "it takes addresses and ranges"),
        ("ipRangeContains('10.0.0.9-10.0.0.1', '::1')", "a range begins after its end"),
        ("addDays('yesterday', 1)", "the time must be written as 2026-01-31T12:00:00Z"),
        ("addDays('2024-02-30T00:00:00Z', 1)", "there is no time 2024-02-30T00:00:00Z"),
        ("addDays('2024-02-03T00:00:00+99:00', 1)", "there is no time"),
        ("addDays('9999-12-31T00:00:00Z', 1)", "beyond the years 1 to 9999"),
        ("addDays('2024-02-03T00:00:00Z', 99999999999)", "beyond the years 1 to 9999"),
        ("dateTimeAdd('2024-01-01T00:00:00Z', '1D')", "the duration must be written as P1Y2M3D"),
        ("dateTimeAdd('2024-01-01T00:00:00Z', 'PT')", "the duration must be written as P1Y2M3D"),
        ("dateTimeAdd('2024-01-01T00:00:00Z', 'P1D', 'yyyy Q')", "the form 'yyyy Q' has 'Q'"),
        ("dateTimeFromEpoch(99999999999999)", "beyond the years 1 to 9999"),
    ],
    ids=repr,
)
def test_what_a_function_cannot_take_fails(expression: str, says: str) -> None:
    """As in Azure, where it denies the request; the message names the function and the fault."""
    with pytest.raises(PolicyFailedError) as fault:
        worked_out(expression)

    assert fault.value.place == "/here"
    assert says in str(fault.value)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("parameters('object').TWO", "b"),
        ("parameters('object')['two']", "b"),
        ("parameters('object').three.x", 1),
        ("parameters('list')[0]", "one"),
        ("parameters('LIST')[2]", "three"),
        ("parameters('list')[add(0, 1)]", "two"),
        ("createObject('a', createArray(createObject('b', 3))).a[0]['b']", 3),
        ("'it''s'", "it's"),
        ("  concat (\n 'a' , -1 , 2.5e1 )", "a-125"),
        ("TRUE", True),
        ("null", None),
    ],
)
def test_expressions_reach_into_values(expression: str, expected: object) -> None:
    """Names of members are without regard to case; a quote in a text is doubled."""
    assert expected == json.loads(worked_out(expression, parameters=GIVEN))


@pytest.mark.parametrize(
    "expression",
    [
        "parameters('object').none",
        "parameters('object').none.further['x'][0]",
        "parameters('list')[9]",
        "parameters('list')[sub(0, 1)]",
        "parameters('list')[true]",
        "parameters('list').one",
        "parameters('greeting').one",
        "toLower(parameters('object').none)",
        "length(null())",
    ],
)
def test_what_is_missing_stays_missing(expression: str) -> None:
    """A member that is not there is no fault, and neither is what is made of it."""
    assert worked_out(expression, parameters=GIVEN) == "missing"


@pytest.mark.parametrize("operator", ["equals", "notEquals", "notIn", "notLike", "notContains"])
def test_a_condition_on_a_missing_value_does_not_hold(operator: str) -> None:
    """Whatever the operator: the built-in "inherit a tag" relies on it where the group has none."""
    condition = {"value": "[resourceGroup().tags['x']]", operator: ""}

    assert not holds(condition, context={"resourceGroup": {"tags": {}}})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("field('name')", "vm"),
        ("field('none')", None),
        ("concat('<', field('none'), '>')", "<>"),
        ("if(equals(field('none'), ''), 0, int(field('none')))", 0),
        ("field('items[*]')", [{"a": 1}, {"a": 2}, {}]),
        ("field('items[*].a')", [1, 2]),
        ("field('none[*]')", []),
        ("field(concat('na', 'me'))", "vm"),
        ("field(field('which'))", "vm"),
    ],
)
def test_field_reads_the_resource(expression: str, expected: object) -> None:
    """Null where a field is missing, which text functions take for an empty text."""
    resource = {"name": "vm", "which": "name", "items": [{"a": 1}, {"a": 2}, {}]}

    assert expected == json.loads(worked_out(expression, resource))


def test_what_the_context_gives_is_read() -> None:
    """No clock, no subscription: each is what the caller says."""
    context = {
        "utcNow": "2026-11-26T09:00:00Z",
        "subscription": {"subscriptionId": "s", "displayName": "Prod"},
        "resourceGroup": {"name": "rg"},
        "policy": {"assignmentId": "/x"},
        "claims": {"approved": True},
    }
    expression = (
        "concat(utcNow(), subscription().subscriptionId, resourceGroup().name, "
        "policy().assignmentId, string(claims().approved))"
    )

    assert worked_out(expression, context=context) == '"2026-11-26T09:00:00Zsrg/xtrue"'


@pytest.mark.parametrize("name", ["utcNow", "subscription", "resourceGroup", "policy", "claims"])
def test_what_the_context_does_not_give_is_refused_by_name(name: str) -> None:
    """Nothing is made up."""
    with pytest.raises(UnsupportedPolicyError, match=rf"{name}\(\) is not known here; give"):
        worked_out(f"{name}()")


def test_what_is_known_of_a_request_is_read() -> None:
    """Given beside the context or within it; where nothing is known, a condition does not hold."""
    condition = {"value": "[requestContext().identity.idtyp]", "equals": "app"}
    request = {"identity": {"idtyp": "app"}}

    assert holds(condition, request_context=request)
    assert holds(condition, context={"requestContext": request})
    assert not holds(condition)


def test_a_built_in_that_asks_for_a_second_factor() -> None:
    """Of the shape of Microsoft's: claims that are missing are no factor."""
    condition = {
        "allOf": [
            {"value": "[requestContext().identity.idtyp]", "equals": "user"},
            {
                "value": "mfa",
                "notIn": "[split(tryGet(requestContext().identity, 'http://amr'), ',')]",
            },
            {"value": "p1", "notIn": "[split(requestContext().identity.acrs, ',')]"},
        ]
    }

    def denied(**identity: str) -> bool:
        return holds(condition, request_context={"identity": {"idtyp": "user"} | identity})

    assert denied()
    assert denied(acrs="p2,p3")
    assert not denied(acrs="p1,p2")
    assert not denied(**{"http://amr": "pwd,mfa"})


@pytest.mark.parametrize(
    ("port", "expected"),
    [("22", True), ("*", True), ("10-30", True), ("80-443", False), ("80", False), (None, False)],
)
def test_a_built_in_that_looks_for_an_open_port(port: str | None, expected: object) -> None:
    """Of the shape of Microsoft's: `if` leaves out what would fail."""
    alias = "Microsoft.Network/networkSecurityGroups/securityRules/destinationPortRange"
    ends = f"int(first(split(field('{alias}'), '-'))), int(last(split(field('{alias}'), '-')))"
    first, last = ends.split(", int(last")
    within = f"and(lessOrEquals({first}, 22), greaterOrEquals(int(last{last}, 22))"
    condition = {
        "anyOf": [
            {"field": alias, "in": ["*", "22"]},
            {
                "value": f"[if(contains(field('{alias}'), '-'), {within}, 'false')]",
                "equals": "true",
            },
        ]
    }
    resource = {
        "type": "Microsoft.Network/networkSecurityGroups/securityRules",
        "properties": {"destinationPortRange": port},
    }

    assert expected is holds(condition, resource)
