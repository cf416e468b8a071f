"""What the checker takes for Bicep, and what expressions are worth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.infra import symbols
from scripts.infra.ambient import example_group
from scripts.infra.faults import Fault, Place, TemplateError
from scripts.infra.parser import parse, second_opinion
from scripts.infra.unit import Unit
from scripts.infra.values import Record, Runtime, Secret, Unknown
from scripts.infra.world import World

TAKEN = {
    "types": "type a = { x: string, y: int? }\ntype b = 'a' | 'b'\ntype c = string[]\n",
    "params": "@description('x')\n@allowed(['a', 'b'])\n@sys.secure()\nparam a 'x' | 'y' = 'x'\n",
    "safe access": "var x = a.?b\nvar y = a[?0]\nvar z = a.b!.c\n",
    "lambdas": "var x = map(y, (a, i) => { b: a, c: i })\nvar z = filter(y, a => a.b)\n",
    "a loop": "resource a 'x/y@2020-01-01' = [for (n, i) in names: { name: n }]\n",
    "a loop on lines of its own": "var a = [\n  for n in names: {\n    name: n\n  }\n]\n",
    "a condition in a loop": "resource a 'x/y@2020-01-01' = [for n in names: if (c) { name: n }]\n",
    "spread": "var x = { ...y, a: 1 }\nvar z = [...y, 1]\n",
    "one line": "var x = { a: 1, b: [1, 2] }\n",
    "text over lines": "var x = '''\nabc ${x}\n'''\n",
    "text with expressions": "var x = 'a${b.c[0]}d${'e${f}'}'\nvar y = 'a\\'b\\${x}\\u{1F}'\n",
    "a ternary over lines": "var x = a\n  ? b\n  : c\n",
    "operators": "var x = !a && b || c != d && e =~ f && -g < 3 && (h % 2 == 0)\n",
    "keys in quotes": "var x = { 'a-b': 1, 'x${y}': 2 }\n",
    "comments": "/* a\n */ // b\n#disable-next-line no-unused-params\nparam a string // c\n",
    "a resource in another": "resource a 'x/y@2020-01-01' = {\n  name: 'a'\n\n  resource b 'z' = {\n    name: 'b'\n  }\n}\n",
    "words of the language as keys": "var x = { for: 1, if: 2, type: 'x', resource: a.type }\n",
    "arguments over lines": "var x = union(\n  a,\n  b\n)\n",
}  # fmt: skip
REFUSED = {
    "param a string param b string\n": (1, 16, "a new line is missing before 'param'"),
    "var x = {\n a: 1\n": (3, 1, "missing before the end"),
    "var x 1\n": (1, 8, "'=' is missing"),
    "var x = union(a b)\n": (1, 17, "',' or ')' is missing before 'b'"),
    "var x = { a: 1 b: 2 }\n": (1, 16, "is missing before 'b'"),
    "var x = [\n  1,\n  2\n]\n": (2, 5, "no item follows the ','"),
    "var x = 'abc\n": (1, 9, "never closed"),
    "var x = '''abc\n": (1, 9, "never closed"),
    "var x = 'a${b'\n": (1, 14, "never closed"),
    "var x = 'a${b\n}'\n": (1, 14, "never closed"),
    'var x = "abc"\n': (1, 9, "quoted with '"),
    "/* a\nb */ var x = 1;\n": (2, 15, "';' has no meaning here"),
    "var x = 1.5\n": (1, 11, "a name is missing"),
    "var x = a ? b\n": (1, 14, "':' is missing"),
    "var x = a ?? b || c\n": (1, 11, "add parentheses"),
    "var x = [for a in b: if (c) { d: 1 }]\n": (1, 22, "'if' stands only behind a resource"),
    "var x = union([for a in b: a], c)\n": (1, 15, "a loop is the whole value"),
    "var x = 99999999999999999999\n": (1, 9, "too large"),
    "var x = '${{ @a }}'\n": (1, 14, "no statement"),
    "@description\nparam a string\n": (1, 1, "a decorator is a call"),
    "resource a '${b}@2020-01-01' = {}\n": (1, 12, "without '${'"),
    "params a string\n": (1, 1, "a statement begins with"),
    "import { a } from 'b.bicep'\n": (1, 1, "'import' is not used in this project"),
    "func f(a string) string => a\n": (1, 1, "'func' is not used in this project"),
    "extension kubernetes\n": (1, 1, "'extension' is not used in this project"),
    "param a resourceInput<'x/y@2020-01-01'>\n": (1, 22, "such a type is not used"),
    "output a string = b::c.id\n": (1, 20, "'::' is not used here"),
}
VALUES = {
    "1 + 2 * 3 - 4 / 2": 5,
    "7 % 4 > 2 && !(1 == 2)": True,
    "'a' =~ 'A' ? 'same' : 'other'": "same",
    "null ?? 'default'": "default",
    "'${1}-${true}-${null}-${'x'}'": "1-true--x",
    "{ a: 1, ...{ b: 2, a: 3 } }": {"a": 3, "b": 2},
    "[...[1, 2], 3]": [1, 2, 3],
    "union({ a: { b: 1 }, c: 1 }, { a: { d: 2 }, c: 2 })": {"a": {"b": 1, "d": 2}, "c": 2},
    "union([1, 2], [2, 3])": [1, 2, 3],
    "intersection([1, 2], [2, 3])": [2],
    "[for (x, i) in ['a', 'b']: '${x}${i}']": ["a0", "b1"],
    "map(range(0, 3), i => i * 2)": [0, 2, 4],
    "filter([1, 2, 3], i => i > 1)": [2, 3],
    "reduce([1, 2, 3], 0, (a, b) => a + b)": 6,
    "toObject(['a', 'b'], x => x, x => toUpper(x))": {"a": "A", "b": "B"},
    "mapValues({ a: 1 }, v => v + 1)": {"a": 2},
    "sort([2, 1], (a, b) => a < b)": [2, 1],
    "{ a: 1 }.?b": None,
    "['a'][?3]": None,
    "contains({ Abc: 1 }, 'aBC') && contains('abc', 'b') && contains([1], 1)": True,
    "empty('') && empty([]) && empty({}) && empty(null)": True,
    "first('abc')": "a",
    "last(split('a/b/c', '/'))": "c",
    "take('abc', 2)": "ab",
    "skip([1, 2, 3], 1)": [2, 3],
    "substring('abcd', 1, 2)": "bc",
    "join(['a', 'b'], '-')": "a-b",
    "replace('a_b', '_', '-')": "a-b",
    "format('{0}-{1}', 'a', 1)": "a-1",
    "padLeft(7, 3, '0')": "007",
    "items({ b: 1, a: 2 })[0].key": "a",
    "objectKeys({ b: 1, a: 2 })": ["a", "b"],
    "flatten([[1], [2, 3]])": [1, 2, 3],
    "min(3, 1) + max([4, 2])": 5,
    "int('7') + indexOf('abc', 'c')": 9,
    "json('{\"a\": [1]}').a[0]": 1,
    "base64('a')": "YQ==",
    "length(uniqueString('a', 'b'))": 13,
    "length(guid('a', 'b'))": 36,
    "guid('a') == guid('a') && guid('a') != guid('b')": True,
    "string({ a: [1, true] })": '{"a":[1,true]}',
    "resourceGroup().name": "rg-example",
    "resourceId('Microsoft.Web/sites/config', 'a', 'b')": (
        "/subscriptions/00000000-0000-0000-0000-00000000a2e5/resourceGroups/rg-example"
        "/providers/Microsoft.Web/sites/a/config/b"
    ),
    "resourceId('rg-other', 'Microsoft.Web/sites', 'a')": (
        "/subscriptions/00000000-0000-0000-0000-00000000a2e5/resourceGroups/rg-other"
        "/providers/Microsoft.Web/sites/a"
    ),
    "environment().suffixes.storage": "core.windows.net",
    "-(2) + 3": 1,
    "'''\na\nb'''": "a\nb",
}
ERRORS = {
    "1 + 'a'": "takes numbers",
    "'a' && true": "a condition is true or false",
    "!1": "takes another",
    "1 / 0": "divides by zero",
    "'${[1]}'": "text holds text",
    "{ a: 1 }.b": "the object has no 'b'",
    "[1][1]": "the array has no item 1",
    "null.a": "null has no 'a'",
    "'a'.b": "string has no 'b'",
    "{ a: 1, a: 2 }": "'a' is given twice",
    "map([1], 2)": "takes a lambda",
    "map('a', x => x)": "takes an array",
    "toLower(1)": "argument 1 of toLower() is of type string, not int",
    "union([1], { a: 1 })": "takes objects or arrays, not both",
    "format('{1}', 'a')": "has no argument for {1}",
    "int('seven')": "takes a number",
    "json('{')": "takes JSON",
    "resourceId('a', 'b')": "takes a resource type",
    "resourceId('a/b', 'c', 'd')": "has 1 names, 2 are given",
    "loadTextContent('nothing.txt')": "there is no file",
    "resourceGroup().nam": "did you mean 'name'",
}
Evaluated = Callable[[str], tuple[object, list[str]]]


@pytest.fixture
def evaluated(tmp_path: Path) -> Evaluated:
    """Evaluates an expression; returns its value, and the faults."""

    def evaluate(expression: str) -> tuple[object, list[str]]:
        return _template(tmp_path, f"var a = {expression}\n")

    return evaluate


def _template(root: Path, text: str, **given: object) -> tuple[object, list[str]]:
    """Return what stands for `a`, and the faults."""
    file = parse("main.bicep", text)
    world = World(root, files={"main.bicep": file})
    params = Record(given.items(), place=Place("main.bicep"))
    unit = Unit(world, "main", file, example_group(), params)
    return unit.symbol("a"), [str(fault) for fault in world.faults]


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN.keys())
def test_bicep_is_read(text: str) -> None:
    """What the language has and templates use."""
    assert parse("main.bicep", text).declarations


@pytest.mark.parametrize(("text", "said"), REFUSED.items())
def test_what_is_no_bicep_is_refused_where_it_begins(text: str, said: tuple[int, int, str]) -> None:
    """With line and column, and what to do."""
    with pytest.raises(TemplateError) as raised:
        parse("main.bicep", text)
    fault = raised.value.fault
    assert said[:2] == (fault.place.line, fault.place.column)
    assert said[2] in fault.message
    assert "; " in fault.message


def test_another_grammar_is_asked_too() -> None:
    """What it cannot read is a fault, though our own reader took it; it knows no spread."""
    assert [] == second_opinion("main.bicep", "var a = { ...b }\nvar c = 1\n")
    (fault,) = second_opinion("main.bicep", "var a = (\n")[:1]
    assert "syntax" == fault.rule


@pytest.mark.parametrize(("expression", "value"), VALUES.items())
def test_an_expression_is_worth_what_azure_would_make_of_it(
    evaluated: Evaluated, expression: str, value: object
) -> None:
    """Operators, functions, loops, lambdas, and where it is deployed."""
    assert (value, []) == evaluated(expression)


@pytest.mark.parametrize(("expression", "said"), ERRORS.items())
def test_an_expression_that_azure_would_refuse_is_a_fault(
    evaluated: Evaluated, expression: str, said: str
) -> None:
    """With its place; what depends on it is unknown, and not a fault again."""
    value, faults = evaluated(expression)
    assert Unknown("any") == value
    assert 1 == len(faults)
    assert said in faults[0]


def test_only_what_is_chosen_is_evaluated(evaluated: Evaluated) -> None:
    """A branch that would fail does no harm where it is not taken."""
    assert ("", []) == evaluated("empty([]) ? '' : [][0]")


def test_what_is_made_with_a_secret_is_one(tmp_path: Path) -> None:
    """However it is made: joined, cut, put into an object."""
    text = "@secure()\nparam s string\nvar a = ['x${s}', toUpper(s), { k: take(s, 1) }.k]\n"
    value, _ = _template(tmp_path, text, s="secret")
    assert isinstance(value, list)
    assert [Secret] * 3 == [type(item) for item in value]


def test_what_azure_tells_first_is_marked(tmp_path: Path) -> None:
    """It is an example, and so is what is made with it; ids and names are known beforehand."""
    text = (
        "resource s 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {\n  name: 'abc'\n}\n"
        "var a = ['${s.properties.primaryEndpoints.table}x', s.id, s.name]\n"
    )
    value, faults = _template(tmp_path, text)
    assert [] == faults
    assert isinstance(value, list)
    assert "https://abc.table.core.windows.net/x" == value[0]
    assert [Runtime, str, str] == [type(item) for item in value]


def test_files_are_looked_for_beside_the_template(tmp_path: Path) -> None:
    """JSON, YAML and text."""
    (tmp_path / "a.json").write_text('{"b": [1]}', encoding="utf-8")
    (tmp_path / "a.yaml").write_text("b: [2]", encoding="utf-8")
    text = "var a = '${loadJsonContent('a.json').b[0]}${loadYamlContent('a.yaml').b[0]}'\n"
    assert ("12", []) == _template(tmp_path, text)


def faults_of_names(root: Path, text: str) -> list[Fault]:
    """Return what is wrong with the names of a template."""
    return symbols.check(parse("main.bicep", text), root)


def test_resources_stand_only_in_others(tmp_path: Path) -> None:
    """In the object of a variable one would be lost."""
    text = (
        "var a = {\n  resource b 'c@2020-01-01' = {\n    name: 'd'\n  }\n}\noutput e object = a\n"
    )
    assert "syntax" in {fault.rule for fault in faults_of_names(tmp_path, text)}


def test_names_of_loops_and_lambdas_are_known_inside_them_only(tmp_path: Path) -> None:
    """Outside nothing has their name."""
    inside = "output a array = [for x in map([1], y => y): x]\n"
    assert [] == faults_of_names(tmp_path, inside)
    outside = "output a array = [for x in [1]: x]\noutput b int = x\n"
    assert ["symbol"] == [fault.rule for fault in faults_of_names(tmp_path, outside)]


@pytest.mark.parametrize(
    "text",
    [
        "var a = b\nvar b = a\noutput c string = a\n",
        "@description('x')\nparam a string = b\nvar b = a\n",
        "var a = map([1], x => a)\noutput c array = a\n",
    ],
)
def test_names_that_need_each_other_are_a_circle(tmp_path: Path, text: str) -> None:
    """However they need each other."""
    assert "circle" in {fault.rule for fault in faults_of_names(tmp_path, text)}
