"""An example is a template: known values replace its own, within what its rules allow."""

import json
from typing import Any

import pytest

from bff_contracts.pact.file import Rule
from bff_mock_server.responses.rendering import Frame, Hole, template_of

OR_NULL = Rule("OR", ({"match": "null"}, {"match": "type"}))
TYPE = Rule("AND", ({"match": "type"},))
ONLY_NULL = Rule("AND", ({"match": "null"},))


@pytest.mark.parametrize(
    ("example", "rules", "value", "rendered"),
    [
        pytest.param({"a": 1, "b": 2}, {}, {"a": 7}, {"a": 7, "b": 2}, id="unknown-field-is-the-examples"),
        pytest.param({"a": 1}, {}, {"a": 7, "z": 9}, {"a": 7}, id="field-outside-the-contract-stays-out"),
        pytest.param({"a": 1}, {"$.a": TYPE}, {"a": None}, {"a": 1}, id="null-where-forbidden"),
        pytest.param({"a": 1}, {"$.a": OR_NULL}, {"a": None}, {"a": None}, id="null-where-allowed"),
        pytest.param({"a-b": 1}, {"$['a-b']": OR_NULL}, {"a-b": None}, {"a-b": None}, id="quoted-path"),
        pytest.param({"a": None}, {}, {"a": 7}, {"a": None}, id="literal-null-stays"),
        pytest.param({"a": None}, {"$.a": ONLY_NULL}, {"a": 7}, {"a": None}, id="ruled-null-stays"),
        pytest.param({"a": None}, {"$.a": OR_NULL}, {"a": 7}, {"a": 7}, id="null-example-of-a-nullable"),
        pytest.param([{"a": 1}], {}, [{"a": 2}, {"a": 3}], [{"a": 2}, {"a": 3}], id="element-per-row"),
        pytest.param([{"a": 1}], {}, [], [], id="no-rows"),
        pytest.param([{"a": 1}], {"$[*].a": OR_NULL}, [{"a": None}], [{"a": None}], id="rule-for-every-element"),
        pytest.param([{"a": 1}], {"$[0].a": OR_NULL}, [{"a": None}], [{"a": None}], id="rule-for-the-first-element"),
        pytest.param({"a": {"b": [1]}}, {}, {"a": {"b": [2, 3]}}, {"a": {"b": [2, 3]}}, id="nested"),
        pytest.param({"a": 1}, {"$.a": OR_NULL}, {}, {"a": 1}, id="unknown-where-null-is-allowed"),
        pytest.param({"a": 1}, {}, {"a": {"x": [1]}}, {"a": {"x": [1]}}, id="object-for-a-number"),
        pytest.param({"a": 1}, {}, {"a": [2]}, {"a": [2]}, id="list-for-a-number"),
        pytest.param({"a": {"b": 1}}, {}, {"a": 5}, {"a": 5}, id="number-for-an-object"),
        pytest.param({"a": [1]}, {}, {"a": 5}, {"a": 5}, id="number-for-a-list"),
        pytest.param({"a": []}, {}, {"a": [7]}, {"a": [7]}, id="list-without-an-example"),
        pytest.param({"a": "x"}, {}, {"a": 'Öhman "ö"'}, {"a": 'Öhman "ö"'}, id="text-is-escaped"),
    ],
)  # fmt: skip
def test_an_example_is_filled_with_what_is_known(
    example: Any, rules: dict[str, Rule], value: Any, rendered: Any
) -> None:
    assert json.loads(template_of(example, rules).render(value)) == rendered


def test_what_other_answers_show_is_served_when_it_is_known() -> None:
    template = template_of({"a": [{"b": 1}]}, {}, others=[{"a": [{"b": 2, "c": 3}]}, {"a": [], "d": {}}])

    assert json.loads(template.render({"a": [{"b": 5, "c": None}, {"b": 6}], "d": {"x": 1}})) == {
        "a": [{"b": 5, "c": None}, {"b": 6}],
        "d": {"x": 1},
    }


def test_a_frame_is_filled_where_its_holes_are() -> None:
    template = template_of({"rows": [{"a": 1}], "n": 3, "b": "x\u0000y"}, {})
    frame = Frame(template, {"rows": [Hole("page")], "n": Hole("count")})

    assert frame.fill(page=b'{"a":1},{"a":2}', count=b"7") == rb'{"rows":[{"a":1},{"a":2}],"n":7,"b":"x\u0000y"}'


def test_a_part_is_addressed_by_name() -> None:
    template = template_of({"a": 1, "b": "x"}, {})

    assert template.member("b").text == '"x"'
    for part, name in ((template, "c"), (template.member("a"), "b")):
        with pytest.raises(KeyError, match=name):
            part.member(name)
