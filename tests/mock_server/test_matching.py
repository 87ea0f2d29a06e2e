"""Requests find the interaction that allows them, or learn what the closest one asks for."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff_contracts.states import RAS, InternalStatus
from bff_mock_server.contract import Table, compile_pact
from bff_mock_server.matching import Asked, Difference, Matched, Unmatched, find_endpoints, match_first
from tests.mock_server.building import USER, interaction, pact, regex, request, shipped

LIST = f"/internal/v1/batches/user/{USER}"
TABLE = compile_pact(
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


def match(table: Table, asked: Asked) -> Matched | Unmatched:
    found = find_endpoints(table, asked)
    return found if isinstance(found, Unmatched) else match_first(found, asked)[1]


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
    outcome = match(TABLE, request(target, headers=headers))

    assert isinstance(outcome, Matched)
    assert outcome.interaction.description == description


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "difference"),
    [
        pytest.param("GET", "/thing", GOOD, 404, ("path", "equality", "/things", "/thing"), id="no-such-path"),
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
    outcome = match(TABLE, request(target, method=method, headers=headers))

    assert isinstance(outcome, Unmatched)
    assert (outcome.status, outcome.differences) == (status, (Difference(*difference),))


def test_a_wrong_method_learns_the_right_ones() -> None:
    outcome = match(TABLE, request("/things", method="DELETE"))

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
    outcome = match(TABLE, Asked("GET", "/things", query, headers))
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

    assert isinstance(match(TABLE, Asked("GET", "/things", repaired_query, repaired_headers)), Matched)
