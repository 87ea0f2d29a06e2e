"""Requests find the interaction that allows them, or learn what the closest one asks for."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff_contracts.states import RAS, InternalStatus
from bff_mock_server.contract import Table, compile_pact
from bff_mock_server.matching import (
    Asked,
    Difference,
    Matched,
    Predicate,
    Unmatched,
    differences,
    find_endpoints,
    match_first,
)
from tests.mock_server.building import USER, interaction, pact, regex, request, rule, shipped

LIST = f"/internal/v1/batches/user/{USER}"


def things() -> Table:
    return compile_pact(
        pact(
            interaction(
                "a page",
                query={"limit": ["20"]},
                headers={"X-Key": ["k"], "X-Service": ["bff"]},
                rules={"query": {"limit": regex("^[0-9]+$")}, "header": {"X-Key": regex(r"^\S+$")}},
                role="shape",
            ),
            interaction("refused: no key", status=401, query={"limit": ["20"]}, headers={"X-Service": ["bff"]},
                        rules={"query": {"limit": regex("^[0-9]+$")}}),
            interaction("only red ones", query={"limit": ["20"], "colour": ["red"]}, headers={"X-Service": ["bff"]},
                        rules={"query": {"limit": regex("^[0-9]+$")}}),
            interaction("only blue ones", query={"limit": ["20"], "colour": ["blue"]}, headers={"X-Service": ["bff"]},
                        rules={"query": {"limit": regex("^[0-9]+$")}}),
            interaction("make one", method="POST"),
            interaction("one", "/things/a", rules={"path": regex("^/things/[a-z]$")}),
            interaction("not there", "/things/z", status=404, rules={"path": regex("^/things/[a-z]$")}),
        )
    )  # fmt: skip


def match(table: Table, asked: Asked, *, only: Predicate | None = None) -> Matched | Unmatched:
    found = find_endpoints(table, asked)
    return found if isinstance(found, Unmatched) else match_first(found, asked, only=only)[1]


GOOD = {"X-Key": "secret", "X-Service": "bff"}


@pytest.mark.parametrize(
    ("target", "headers", "description"),
    [
        pytest.param("/things?limit=5", GOOD, "a page", id="ruled-value"),
        pytest.param("/things?limit=5", {**GOOD, "Accept": "*/*"}, "a page", id="extra-header"),
        pytest.param("/things?limit=5", {"x-KEY": "s", "X-SERVICE": "bff"}, "a page", id="header-name-in-any-case"),
        pytest.param("/things?limit=5", {"X-Service": "bff"}, "refused: no key", id="less-specific-refusal"),
        pytest.param("/things?limit=5&colour=red", GOOD, "only red ones", id="literal-value"),
        pytest.param("/things?limit=5&limit=6", GOOD, "a page", id="ruled-value-twice"),
        pytest.param("/things?colour=re%64&limit=5", GOOD, "only red ones", id="encoded-and-in-another-order"),
        pytest.param("/things/b", {}, "one", id="answer-before-error"),
        pytest.param("/things/z", {}, "not there", id="the-example-itself"),
    ],
)
def test_the_most_specific_interaction_is_found(target: str, headers: dict[str, str], description: str) -> None:
    outcome = match(things(), request(target, headers=headers))

    assert isinstance(outcome, Matched)
    assert outcome.interaction.description == description
    assert outcome.interaction in outcome.case.interactions


LETTERS = [("one", "a-c", "1"), ("two", "a-d", "2"), ("three", "a-e", "3"), ("four", "a-f", "4"), ("five", "a-a", "1")]


def overlapping() -> Table:
    """Patterns of which several take the same path, but with other queries."""
    return compile_pact(
        pact(
            *(
                interaction(
                    name,
                    "/things/a",
                    query={"q": [value]},
                    rules={"path": regex(f"^/things/[{letters}]$")},
                    states=[{"name": f"{name} is there"}],
                )
                for name, letters, value in LETTERS
            )
        )
    )


@pytest.mark.parametrize(
    ("target", "description"),
    [
        pytest.param("/things/a?q=1", "one", id="the-first-of-two-that-do"),
        pytest.param("/things/b?q=3", "three", id="one-in-the-middle"),
        pytest.param("/things/e?q=4", "four", id="the-second-of-two"),
    ],
)
def test_of_overlapping_patterns_the_first_that_allows_it_answers(target: str, description: str) -> None:
    outcome = match(overlapping(), request(target))

    assert isinstance(outcome, Matched)
    assert outcome.interaction.description == description


def test_of_overlapping_patterns_one_may_be_in_the_state_that_is_asked_for() -> None:
    outcome = match(overlapping(), request("/things/a?q=1"), only=in_state("five is there"))

    assert isinstance(outcome, Matched)
    assert outcome.interaction.description == "five"


def test_of_overlapping_patterns_the_first_says_why_none_allows_it() -> None:
    outcome = match(overlapping(), request("/things/e?q=9"))

    assert isinstance(outcome, Unmatched)
    assert outcome.differences == (Difference("query q", "equality", "3", "9"),)


def test_what_is_told_of_a_body_is_no_more_than_20_differences() -> None:
    posted = interaction("post", method="POST")
    posted["request"]["body"] = {"content": {}, "contentType": "application/json", "encoded": False}
    asked = request("/things", method="POST")
    asked.body = json.dumps(dict.fromkeys(map(str, range(30)))).encode()
    (entry,) = compile_pact(pact(posted)).endpoints[0].entries

    assert len(list(differences(entry, asked))) == 20


@pytest.mark.parametrize("values", [["7"], ["7", "8", "9"]], ids=["less-often", "more-often"])
def test_a_rule_about_each_value_of_a_parameter_is_about_any_number_of_them(values: list[str]) -> None:
    table = compile_pact(pact(interaction("a", query={"n": ["1", "2"]}, rules={"query": {"n": regex("^[0-9]$")}})))

    good = match(table, request(f"/things?n={'&n='.join(values)}"))
    bad = match(table, request(f"/things?n={'&n='.join(values)}&n=x&n=5"))

    assert isinstance(good, Matched)
    assert isinstance(bad, Unmatched)
    assert bad.differences == (Difference("query n", "regex", "a text that matches ^[0-9]$", "x"),)


def test_an_example_with_a_path_of_its_own_is_told_by_the_path_whatever_else_is_asked() -> None:
    ruled = THING | {"query": {"limit": regex("^[0-9]+$")}}
    table = compile_pact(
        pact(
            interaction("one", "/things/a", query={"limit": ["20"]}, rules=ruled),
            interaction("not there", "/things/z", status=404, query={"limit": ["20"]}, rules=ruled),
        )
    )
    outcome = match(table, request("/things/z?limit=5"))

    assert isinstance(outcome, Matched)
    assert outcome.interaction.description == "not there"


def test_a_spelled_out_value_is_found_beside_a_heavier_interaction_with_a_rule() -> None:
    table = compile_pact(
        pact(
            interaction("keyed", query={"a": ["1"]}, headers={"X-Key": ["k"], "X-More": ["m"]},
                        rules={"query": {"a": regex("^[0-9]$")}}),
            interaction("one", query={"a": ["1"]}),
        )
    )  # fmt: skip
    found = [match(table, request("/things?a=1", headers=headers)) for headers in ({}, {"X-Key": "k", "X-More": "m"})]

    assert [one.interaction.description for one in found if isinstance(one, Matched)] == ["one", "keyed"]


def test_an_answer_comes_before_an_error_that_asks_as_much() -> None:
    table = compile_pact(
        pact(interaction("bad", "/things/a", status=400, rules=THING), interaction("good", "/things/b", rules=THING))
    )
    outcome = match(table, request("/things/c"))

    assert isinstance(outcome, Matched)
    assert outcome.interaction.description == "good"


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "difference"),
    [
        pytest.param("GET", "/thing", GOOD, 404, ("path", "equality", "/things", "/thing"), id="no-such-path"),
        pytest.param(
            "GET", "/things/5", GOOD, 404,
            ("path", "regex", "a text that matches ^/things/[a-z]$", "/things/5"), id="no-such-path-of-two-segments",
        ),
        pytest.param("GET", "/x/y/z", GOOD, 404, ("path", "regex", "a text that matches ^/things/[a-z]$", "/x/y/z"),
                     id="no-such-path-nearest-in-length"),
        pytest.param("PUT", "/things/a", {}, 405, ("method", "equality", "GET", "PUT"), id="the-only-method"),
        pytest.param("PUT", "/things", GOOD, 405, ("method", "equality", "one of GET, POST", "PUT"), id="method"),
        pytest.param(
            "GET", "/things?limit=x", GOOD, 400,
            ("query limit", "regex", "a text that matches ^[0-9]+$", "x"), id="ruled-value",
        ),
        pytest.param(
            "GET", "/things", GOOD, 400,
            ("query limit", "present", "a text that matches ^[0-9]+$", None), id="missing-parameter",
        ),
        pytest.param("GET", "/things?limit=1&x=2", GOOD, 400, ("query x", "absent", None, "2"), id="extra-parameter"),
        pytest.param(
            "GET", "/things?limit=1&limit=x", GOOD, 400,
            ("query limit", "regex", "a text that matches ^[0-9]+$", "x"), id="wrong-value-of-several",
        ),
        pytest.param(
            "GET", "/things?limit=1&colour=red&colour=red", GOOD, 400,
            ("query colour", "equality", "the parameter once", "red, red"), id="repeated-literal",
        ),
        pytest.param(
            "GET", "/things?limit=1&colour=pink", GOOD, 400,
            ("query colour", "equality", "one of red, blue", "pink"), id="ties-are-merged",
        ),
        pytest.param(
            "GET", "/things?limit=1&colour=red", {"X-Service": "b"}, 400,
            ("header x-service", "equality", "bff", "b"), id="header-value",
        ),
        pytest.param(
            "GET", "/things?limit=1&colour=red", {}, 400,
            ("header x-service", "present", "bff", None), id="missing-header",
        ),
    ],
)  # fmt: skip
def test_a_refusal_names_the_place(
    method: str,
    target: str,
    headers: dict[str, str],
    status: int,
    difference: tuple[str, str, str | None, str | None],
) -> None:
    outcome = match(things(), request(target, method=method, headers=headers))

    assert isinstance(outcome, Unmatched)
    assert (outcome.status, outcome.differences) == (status, (Difference(*difference),))


THING = {"path": regex("^/things/[a-z]$")}


def in_states() -> Table:
    return compile_pact(
        pact(
            interaction("one", "/things/a", rules=THING, states=[{"name": "some"}]),
            interaction("none", "/things/b", status=404, rules=THING, states=[{"name": "no things"}]),
            interaction("another", "/things/c", rules=THING, states=[{"name": "some"}, {"name": "it is Monday"}]),
            interaction("free", "/free"),
        )
    )


@pytest.mark.parametrize(
    ("path", "state", "description"),
    [
        pytest.param("/things/b", "some", "one", id="the-first-in-that-state"),
        pytest.param("/things/c", "some", "another", id="its-own-example"),
        pytest.param("/things/a", "no things", "none", id="the-only-one"),
        pytest.param("/things/b", "it is Monday", "another", id="one-of-its-states"),
    ],
)
def test_with_a_state_the_interaction_in_that_state_is_found(path: str, state: str, description: str) -> None:
    outcome = match(in_states(), request(path), only=in_state(state))

    assert isinstance(outcome, Matched)
    assert outcome.interaction.description == description


@pytest.mark.parametrize(
    ("path", "nearest", "difference"),
    [
        pytest.param("/things/a", "one", ("header x-mock-state", "equality", "one of some, it is Monday, no things",
                                          "Tuesday"), id="other-states"),
        pytest.param("/free", "free", ("header x-mock-state", "equality", None, "Tuesday"), id="no-states"),
        pytest.param("/free?a=1", "free", ("query a", "absent", None, "1"), id="what-the-contract-refuses-anyway"),
    ],
)  # fmt: skip
def test_a_state_that_no_interaction_of_the_endpoint_is_in_is_refused(
    path: str, nearest: str, difference: tuple[str, str, str | None, str | None]
) -> None:
    outcome = match(in_states(), request(path, headers={"X-Mock-State": "Tuesday"}), only=in_state("Tuesday"))

    assert isinstance(outcome, Unmatched)
    assert (outcome.status, outcome.differences) == (400, (Difference(*difference),))
    assert outcome.nearest is not None
    assert outcome.nearest.description == nearest


def in_state(name: str) -> Predicate:
    return lambda found: any(state.name == name for state in found.states)


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        pytest.param("/x/y/q", "/x/y/z", id="as-many-segments-alike"),
        pytest.param("/q/b/q", "/a/b/c", id="a-segment-in-the-middle"),
        pytest.param("/q/q/q", "/a/b/c", id="none-alike-but-as-long"),
        pytest.param("/q", "/z", id="as-short"),
        pytest.param("/q/q/q/q", "/a/b/c", id="nearest-in-length"),
    ],
)
def test_a_path_that_nobody_has_is_told_the_one_most_like_it(path: str, nearest: str) -> None:
    table = compile_pact(pact(*(interaction(one, one) for one in ("/z", "/a/b/c", "/x/y/z"))))

    outcome = match(table, request(path))

    assert isinstance(outcome, Unmatched)
    assert (outcome.status, [found.expected for found in outcome.differences]) == (404, [nearest])


@pytest.mark.parametrize(
    ("target", "difference"),
    [
        pytest.param("/twice", ("query r", "present", "a whole number and b", None), id="missing"),
        pytest.param("/twice?r=1", ("query r", "equality", "the parameter 2 times", "1"), id="once"),
        pytest.param("/twice?r=1&r=c", ("query r", "equality", "b", "c"), id="second-value"),
        pytest.param("/twice?r=x&r=b", ("query r", "integer", "a whole number", "x"), id="first-value"),
    ],
)
def test_a_parameter_that_is_given_twice_is_compared_value_by_value(
    target: str, difference: tuple[str, str, str | None, str | None]
) -> None:
    ruled = {"query": {"r[0]": rule({"match": "integer"})}}
    table = compile_pact(pact(interaction("a", "/twice", query={"r": ["1", "b"]}, rules=ruled)))

    outcome = match(table, request(target))

    assert isinstance(outcome, Unmatched)
    assert outcome.differences == (Difference(*difference),)


@pytest.mark.parametrize(
    ("target", "nearest", "difference"),
    [
        pytest.param("/things?c=6", "lighter", ("query c", "equality", "5", "6"), id="wrong-before-missing"),
        pytest.param("/others", "a", ("query a", "present", "1", None), id="the-first-of-equals-in-other-places"),
    ],
)
def test_the_nearest_interaction_is_told_of(
    target: str, nearest: str, difference: tuple[str, str, str | None, str | None]
) -> None:
    table = compile_pact(
        pact(
            interaction("heavier", query={"c": ["6"], "d": ["1"]}),
            interaction("lighter", query={"c": ["5"]}),
            interaction("a", "/others", query={"a": ["1"]}),
            interaction("b", "/others", query={"b": ["2"]}),
        )
    )

    outcome = match(table, request(target, headers={}))

    assert isinstance(outcome, Unmatched)
    assert outcome.nearest is not None
    assert (outcome.nearest.description, outcome.differences) == (nearest, (Difference(*difference),))


@pytest.mark.parametrize(
    ("path", "description"),
    [pytest.param("/things/a", "one", id="its-own"), pytest.param("/things/b", "any", id="another")],
)
def test_an_interaction_with_a_literal_path_is_about_that_path_alone(path: str, description: str) -> None:
    outcome = match(one_and_any(), request(path, headers={"X-Key": "k"}))

    assert isinstance(outcome, Matched)
    assert outcome.interaction.description == description


def test_a_path_that_is_another_interactions_is_a_difference() -> None:
    outcome = match(one_and_any(), request("/things/c", headers={}))

    assert isinstance(outcome, Unmatched)
    assert outcome.differences == (Difference("path", "equality", "/things/a", "/things/c"),)


def one_and_any() -> Table:
    return compile_pact(
        pact(
            interaction("any", "/things/b", rules=THING | {"header": {"X-Key": regex("k")}}, headers={"X-Key": ["k"]}),
            interaction("one", "/things/a"),
        )
    )


def test_an_endpoint_with_nothing_but_refusals_allows_nothing() -> None:
    table = compile_pact(pact(interaction("refused", status=401)), credentials=frozenset({"x-key"}))

    assert match(table, request("/things")) == Unmatched(400, None, ())
    assert match(table, request("/things", method="PUT")) == Unmatched(
        405, None, (Difference("method", "equality", "GET", "PUT"),), ("GET",)
    )


def test_a_parameter_that_the_contract_gives_no_value_is_none_of_the_requests() -> None:
    table = compile_pact(pact(interaction("a", query={"limit": []})))

    assert isinstance(match(table, request("/things?limit=1")), Unmatched)


def test_a_wrong_method_learns_the_right_ones() -> None:
    outcome = match(things(), request("/things", method="DELETE"))

    assert isinstance(outcome, Unmatched)
    assert outcome.allow == ("GET", "POST")


def test_a_wrong_status_learns_all_internal_statuses() -> None:
    outcome = match(compile_pact(shipped(RAS)), request(f"{LIST}?limit=20&offset=0&status=processing"))

    assert isinstance(outcome, Unmatched)
    (difference,) = outcome.differences
    assert difference.where == "query status"
    assert sorted((difference.expected or "").removeprefix("one of ").split(", ")) == sorted(get_args(InternalStatus))


def test_a_key_is_never_repeated() -> None:
    keyed = compile_pact(pact(interaction("a", headers={"X-Internal-API-Key": ["good"]})))

    outcome = match(keyed, request("/things", headers={"X-Internal-API-Key": "the-real-one"}))

    assert isinstance(outcome, Unmatched)
    assert "the-real-one" not in repr(outcome)


def test_an_empty_contract_refuses_everything() -> None:
    outcome = match(compile_pact(pact()), request("/things"))

    assert outcome == Unmatched(404, None, ())


@pytest.mark.parametrize(
    ("expected", "actual", "change"),
    [
        pytest.param("red", None, "add query colour: red", id="add"),
        pytest.param("red", "pink", "set query colour: red", id="set"),
        pytest.param(None, "pink", "leave out query colour", id="leave-out"),
    ],
)
def test_a_difference_says_what_to_change(expected: str | None, actual: str | None, change: str) -> None:
    assert Difference("query colour", "equality", expected, actual).change == change


@given(
    limit=st.one_of(st.none(), st.text(max_size=4)),
    colour=st.one_of(st.none(), st.sampled_from(["red", "blue", "pink"])),
    headers=st.dictionaries(st.sampled_from(["x-key", "x-service"]), st.sampled_from(["bff", "other"])),
)
def test_following_every_change_leads_to_a_match(
    limit: str | None, colour: str | None, headers: dict[str, str]
) -> None:
    good = {"limit": "5", "colour": "red", "x-key": "k", "x-service": "bff"}
    query = {name: (value,) for name, value in (("limit", limit), ("colour", colour)) if value is not None}
    outcome = match(things(), Asked("GET", "/things", query, headers))
    changes = outcome.differences if isinstance(outcome, Unmatched) else ()
    repaired_query, repaired_headers = dict(query), dict(headers)
    for change in changes:
        place, name = change.where.split(" ", 1)
        if change.expected is None:
            repaired_query.pop(name)
        elif place == "query":
            repaired_query[name] = (good[name],)
        else:
            repaired_headers[name] = good[name]

    assert isinstance(match(things(), Asked("GET", "/things", repaired_query, repaired_headers)), Matched)
