"""Interactions filled in for concrete requests."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bff_contracts.pact.binding import asked_for, fill
from bff_contracts.pact.file import Interaction, read_pact, shipped_pacts

A, B = "26b9045a-e947-5833-ab3e-161507389763", "8232d49d-8ace-5fcf-bc17-5fc74acfda47"
X, Y, Z = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "123")
CLASS = {"class_id": "c", "class_name": "Svenska 1"}
ANY = {"matchers": [{"match": "regex", "regex": ".*"}]}


def _interaction(
    body: Any,
    *,
    path: str = "/things/class-info",
    path_ruled: bool = False,
    query: dict[str, str] | None = None,
    rules: dict[str, Any] | None = None,
    params: dict[str, Any] | None = None,
) -> Interaction:
    query = query or {}
    request = {
        "method": "GET",
        "path": path,
        "query": {name: [value] for name, value in query.items()},
        "matchingRules": {"path": ANY if path_ruled else {}, "query": {name: ANY for name in query if name != "fixed"}},
    }
    response = {"status": 200, "body": {"content": body}, "matchingRules": {"body": rules or {}}}
    interaction = {
        "type": "Synchronous/HTTP",
        "description": "things",
        "providerStates": [{"name": "state", "params": params or {}}],
        "request": request,
        "response": response,
    }
    pact = {
        "consumer": {"name": "c"},
        "provider": {"name": "p"},
        "interactions": [interaction],
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    return read_pact(json.dumps(pact), source="a.json").interactions[0]


def test_path_segments_are_bound() -> None:
    """A segment of a ruled path replaces the example's, unescaped, in values, keys, rules and state params."""
    example = _interaction(
        {"user": "anna b", "by": {"anna b": [1, "anna b", "anna b!"]}},
        path="/users/anna%20b/things",
        path_ruled=True,
        rules={"$.user": ANY, "$.by['anna b'][*]": ANY},
        params={"user_id": "anna b", "rows": [{"owner": "anna b"}]},
    )

    filled = fill(example, path="/users/%C3%B6rjan/things", query={})

    assert filled.response.body == {"user": "örjan", "by": {"örjan": [1, "örjan", "anna b!"]}}
    assert list(filled.response.rules) == ["$.user", "$.by['örjan'][*]"]
    assert filled.states[0].params == {"user_id": "örjan", "rows": [{"owner": "örjan"}]}
    assert filled.request == example.request


@pytest.mark.parametrize(
    ("path_ruled", "path"),
    [
        pytest.param(False, "/users/y/things", id="literal-path"),
        pytest.param(True, "/users/y", id="fewer-segments"),
    ],
)
def test_other_paths_bind_nothing(*, path_ruled: bool, path: str) -> None:
    """A path without a rule is literal, and one of another length has no places to compare."""
    example = _interaction({"user": "x"}, path="/users/x/things", path_ruled=path_ruled)

    assert fill(example, path=path, query={}).response.body == {"user": "x"}


def test_replacement_is_one_pass() -> None:
    """Two ids that change places do so."""
    example = _interaction({"from": "a", "to": "b"}, path="/a/b", path_ruled=True)

    assert fill(example, path="/b/a", query={}).response.body == {"from": "b", "to": "a"}


def test_numbers_are_never_bound() -> None:
    """A page's limit has nothing to do with a text that looks like it."""
    example = _interaction({"limit": 20, "room": "20"}, query={"limit": "20"})

    assert fill(example, path="/things/class-info", query={"limit": ["5"]}).response.body == {"limit": 20, "room": "20"}


def test_values_without_a_rule_are_literal() -> None:
    """A query value that may not vary is not bound."""
    example = _interaction({"state": "open"}, query={"fixed": "open"})

    assert fill(example, path="/things/class-info", query={"fixed": ["shut"]}).response.body == {"state": "open"}


CLASSES = _interaction(
    {A: CLASS, B: None},
    query={"batch_ids": f"{A},{B}"},
    rules={f"$['{A}'].class_name": ANY},
    params={"classes": {A: CLASS, B: None}},
)


@pytest.mark.parametrize(
    ("asked", "response", "expected"),
    [
        pytest.param([X, Y, Z], None, {X: CLASS, Y: None, Z: CLASS}, id="forms-in-turn"),
        pytest.param([X], None, {X: CLASS}, id="fewer"),
        pytest.param([B, A], None, {B: CLASS, A: None}, id="the-example's-ids-swapped"),
        pytest.param([X, X, Y], None, {X: CLASS, Y: None}, id="duplicates"),
        pytest.param([X, Y], {X: None, Y: {}}, {X: None, Y: CLASS}, id="as-the-response"),
        pytest.param([X, Y, Z], {X: None, Y: None, Z: None}, {X: None, Y: None, Z: None}, id="all-null"),
        pytest.param([X, Y], {X: {}}, {X: CLASS, Y: CLASS}, id="id-missing-from-the-response"),
        pytest.param([X, Y], {}, {X: CLASS, Y: None}, id="empty-response"),
        pytest.param([X, ""], None, {X: CLASS}, id="comma-too-many"),
        pytest.param([""], None, {}, id="none"),
    ],
)
def test_map_of_what_was_asked_for(asked: list[str], response: Any, expected: Any) -> None:
    """A map keyed by ids has one entry for each id asked for, and the rules follow the entries they are about."""
    filled = fill(CLASSES, path="/things/class-info", query={"batch_ids": [",".join(asked)]}, actual=response)

    assert filled.response.body == expected
    assert list(filled.response.rules) == [f"$['{name}'].class_name" for name in expected if expected[name]]
    assert set(filled.states[0].params["classes"]) == set(asked) - {""}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("a_1", "$.a_1.class_name", id="plain"),
        pytest.param("1a", "$['1a'].class_name", id="no-identifier"),
        pytest.param("å", "$['å'].class_name", id="swedish"),
        pytest.param('a"b', "$['a\"b'].class_name", id="double-quote"),
        pytest.param("a'b", "$.*.class_name", id="quote-that-no-path-can-spell"),
    ],
)
def test_rules_are_spelled_for_what_was_asked_for(name: str, path: str) -> None:
    """A rule's path names the id that was asked for in a form that the engine reads."""
    filled = fill(CLASSES, path="/things/class-info", query={"batch_ids": [name]})

    assert list(filled.response.rules) == [path]


def test_an_entry_that_echoes_its_key() -> None:
    """Inside an entry, the example's id becomes the entry's own."""
    example = _interaction({"all": {A: {"id": A}}, "first": A}, query={"ids": A})

    filled = fill(example, path="/things/class-info", query={"ids": [f"{X},{Y}"]})

    assert filled.response.body == {"all": {X: {"id": X}, Y: {"id": Y}}, "first": X}


def test_list_of_what_was_asked_for() -> None:
    """A list with an item per id has one for each id asked for, in the example's forms in turn."""
    example = _interaction([{"id": A, "kind": "one"}, {"id": [B], "kind": "two"}], query={"ids": f"{A},{B}"})

    filled = fill(example, path="/things/class-info", query={"ids": [f"{X},{Y},{Z}"]})

    assert filled.response.body == [
        {"id": X, "kind": "one"},
        {"id": [Y], "kind": "two"},
        {"id": Z, "kind": "one"},
    ]


def test_a_list_that_is_about_something_else_keeps_its_items() -> None:
    """As many items as ids are not enough: each has to name its own."""
    example = _interaction({"kinds": [{"id": A}, {"of": ["x"]}], "pair": [B, A]}, query={"ids": f"{A},{B}"})

    filled = fill(example, path="/things/class-info", query={"ids": [f"{X},{Y},{Z}"]})

    assert filled.response.body == {"kinds": [{"id": X}, {"of": ["x"]}], "pair": [Y, X]}


def test_forms_are_found_however_deep_the_map_is() -> None:
    """Maps within lists within maps are looked into, in the example and in the response."""
    example = _interaction({"n": 1, "pages": [[], {"by": {A: CLASS, B: None}}]}, query={"ids": f"{A},{B}"})
    response: Any = {"n": 2, "pages": [5, {"by": {Y: dict[str, Any](), X: None}}]}

    filled = fill(example, path="/things/class-info", query={"ids": [f"{X},{Y}"]}, actual=response)

    assert filled.response.body == {"n": 1, "pages": [[], {"by": {X: None, Y: CLASS}}]}


def test_nothing_is_bound_to_an_empty_example() -> None:
    """An empty text in a response has nothing to do with a parameter that the example leaves empty."""
    example = _interaction({"note": ""}, query={"ids": ""})

    assert fill(example, path="/things/class-info", query={"ids": [X]}).response.body == {"note": ""}


def test_rules_about_something_else_stay() -> None:
    """Beside the rules that follow the ids there may be others."""
    example = _interaction(
        {"n": 1, "by": {A: CLASS}}, query={"ids": A}, rules={"$.n": ANY, f"$.by['{A}'].class_id": ANY}
    )

    filled = fill(example, path="/things/class-info", query={"ids": [f"{X},{Y}"]})

    assert list(filled.response.rules) == ["$.n", f"$.by['{X}'].class_id", f"$.by['{Y}'].class_id"]


def test_nothing_asked_for() -> None:
    """Without the parameter the example is unchanged, and no ids are requested."""
    assert fill(CLASSES, path="/things/class-info", query={}).response == CLASSES.response
    assert asked_for(CLASSES, {}) == ()
    assert asked_for(CLASSES, {"batch_ids": [f"{X},{Y}"]}) == (frozenset({X, Y}),)


def test_a_rule_about_a_parameter_that_the_example_does_not_have_asks_for_nothing() -> None:
    request = replace(CLASSES.request, query={})

    assert asked_for(replace(CLASSES, request=request), {"batch_ids": [X]}) == ()


def test_example_request_changes_nothing() -> None:
    """Filled in for its own request, every shipped interaction is unchanged."""
    for pact in shipped_pacts():
        for interaction in pact.interactions:
            filled = fill(interaction, path=interaction.request.path, query=interaction.request.query)

            assert filled == interaction
