"""Reading pact files: what comes out of a good one."""

import base64
from typing import Any

import pytest

from bff_contracts.pact.file import PactError, Rule, State, shipped_pacts
from tests.contracts.pact.thing import Change, changing, read, response_of
from tests.support.golden import Golden

EMPTY: dict[str, Any] = {}


def test_reads_all_parts() -> None:
    """States, role, request, response and every rule of a file are there, header names in lower case."""
    thing = read()

    assert (thing.description, thing.role) == ("a thing", "shape")
    assert thing.states == (State("there is a thing", {"id": "x"}), State("it is Monday", {}))
    assert (thing.request.method, thing.request.path) == ("GET", "/things/x")
    assert thing.request.query == {"ids": ("a,b",), "sort": ("up",)}
    assert thing.request.headers == {"x-key": ("k",), "accept": ("application/json",)}
    assert thing.request.path_rule == Rule("AND", ({"match": "regex", "regex": "^/things/[a-z]+$"},))
    assert (list(thing.request.query_rules), list(thing.request.header_rules)) == (["ids"], ["x-key"])
    assert thing.response.headers == {"etag": ("1",), "content-type": ("application/json",)}
    assert (thing.response.status, thing.response.body, thing.response.has_body) == (200, {"a": [None]}, True)
    assert thing.response.rules == {"$.a": Rule("OR", ({"match": "null"},))}
    assert thing.response.rules["$.a"].as_json() == {"combine": "OR", "matchers": [{"match": "null"}]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            changing(lambda thing: thing["response"].pop("status")), (200, ("application/json",)), id="no-status"
        ),
        pytest.param(
            changing(lambda thing: thing["response"].update(headers={"Content-Type": "text/plain"})),
            (200, ("text/plain",)),
            id="header-beside-the-declared-type",
        ),
        pytest.param(
            changing(lambda thing: thing["response"]["body"].pop("contentType")),
            (200, ("application/json",)),
            id="no-type-declared",
        ),
    ],
)
def test_what_a_response_leaves_out(change: Change, expected: tuple[int, tuple[str, ...] | None]) -> None:
    """The default status is 200, and the content type of the header takes precedence over the body's."""
    response = read(lambda pact: change(pact["interactions"][0])).response

    assert (response.status, response.headers.get("content-type")) == expected


@pytest.mark.parametrize("part", ["comments", "providerStates"])
def test_what_an_interaction_leaves_out(part: str) -> None:
    """Neither a role nor a state need be there."""
    thing = read(lambda pact: pact["interactions"][0].pop(part))

    assert (thing.role is None, thing.states == ()) == (part == "comments", part == "providerStates")


def test_reads_bodies_and_their_rules_of_requests() -> None:
    """A request's body is read as a response's, and headers of responses have rules too."""
    rule = {"matchers": [{"match": "type"}]}

    def change(pact: Any) -> None:
        thing = pact["interactions"][0]
        thing["request"].update(body={"content": {"a": 1}, "contentType": "application/json"})
        thing["request"]["matchingRules"]["body"] = {"$.a": rule}
        thing["response"]["matchingRules"]["header"] = {"ETag": rule}

    thing = read(change)

    assert (thing.request.body, thing.request.has_body) == ({"a": 1}, True)
    assert thing.request.rules == {"$.a": Rule("AND", ({"match": "type"},))}
    assert thing.response.header_rules == {"etag": Rule("AND", ({"match": "type"},))}


def test_interactions_that_differ_in_their_states_alone_are_no_twins() -> None:
    """The same description in other states is another interaction."""

    def change(pact: Any) -> None:
        pact["interactions"].append({**pact["interactions"][0], "providerStates": [{"name": "there is a thing"}]})

    assert read(change).description == "a thing"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(None, (None, False), id="null"),
        pytest.param({}, (None, False), id="empty"),
        pytest.param({"content": None}, (None, False), id="json-null"),
        pytest.param({"content": "text", "contentType": "text/plain", "encoded": False}, ("text", True), id="text"),
        pytest.param(
            {"content": "[1]", "contentType": "application/json", "encoded": "JSON"}, ([1], True), id="json-in-text"
        ),
        pytest.param({"content": "[1]", "encoded": "JSON"}, ([1], True), id="json-of-no-type"),
        pytest.param(
            {"content": base64.b64encode("ö".encode()).decode(), "contentType": "text/plain", "encoded": "Base64"},
            ("ö", True),
            id="base64-of-text",
        ),
        pytest.param(
            {"content": "w7Y=", "contentType": "text/plain", "encoded": True}, ("w7Y=", True), id="of-no-known-encoding"
        ),
        pytest.param(
            {"content": "[1]", "contentType": "application/json", "encoded": "utf8"},
            ([1], True),
            id="json-of-no-known-encoding",
        ),
        pytest.param(
            {"content": "[1]", "contentType": "application/json", "encoded": None},
            ([1], True),
            id="json-of-no-encoding",
        ),
        pytest.param({"content": "[1]", "contentType": "application/json"}, ("[1]", True), id="json-string"),
        pytest.param(
            {"content": base64.b64encode(b"{}").decode(), "contentType": "application/json", "encoded": "base64"},
            (EMPTY, True),
            id="base64",
        ),
    ],
)
def test_reads_bodies(body: Any, expected: tuple[Any, bool]) -> None:
    """A body comes out as JSON however it was written, and `null` differs from none."""
    response = read(lambda pact: response_of(pact).update(body=body)).response

    assert (response.body, response.has_body) == expected


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        pytest.param(None, "/things/x", True, id="literal"),
        pytest.param(None, "/things/y", False, id="other-literal"),
        pytest.param(["regex:^/things/[a-z]+$"], "/things/y", True, id="regex"),
        pytest.param(["regex:/things"], "/things/y", False, id="regex-matches-the-whole-path"),
        pytest.param(["regex:^/things/.+$"], "/things/%2F", True, id="raw-path"),
        pytest.param(["regex:^/things/y$"], "/things/y\n", False, id="no-newline"),
        pytest.param(["regex:^/things/y$", "equality"], "/things/y", False, id="and"),
        pytest.param(["type"], "/things/y", True, id="type"),
    ],
)
def test_is_for(rule: list[str] | None, path: str, *, expected: bool) -> None:
    """An interaction is about the paths that its rule allows, or about its own path alone."""

    def change(pact: Any) -> None:
        rules = pact["interactions"][0]["request"]["matchingRules"]
        matchers = [dict(zip(("match", "regex"), matcher.split(":"), strict=False)) for matcher in rule or []]
        rules["path"] = {"matchers": matchers} if rule else {}

    thing = read(change)

    assert thing.is_for("GET", path) is expected
    assert not thing.is_for("POST", path)


def test_is_for_any_of_several_rules() -> None:
    """With OR one matcher is enough."""

    def change(pact: Any) -> None:
        rules = pact["interactions"][0]["request"]["matchingRules"]
        rules["path"] = {"combine": "OR", "matchers": [{"match": "equality"}, {"match": "regex", "regex": "/y"}]}

    assert [read(change).is_for("GET", path) for path in ("/things/x", "/y", "/z")] == [True, True, False]


@pytest.mark.parametrize(
    ("matcher", "path", "expected"),
    [
        pytest.param({"match": "include", "value": "/y"}, "/things/y", True, id="include"),
        pytest.param({"match": "include", "value": "/y"}, "/things/x", False, id="not-included"),
        pytest.param({"match": "integer"}, "7", True, id="integer"),
        pytest.param({"match": "integer"}, "/things/x", False, id="no-integer"),
        pytest.param({"match": "number"}, "-7.5", True, id="number"),
    ],
)
def test_is_for_reads_every_matcher_as_the_mock_does(matcher: Any, path: str, *, expected: bool) -> None:
    """There is one reading of the rules of a text."""

    def change(pact: Any) -> None:
        pact["interactions"][0]["request"]["matchingRules"]["path"] = {"matchers": [matcher]}

    assert read(change).is_for("GET", path) is expected


def test_is_for_refuses_a_matcher_that_decides_nothing_about_a_path(golden: Golden) -> None:
    """It is not taken for another one."""

    def change(pact: Any) -> None:
        pact["interactions"][0]["request"]["matchingRules"]["path"] = {"matchers": [{"match": "arrayContains"}]}

    with pytest.raises(PactError) as refused:
        read(change).is_for("GET", "/things/x")

    golden.check(str(refused.value))


def test_shipped_pacts() -> None:
    """The package brings one pact for each backend."""
    assert [(pact.consumer, pact.provider, pact.source) for pact in shipped_pacts()] == [
        ("bff-teacher-service", provider, f"bff-teacher-service-{provider}.json")
        for provider in ("class-management-service", "result-aggregator-service")
    ]
    assert [pact.document["provider"] for pact in shipped_pacts()] == [
        {"name": pact.provider} for pact in shipped_pacts()
    ]
