"""What a change means in contracts of other people's, whose forms ours do not have."""

import copy
import json
import re
from typing import Any

import pytest

from bff_contracts.comparison.diff import Change, ComparisonError, Verdict, diff
from bff_contracts.pact.file import read_pact
from tests.contracts.comparison.editing import INTEGER, NUMBER, TYPE, Json, changes, matchers, other, regex


def asked(content: Any) -> Json:
    """A contract with one interaction whose request has this body."""
    pact = other({})
    request = pact["interactions"][0]["request"]
    request["method"] = "POST"
    if content is not None:
        request["body"] = {"contentType": "application/json", "content": content}
    return pact


LIST = "$.a"


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        pytest.param(other({"a": True}), other({"a": 1}), "stricter", id="true-to-1"),
        pytest.param(other({"a": 1}), other({"a": 1.0}), "stricter", id="1-to-1.0"),
        pytest.param(
            other({"a": [1, 2, 3]}, {LIST: matchers({"match": "type", "min": 2})}),
            other({"a": [1, 2, 3]}, {LIST: matchers({"match": "type", "min": 3})}),
            "stricter",
            id="min",
        ),
        pytest.param(
            other({"a": [1]}, {LIST: matchers({"match": "type", "max": 10})}),
            other({"a": [1]}, {LIST: matchers({"match": "type", "max": 5})}),
            "stricter",
            id="max",
        ),
        pytest.param(
            other({"a": 1}, {LIST: matchers(INTEGER, regex("^[A-Z]{3}$"), combine="OR")}),
            other({"a": 1}, {LIST: matchers(INTEGER)}),
            "stricter",
            id="or-less",
        ),
        pytest.param(
            other({"a": "xabcx"}, {LIST: matchers({"match": "include", "value": "ab"})}),
            other({"a": "xabcx"}, {LIST: matchers({"match": "include", "value": "abc"})}),
            "stricter",
            id="include",
        ),
        pytest.param(
            other({"a": "x"}, {LIST: matchers(regex(r"^[\s\S]{0,500}$"))}),
            other({"a": "x"}, {LIST: matchers(regex(r"^[\s\S]{0,499}$"))}),
            "unclear",
            id="no-example-tells",
        ),
        pytest.param(
            other({"a": []}, {"$.a[*]": matchers(TYPE)}),
            other({"a": []}, {"$.a[*]": matchers(INTEGER)}),
            "unclear",
            id="no-item-in-the-example",
        ),
        pytest.param(
            other({}, headers={"Content-Type": ["application/json; charset=utf-8"]}),
            other({}, headers={"Content-Type": ["application/json"]}),
            "looser",
            id="charset-less",
        ),
        pytest.param(
            other({}, headers={"Content-Type": ["application/json;charset=utf-8"]}),
            other({}, headers={"Content-Type": ["application/json; charset=UTF-8"]}),
            None,
            id="charset-spelled-otherwise",
        ),
        pytest.param(
            other({}, headers={"X-A": ["1", "2"]}), other({}, headers={"X-A": ["1, 2"]}), None, id="header-in-two-parts"
        ),
        pytest.param(asked({"x": 1}), asked({"x": 1, "y": 2}), "stricter", id="request-field-more"),
        pytest.param(asked({"x": {"k": 1}}), asked({"x": {"k": 1, "z": 3}}), "stricter", id="request-nested-more"),
        pytest.param(asked(None), asked({"x": 1}), "stricter", id="request-body-more"),
        pytest.param(
            asked({"x": {"k": 1}, "y": {}}), asked({"x": {"k": 1}, "y": {"k": 1}}), "stricter", id="same-name"
        ),
        pytest.param(
            asked({"x": [{"k": 1}], "y": [{}]}), asked({"x": [{"k": 1}], "y": [{"k": 1}]}), "stricter", id="in-a-list"
        ),
        pytest.param(asked([[{"k": 1}]]), asked([[{"k": 1, "z": 2}]]), "stricter", id="in-a-list-in-a-list"),
    ],
)
def test_contracts_of_other_forms(old: Json, new: Json, verdict: str | None) -> None:
    assert [change.verdict.value for change in changes(old, new)] == ([verdict] if verdict else [])


NEW, GONE = "a request that was not sent and is now", "a request that was sent and is not any more"


def requested(**parts: Any) -> Json:
    """A contract with one interaction whose request has these parts."""
    pact = asked(None)
    pact["interactions"][0]["request"].update(parts)
    return pact


def to_paths(pattern: str) -> Json:
    return requested(path="/a", matchingRules={"path": matchers(regex(pattern))})


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        pytest.param(
            asked({"x": 1}),
            asked({"x": 2}),
            [
                f"{NEW}: body.x = 2 ($.body.x: Expected 2 (Integer) to be equal to 1 (Integer))",
                f"{GONE}: the old example ($.body.x: Expected 1 (Integer) to be equal to 2 (Integer))",
            ],
            id="value",
        ),
        pytest.param(
            asked({"x": 1}),
            asked({"x": 1, "y": 2}),
            [
                f"{NEW}: the new example ($.fields: Expected a List with 1 elements but received 2 elements)",
                f"{GONE}: the old example ($.body: Actual map is missing the following keys: y)",
            ],
            id="field",
        ),
        pytest.param(
            asked(None),
            asked({}),
            [
                f"{NEW}: the new example ($.fields: Expected [] (Array) to be equal to null (Null))",
                f"{GONE}: the old example ($: Actual map is missing the following keys: body)",
            ],
            id="body",
        ),
        pytest.param(
            requested(query={"a": ["1"]}),
            requested(query={"a": ["1"], "b": ["2"]}),
            [
                f"{NEW}: the new example ($.parameters: Expected a List with 1 elements but received 2 elements)",
                f"{GONE}: the old example ($.parameters: Expected a List with 2 elements but received 1 elements)",
            ],
            id="parameter",
        ),
        pytest.param(
            to_paths("^/[a-c]$"),
            to_paths("^/[a-d]$"),
            [f"""{NEW}: path = "/d" ($.path: Expected '/d' to match '^/[a-c]$')"""],
            id="path",
        ),
    ],
)
def test_what_a_provider_is_asked_is_told_by_example(old: Json, new: Json, reported: list[str]) -> None:
    (change,) = changes(old, new)

    assert (change.verdict.value, list(change.examples)) == ("stricter", reported)


def typed(media_type: str) -> Json:
    return other({}, headers={"Content-Type": [media_type]})


def numbered(pattern: str) -> Json:
    return other({}, headers={"X-A": ["1"]}, matchingRules={"header": {"X-A": matchers(regex(pattern))}})


def in_a_state(pact: Json) -> Json:
    pact["interactions"][0]["providerStates"] = [{"name": "s"}]
    return pact


LOST = "an answer that was allowed and is not any more"
CHARSET = "headers.content-type.parameters.charset"


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        pytest.param(
            numbered("^[0-9]$"),
            numbered("^[0-8]$"),
            f"""{LOST}: headers.x-a = "9" ($.headers['x-a']: Expected '9' to match '^[0-8]$')""",
            id="rule-of-a-header",
        ),
        pytest.param(
            typed("application/json"),
            typed("application/json; Charset=UTF-8"),
            f"""{LOST}: {CHARSET} = "utf-8x" ($.headers['content-type'].parameters.charset: """
            "Expected 'utf-8x' (String) to be equal to 'utf-8' (String))",
            id="parameter-of-a-type",
        ),
        pytest.param(
            in_a_state(other({})),
            other({}),
            "its provider states changed, and with them the data of the answer",
            id="states",
        ),
    ],
)
def test_what_a_provider_may_answer_is_told_by_example(old: Json, new: Json, reported: str) -> None:
    change = changes(old, new)[-1]

    assert (change.verdict.value, change.examples) == ("stricter", (reported,))


@pytest.mark.parametrize("which", ["old", "new"])
def test_a_contract_that_refuses_its_own_example_is_named(which: str) -> None:
    good, bad = (other({"a": value}, {"$.a": matchers(INTEGER)}) for value in (1, None))

    with pytest.raises(ComparisonError) as refused:
        changes(*((bad, good) if which == "old" else (good, bad)))

    assert str(refused.value) == (
        f"b: interaction 'it': the {which} contract does not allow its own example: "
        "$.body.a: Expected null (Null) to be an integer"
    )


def test_rules_that_the_engine_cannot_read_are_said_to_be_so() -> None:
    with pytest.raises(ComparisonError, match=r"^b: interaction 'it': Unable to set matching rules"):
        changes(other({"a": "b"}), other({"a": "b"}, {"$.a": matchers({"match": "min"})}))


def test_providers_interactions_states_and_params_come_and_go() -> None:
    """All of it at once, each with its provider."""
    old, new = other({}), other({})
    first = old["interactions"][0]
    states: list[Json] = [{"name": "s", "params": {"a": 1}}, {"name": "t", "params": {}}]
    old["interactions"] = [
        {**first, "providerStates": states},
        {**first, "providerStates": [{"name": "s", "params": {"b": 1}}]},
    ]
    new["interactions"] = [{**first, "providerStates": [{"name": name, "params": {"b": 1}} for name in ("s", "u")]}]
    others = {**other({}), "provider": {"name": "c"}}
    before, *after = (read_pact(json.dumps(pact), source="a pact") for pact in (old, new, others))

    assert diff([before], after) == [
        Change("b", "provider state", "s", Verdict.STRICTER, ("param 'a' is gone",)),
        Change("b", "provider state", "t", Verdict.REMOVED),
        Change("b", "provider state", "u", Verdict.NEW),
        Change("b", "interaction", "it", Verdict.NEW),
        Change("b", "interaction", "it given s", Verdict.REMOVED),
        Change("b", "interaction", "it given s, t", Verdict.REMOVED),
        Change("c", "interaction", "it", Verdict.NEW),
    ]


def test_the_order_of_params_is_no_change() -> None:
    old, new = other({}), other({})
    for pact, params in ((old, {"a": 1, "b": 2}), (new, {"b": 2, "a": 1})):
        pact["interactions"][0]["providerStates"] = [{"name": "s", "params": params}]

    assert changes(old, new) == []


def test_a_change_of_the_whole_is_told_beside_one_of_another_place() -> None:
    (change,) = changes(
        other({"a": 1}, {"$.a": matchers(NUMBER)}), other({"a": 1}, {"$.a": matchers(INTEGER)}, status=201)
    )

    assert [text.split(": ")[1].split(" (")[0] for text in change.examples if "not any more" in text] == [
        "the old example",
        "body.a = 1.5",
    ]


def test_rules_that_no_example_tells_apart_are_told_as_they_are() -> None:
    to_500, to_499 = (matchers({"regex": f"^[\\s\\S]{{0,{most}}}å?$", "match": "regex"}) for most in (500, 499))
    (change,) = changes(
        other({"a": "x", "b": []}, {"$.a": to_500}),
        other({"a": "x", "b": []}, {"$.a": to_499, "$.b[*]": matchers(TYPE)}),
    )

    unclear = "another rule, and no example that tells the two apart"
    spelled = '{"combine": "AND", "matchers": [{"match": "regex", "regex": "^[\\\\s\\\\S]{0,%d}å?$"}]}'
    assert change.examples == (
        f"{unclear}: $.body.a: {spelled % 500} became {spelled % 499}",
        f'{unclear}: $.body.b[*]: no rule became {{"combine": "AND", "matchers": [{{"match": "type"}}]}}',
    )


def test_a_rule_that_no_example_tells_is_told_beside_one_that_an_example_does() -> None:
    (change,) = changes(other({"b": []}), other({"b": []}, {"$.b[*]": matchers(TYPE)}, status=201))

    assert change.verdict.value == "stricter"
    assert [text.split(":")[0] for text in change.examples] == [
        "an answer that was allowed and is not any more",
        "an answer that was not allowed and is now",
        "another rule, and no example that tells the two apart",
    ]


def test_an_innocent_place_is_not_blamed() -> None:
    old = other({"a": 1}, {"$.a": matchers(INTEGER)})
    new = other({"a": 1}, {"$.a": matchers(NUMBER)}, status=201)
    (change,) = changes(old, new)
    narrower = [text for text in change.examples if "not any more" in text]

    assert len(narrower) == 1
    assert "the old example ($.status: " in narrower[0]


def test_interactions_that_share_a_description_are_told_apart_by_their_states() -> None:
    old = other({"a": 1})
    first = old["interactions"][0]
    old["interactions"] = [{**copy.deepcopy(first), "providerStates": [{"name": name}]} for name in ("s1", "s2")]
    new = copy.deepcopy(old)
    new["interactions"][0]["response"]["body"]["content"] = {"a": 1, "b": 2}
    (change,) = changes(old, new)

    assert (change.name, change.verdict.value) == ("it given s1", "stricter")


def test_interactions_that_share_their_states_as_well_are_told_apart_by_the_params() -> None:
    old, new = other({}), other({})
    first = new["interactions"][0]
    states = [[], *([{"name": "s", "params": {"n": number}}] for number in (1, 2))]
    new["interactions"] = [{**first, "providerStates": each} for each in states]
    found = [(change.what, change.name, change.verdict.value) for change in changes(old, new)]

    assert found == [
        ("provider state", "s", "new"),
        ("interaction", "it", "removed"),
        ("interaction", "it given nothing", "new"),
        ("interaction", "it given s", "new"),
        ("interaction", 'it given s ([["s", {"n": 2}]])', "new"),
    ]


@pytest.mark.parametrize("pattern", ["^a++$", "^(?>a|b)$", r"^[^\x00-\x7f]$", "^(?:(?:(?:a*)*)*)*$"])
def test_a_regular_expression_that_no_text_can_be_made_for_ends_in_a_verdict(pattern: str) -> None:
    old = other({"a": "a"}, {"$.a": matchers(regex("^.$"))})
    try:
        re.compile(pattern)
    except re.error:
        return
    found = other({"a": "\u00e9" if "x00" in pattern else "a"}, {"$.a": matchers(regex(pattern))})

    assert {change.verdict.value for change in changes(old, found)} <= {"stricter", "looser", "unclear"}
