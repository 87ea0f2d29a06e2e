"""What a change means in contracts of other people's, whose forms ours do not have."""

import copy
import json
import re
from typing import Any

import pytest

from bff_contracts.comparison.diff import Change, ComparisonError, Verdict, diff
from bff_contracts.pact.file import read_pact
from tests.contracts.comparison.editing import INTEGER, NUMBER, TYPE, Json, changes, matchers, other, regex
from tests.support.golden import Golden


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


STATUS_RULE = {"status": {"matchers": [{"match": "statusCode", "status": "success"}]}}
OTHER_STATUS_RULE = {"status": {"matchers": [{"match": "statusCode", "status": "nonError"}]}}
ANY_BYTES = {"body": {"$": matchers({"match": "contentType", "value": "image/png"})}}


def responding(**parts: Any) -> Json:
    """A contract with one interaction whose response has these parts."""
    pact = other({})
    del pact["interactions"][0]["response"]["body"]
    pact["interactions"][0]["response"].update({"status": 200, **parts})
    return pact


def body(content: str, media_type: str, *, encoded: bool | str = False) -> Json:
    return {"contentType": media_type, "content": content, "encoded": encoded}


def picture(data: str) -> Json:
    return responding(body=body(data, "image/png", encoded="base64"))


def sending(content: Any) -> Json:
    pact = asked(None)
    pact["interactions"][0]["request"]["body"] = content
    return pact


BYTES, OTHER_BYTES = "iVBORw0KGgo=", "iVBORw0KGgs="


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        pytest.param(responding(matchingRules=STATUS_RULE), responding(), "stricter", id="status-rule-gone"),
        pytest.param(responding(), responding(matchingRules=STATUS_RULE), "looser", id="status-rule-added"),
        pytest.param(
            responding(matchingRules=STATUS_RULE),
            responding(matchingRules=OTHER_STATUS_RULE),
            "unclear",
            id="status-rule-changed",
        ),
        pytest.param(responding(), responding(body=None), "stricter", id="no-body-declared"),
        pytest.param(responding(body=None), responding(), "looser", id="any-body-allowed"),
        pytest.param(responding(body={}), responding(body=None), "stricter", id="body-gone"),
        pytest.param(asked(None), sending(None), "looser", id="request-body-declared-empty"),
        pytest.param(sending(None), asked(None), "stricter", id="request-body-no-longer-empty"),
        pytest.param(picture(BYTES), picture(BYTES), None, id="same-bytes"),
        pytest.param(picture(BYTES), picture(OTHER_BYTES), "stricter", id="other-bytes"),
        pytest.param(
            responding(body=body(BYTES, "image/png", encoded="base64"), matchingRules=ANY_BYTES),
            responding(body=body(OTHER_BYTES, "image/png", encoded="base64"), matchingRules=ANY_BYTES),
            None,
            id="any-bytes",
        ),
        pytest.param(
            responding(body=body(BYTES, "image/png", encoded="base64"), matchingRules=ANY_BYTES),
            picture(BYTES),
            "stricter",
            id="bytes-no-longer-any",
        ),
        pytest.param(
            responding(body=body("<a/>", "application/xml")),
            responding(body=body("<a/>", "text/xml")),
            "stricter",
            id="type-of-a-text",
        ),
        pytest.param(
            responding(body=body('{"a":1}', "application/json")),
            responding(body=body('{"a":1}', "text/plain")),
            "stricter",
            id="JSON-to-text",
        ),
    ],
)
def test_what_the_engine_cannot_compare_is_never_equivalent(old: Json, new: Json, verdict: str | None) -> None:
    assert [change.verdict.value for change in changes(old, new)] == ([verdict] if verdict else [])


def requested(**parts: Any) -> Json:
    """A contract with one interaction whose request has these parts."""
    pact = asked(None)
    pact["interactions"][0]["request"].update(parts)
    return pact


def to_paths(pattern: str) -> Json:
    return requested(path="/a", matchingRules={"path": matchers(regex(pattern))})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(asked({"x": 1}), asked({"x": 2}), id="value"),
        pytest.param(asked({"x": 1}), asked({"x": 1, "y": 2}), id="field"),
        pytest.param(asked(None), asked({}), id="body"),
        pytest.param(requested(query={"a": ["1"]}), requested(query={"a": ["1"], "b": ["2"]}), id="parameter"),
        pytest.param(to_paths("^/[a-c]$"), to_paths("^/[a-d]$"), id="path"),
    ],
)
def test_a_change_of_a_request_is_shown_by_example(old: Json, new: Json, golden: Golden) -> None:
    (change,) = changes(old, new)

    assert change.verdict.value == "stricter"
    golden.check("\n".join(change.examples))


def typed(media_type: str) -> Json:
    return other({}, headers={"Content-Type": [media_type]})


def numbered(pattern: str) -> Json:
    return other({}, headers={"X-A": ["1"]}, matchingRules={"header": {"X-A": matchers(regex(pattern))}})


def in_a_state(pact: Json) -> Json:
    pact["interactions"][0]["providerStates"] = [{"name": "s"}]
    return pact


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(numbered("^[0-9]$"), numbered("^[0-8]$"), id="rule-of-a-header"),
        pytest.param(typed("application/json"), typed("application/json; Charset=UTF-8"), id="parameter-of-a-type"),
        pytest.param(in_a_state(other({})), other({}), id="states"),
    ],
)
def test_a_change_of_a_response_is_shown_by_example(old: Json, new: Json, golden: Golden) -> None:
    change = changes(old, new)[-1]

    assert change.verdict.value == "stricter"
    golden.check("\n".join(change.examples))


@pytest.mark.parametrize("which", ["old", "new"])
def test_a_contract_that_refuses_its_own_example_is_named(which: str, golden: Golden) -> None:
    good, bad = (other({"a": value}, {"$.a": matchers(INTEGER)}) for value in (1, None))

    with pytest.raises(ComparisonError) as refused:
        changes(*((bad, good) if which == "old" else (good, bad)))

    golden.check(str(refused.value))


def test_rules_that_the_engine_cannot_read_are_reported(golden: Golden) -> None:
    with pytest.raises(ComparisonError) as refused:
        changes(other({"a": "b"}), other({"a": "b"}, {"$.a": matchers({"match": "min"})}))

    golden.check(str(refused.value))


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


def test_the_order_of_params_does_not_matter() -> None:
    old, new = other({}), other({})
    for pact, params in ((old, {"a": 1, "b": 2}), (new, {"b": 2, "a": 1})):
        pact["interactions"][0]["providerStates"] = [{"name": "s", "params": params}]

    assert changes(old, new) == []


def test_a_change_of_the_whole_is_shown_beside_one_of_another_place(golden: Golden) -> None:
    (change,) = changes(
        other({"a": 1}, {"$.a": matchers(NUMBER)}), other({"a": 1}, {"$.a": matchers(INTEGER)}, status=201)
    )

    golden.check("\n".join(change.examples))


def test_rules_that_no_example_distinguishes_are_shown_as_written(golden: Golden) -> None:
    to_500, to_499 = (matchers({"regex": f"^[\\s\\S]{{0,{most}}}å?$", "match": "regex"}) for most in (500, 499))
    (change,) = changes(
        other({"a": "x", "b": []}, {"$.a": to_500}),
        other({"a": "x", "b": []}, {"$.a": to_499, "$.b[*]": matchers(TYPE)}),
    )

    golden.check("\n".join(change.examples))


def test_a_rule_without_an_example_is_shown_beside_one_with_an_example(golden: Golden) -> None:
    (change,) = changes(other({"b": []}), other({"b": []}, {"$.b[*]": matchers(TYPE)}, status=201))

    assert change.verdict.value == "stricter"
    golden.check("\n".join(change.examples))


def test_an_unchanged_place_is_not_reported(golden: Golden) -> None:
    old = other({"a": 1}, {"$.a": matchers(INTEGER)})
    new = other({"a": 1}, {"$.a": matchers(NUMBER)}, status=201)
    (change,) = changes(old, new)

    golden.check("\n".join(change.examples))


def test_interactions_with_one_description_are_distinguished_by_their_states() -> None:
    old = other({"a": 1})
    first = old["interactions"][0]
    old["interactions"] = [{**copy.deepcopy(first), "providerStates": [{"name": name}]} for name in ("s1", "s2")]
    new = copy.deepcopy(old)
    new["interactions"][0]["response"]["body"]["content"] = {"a": 1, "b": 2}
    (change,) = changes(old, new)

    assert (change.name, change.verdict.value) == ("it given s1", "stricter")


def test_interactions_with_one_description_and_the_same_states_are_distinguished_by_their_params() -> None:
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
