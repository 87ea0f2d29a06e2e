"""A refused request is reported with its differences from the closest interaction."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff_contracts.platform import RAS
from bff_contracts.states import InternalStatus
from bff_mock_server.matching.match import Comparison, Matched, RequestDifference, Unmatched
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import compile_pact
from tests.mock_server.building import USER, interaction, pact, regex, request, shipped
from tests.mock_server.tables import GOOD, match, one_and_any, overlapping, things

LIST = f"/internal/v1/batches/user/{USER}"


def test_of_overlapping_patterns_the_first_says_why_none_allows_it() -> None:
    outcome = match(overlapping(), request("/things/e?q=9"))

    assert isinstance(outcome, Unmatched)
    assert outcome.differences == (RequestDifference("query q", "equality", "3", "9"),)


def test_at_most_20_differences_of_a_request_are_reported() -> None:
    outcome = match(things(), request(f"/things?limit=1&{'&'.join(f'x{number}=1' for number in range(30))}"))

    assert isinstance(outcome, Unmatched)
    assert len(outcome.differences) == 20


def test_at_most_20_differences_of_a_body_are_reported() -> None:
    posted = interaction("post", method="POST")
    posted["request"]["body"] = {"content": [1] * 30, "contentType": "application/json", "encoded": False}
    asked = request("/things", method="POST")
    asked.body = json.dumps([2] * 30).encode()
    (entry,) = compile_pact(pact(posted)).endpoints[0].entries

    assert len(list(Comparison(asked).differences(entry))) == 20


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
    assert (outcome.status, outcome.differences) == (status, (RequestDifference(*difference),))


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
def test_an_unknown_path_is_reported_with_the_most_similar_one(path: str, nearest: str) -> None:
    table = compile_pact(pact(*(interaction(one, one) for one in ("/z", "/a/b/c", "/x/y/z"))))

    outcome = match(table, request(path))

    assert isinstance(outcome, Unmatched)
    assert (outcome.status, [found.expected for found in outcome.differences]) == (404, [nearest])


@pytest.mark.parametrize(
    ("target", "difference"),
    [
        pytest.param("/twice", ("query r", "present", "a text that matches [0-9] and b", None), id="missing"),
        pytest.param("/twice?r=1", ("query r", "equality", "the parameter 2 times", "1"), id="once"),
        pytest.param("/twice?r=1&r=c", ("query r", "equality", "b", "c"), id="second-value"),
        pytest.param("/twice?r=x&r=b", ("query r", "regex", "a text that matches [0-9]", "x"), id="first-value"),
    ],
)
def test_a_parameter_that_is_given_twice_is_compared_value_by_value(
    target: str, difference: tuple[str, str, str | None, str | None]
) -> None:
    ruled = {"query": {"r[0]": regex("[0-9]")}}
    table = compile_pact(pact(interaction("a", "/twice", query={"r": ["1", "b"]}, rules=ruled)))

    outcome = match(table, request(target))

    assert isinstance(outcome, Unmatched)
    assert outcome.differences == (RequestDifference(*difference),)


@pytest.mark.parametrize(
    ("target", "nearest", "difference"),
    [
        pytest.param("/things?c=6", "lighter", ("query c", "equality", "5", "6"), id="wrong-before-missing"),
        pytest.param("/others", "a", ("query a", "present", "1", None), id="the-first-of-equals-in-other-places"),
    ],
)
def test_the_closest_interaction_is_reported(
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
    assert (outcome.nearest.interaction.description, outcome.differences) == (
        nearest,
        (RequestDifference(*difference),),
    )


def test_a_path_that_is_another_interactions_is_a_difference() -> None:
    outcome = match(one_and_any(), request("/things/c", headers={}))

    assert isinstance(outcome, Unmatched)
    assert outcome.differences == (RequestDifference("path", "equality", "/things/a", "/things/c"),)


def test_a_wrong_method_is_reported_with_the_allowed_ones() -> None:
    outcome = match(things(), request("/things", method="DELETE"))

    assert isinstance(outcome, Unmatched)
    assert outcome.allow == ("GET", "POST")


def test_a_wrong_status_is_reported_with_all_internal_statuses() -> None:
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


@pytest.mark.parametrize(
    ("expected", "actual", "change"),
    [
        pytest.param("red", None, "add query colour: red", id="add"),
        pytest.param("red", "pink", "set query colour: red", id="set"),
        pytest.param(None, "pink", "leave out query colour", id="leave-out"),
    ],
)
def test_a_difference_says_what_to_change(expected: str | None, actual: str | None, change: str) -> None:
    assert RequestDifference("query colour", "equality", expected, actual).change == change


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
