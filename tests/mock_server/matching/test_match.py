"""Requests match the interaction that allows them, in the requested state."""

import pytest

from bff_mock_server.matching.match import Matched, Predicate, RequestDifference, Unmatched
from bff_mock_server.matching.table import Table, compile_pact
from tests.mock_server.building import interaction, pact, regex, request
from tests.mock_server.tables import GOOD, THING, match, one_and_any, overlapping, things


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
    assert outcome.entry.interaction.description == description
    assert outcome.entry in outcome.case.entries


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
    assert outcome.entry.interaction.description == description


def test_of_overlapping_patterns_one_may_be_in_the_state_that_is_asked_for() -> None:
    found = [
        match(overlapping(), request(f"/things/a?q={value}"), only=in_state(f"{name} is there"))
        for value, name in (("1", "five"), ("3", "six"))
    ]

    assert [one.entry.interaction.description for one in found if isinstance(one, Matched)] == ["five", "six"]


@pytest.mark.parametrize("values", [["7"], ["7", "8", "9"]], ids=["less-often", "more-often"])
def test_a_rule_about_each_value_of_a_parameter_is_about_any_number_of_them(values: list[str]) -> None:
    table = compile_pact(pact(interaction("a", query={"n": ["1", "2"]}, rules={"query": {"n": regex("^[0-9]$")}})))

    good = match(table, request(f"/things?n={'&n='.join(values)}"))
    bad = match(table, request(f"/things?n={'&n='.join(values)}&n=x&n=5"))

    assert isinstance(good, Matched)
    assert isinstance(bad, Unmatched)
    assert bad.differences == (RequestDifference("query n", "regex", "a text that matches ^[0-9]$", "x"),)


def test_an_example_with_its_own_path_is_attributed_by_the_path_alone() -> None:
    ruled = THING | {"query": {"limit": regex("^[0-9]+$")}}
    table = compile_pact(
        pact(
            interaction("one", "/things/a", query={"limit": ["20"]}, rules=ruled),
            interaction("not there", "/things/z", status=404, query={"limit": ["20"]}, rules=ruled),
        )
    )
    outcome = match(table, request("/things/z?limit=5"))

    assert isinstance(outcome, Matched)
    assert outcome.entry.interaction.description == "not there"


def test_a_spelled_out_value_is_found_beside_a_heavier_interaction_with_a_rule() -> None:
    table = compile_pact(
        pact(
            interaction("keyed", query={"a": ["1"]}, headers={"X-Key": ["k"], "X-More": ["m"]},
                        rules={"query": {"a": regex("^[0-9]$")}}),
            interaction("one", query={"a": ["1"]}),
        )
    )  # fmt: skip
    found = [match(table, request("/things?a=1", headers=headers)) for headers in ({}, {"X-Key": "k", "X-More": "m"})]

    assert [one.entry.interaction.description for one in found if isinstance(one, Matched)] == ["one", "keyed"]


def test_a_value_that_is_spelled_out_weighs_as_much_as_two_rules_and_of_equals_the_first_answers() -> None:
    ruled = {"query": {"a": regex("^[0-9]$")}, "header": {"X-Key": regex("^k$")}}
    table = compile_pact(
        pact(
            interaction("ruled", query={"a": ["1"]}, headers={"X-Key": ["k"]}, rules=ruled),
            interaction("spelled out", query={"a": ["1"]}),
        )
    )
    outcome = match(table, request("/things?a=1", headers={"X-Key": "k"}))

    assert isinstance(outcome, Matched)
    assert outcome.entry.interaction.description == "ruled"


def test_an_interaction_with_a_body_comes_before_one_that_takes_any() -> None:
    with_body = interaction("with a body", method="POST")
    with_body["request"]["body"] = {"content": {"a": 1}, "contentType": "application/json", "encoded": False}
    table = compile_pact(pact(interaction("any", method="POST"), with_body))
    asked = request("/things", method="POST")
    found: list[str] = []
    for body in (b'{"a": 1}', b"{}"):
        asked.body = body
        outcome = match(table, asked)
        assert isinstance(outcome, Matched)
        found.append(outcome.entry.interaction.description)

    assert found == ["with a body", "any"]


def test_a_success_takes_precedence_over_an_equally_specific_error() -> None:
    table = compile_pact(
        pact(interaction("bad", "/things/a", status=400, rules=THING), interaction("good", "/things/b", rules=THING))
    )
    outcome = match(table, request("/things/c"))

    assert isinstance(outcome, Matched)
    assert outcome.entry.interaction.description == "good"


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
    assert outcome.entry.interaction.description == description


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
    assert (outcome.status, outcome.differences) == (400, (RequestDifference(*difference),))
    assert outcome.nearest is not None
    assert outcome.nearest.interaction.description == nearest


def in_state(name: str) -> Predicate:
    return lambda found: any(state.name == name for state in found.states)


@pytest.mark.parametrize(
    ("path", "description"),
    [pytest.param("/things/a", "one", id="its-own"), pytest.param("/things/b", "any", id="another")],
)
def test_an_interaction_with_a_literal_path_is_about_that_path_alone(path: str, description: str) -> None:
    outcome = match(one_and_any(), request(path, headers={"X-Key": "k"}))

    assert isinstance(outcome, Matched)
    assert outcome.entry.interaction.description == description


def test_an_endpoint_with_nothing_but_refusals_allows_nothing() -> None:
    table = compile_pact(pact(interaction("refused", status=401)), credentials=frozenset({"x-key"}))

    assert match(table, request("/things")) == Unmatched(400, None, ())
    assert match(table, request("/things", method="PUT")) == Unmatched(
        405, None, (RequestDifference("method", "equality", "GET", "PUT"),), ("GET",)
    )


def test_a_parameter_without_a_value_in_the_contract_is_not_expected() -> None:
    table = compile_pact(pact(interaction("a", query={"limit": []})))

    assert isinstance(match(table, request("/things?limit=1")), Unmatched)


def test_an_empty_contract_refuses_everything() -> None:
    outcome = match(compile_pact(pact()), request("/things"))

    assert outcome == Unmatched(404, None, ())
