"""Each kind of contract is served as the official engine does it."""

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bff_contracts.engine import response_mismatches
from bff_contracts.pact.json_path import is_array, is_object
from bff_mock_server import Backend, Mock, MockApp, Scenario
from bff_mock_server.matching.request import Asked
from bff_mock_server.responses.reply import Reply
from bff_mock_server.serving.cors import CorsApp
from bff_mock_server.serving.http import header_map, query_of
from tests.mock_server.building import call, interaction, pact, regex, rule

TYPE = rule({"match": "type"})
ANY: dict[str, Any] = {"rules": {"query": {"q": regex(".*")}}}


def app_of(*interactions: dict[str, Any], kind: type[MockApp] = MockApp, seed: int = 0) -> MockApp:
    backend = Backend(pact(*interactions), seed=seed)
    return kind(Mock([backend], Scenario("none", about="Nothing.")), backend)


def ask(app: MockApp, target: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> Reply:
    path, _, query = target.partition("?")
    pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    return app.reply(Asked(method, path, query_of(query), header_map(pairs), query))


@pytest.mark.parametrize(
    ("example", "rules", "example_value", "value", "answer"),
    [
        pytest.param({"name": "Ann", "age": 3}, {"$": TYPE}, "name", "age", {"name": "Ann", "age": 3}, id="a-member"),
        pytest.param({"id": "7", "name": "Ann"}, {"$": TYPE}, "id,name", "name,id,x", {"id": "7", "name": "Ann"},
                     id="several-members"),
        pytest.param({"items": [{"s": "x"}]}, {"$": TYPE}, "items", "none", {"items": [{"s": "x"}]}, id="a-list"),
        pytest.param({"a": "true"}, {"$.a": rule({"match": "equality"})}, "true", "false", {"a": "true"},
                     id="equality"),
        pytest.param({"a": "true"}, {}, "true", "false", {"a": "true"}, id="no-rule"),
        pytest.param({"a": "x1"}, {"$.a": regex("x[0-9]")}, "x1", "y", {"a": "x1"}, id="not-as-the-rule-has-it"),
        pytest.param({"a": "x1"}, {"$.a": regex(r"x\Q1\E|.")}, "x1", "y", {"a": "x1"}, id="another-dialect"),
        pytest.param({"a": "x1"}, {"$.a": regex("x[0-9]")}, "x1", "x2", {"a": "x2"}, id="open"),
        pytest.param({"a": "x1"}, {"$": TYPE}, "x1", "y", {"a": "y"}, id="open-from-above"),
        pytest.param(["x1", "x2"], {"$": TYPE}, "x1,x2", "y,z,w", ["y", "z", "w"], id="a-list-of-what-was-asked-for"),
        pytest.param(["x1", "x2"], {}, "x1,x2", "y,z", ["x1", "x2"], id="a-list-of-just-these"),
        pytest.param({"x1": {"n": 1}, "x2": None}, {}, "x1,x2", "y1,y2", {"y1": {"n": 1}, "y2": None},
                     id="a-map-by-ids"),
        pytest.param({"a": None, "x1": {"n": 1}}, {}, "x1", "a", {"a": None, "x1": {"n": 1}},
                     id="a-map-that-has-such-a-member"),
    ],
)  # fmt: skip
def test_what_was_asked_for_is_carried_over_where_the_contract_is_open(
    example: Any, rules: Any, example_value: str, value: str, answer: Any
) -> None:
    app = app_of(interaction("a", query={"q": [example_value]}, body=example, body_rules=rules, **ANY))

    assert json.loads(ask(app, f"/things?q={quote(value)}").body) == answer


NAMES = st.sampled_from(["a", "b", "name", "id", "x1", "y2", "true"])
LEAVES = st.one_of(NAMES, st.integers(0, 3), st.none(), st.booleans())
BODIES = st.dictionaries(
    NAMES, st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
)
RULES = st.sampled_from(
    [TYPE, regex("[a-z]+"), regex("x[0-9]|[a-z]+"), rule({"match": "equality"}), rule({"match": "type", "min": 1}),
     rule({"match": "type", "max": 2}), rule({"match": "include", "value": "a"}),
     rule(TYPE["matchers"][0], {"match": "null"}, combine="OR")]
)  # fmt: skip
PATHS = st.lists(st.sampled_from([".a", ".name", ".*", "[*]", "[0]", ".x1"]), max_size=3).map(
    lambda steps: "$" + "".join(steps)
)


def members_of(value: Any) -> set[str]:
    """The names of all members, at any depth."""
    if is_object(value):
        return {*value, *(name for item in value.values() for name in members_of(item))}
    return {name for item in value for name in members_of(item)} if is_array(value) else set()


@example(  # "id" is renamed to "b", which is another member, and the example itself breaks its rules
    body={"a": ["id"], "name": None, "b": {"a": [0]}, "id": {}}, rules={"$": regex("[a-z]+"), "$.a": TYPE},
    example=["a"], values=["a"], segment="id", other="b",
)  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    body=BODIES, rules=st.dictionaries(PATHS, RULES, max_size=4), example=st.lists(NAMES, min_size=1, max_size=3),
    values=st.lists(NAMES, min_size=1, max_size=4), segment=NAMES, other=NAMES,
)  # fmt: skip
def test_an_answer_never_leaves_its_contract(
    body: Any, rules: Any, example: list[str], values: list[str], segment: str, other: str
) -> None:
    made = interaction(
        "a", f"/{segment}", query={"q": [",".join(example)]}, body=body, body_rules=rules,
        rules={"query": {"q": regex(".*")}, "path": regex("/[a-z0-9]+")},
    )  # fmt: skip
    content = pact(made).interactions[0].response.content
    assert content is not None
    parsed = pact(made).interactions[0].response.rules

    answer = ask(app_of(made), f"/{other}?{urlencode({'q': ','.join(values)})}").body

    is_keyed = members_of(json.loads(answer)) != members_of(body)  # by ids, which the engine cannot know
    assert is_keyed or not response_mismatches(content, parsed, answer, None) or answer == content.raw


@pytest.mark.parametrize(
    ("generator", "pattern"),
    [
        pytest.param({"type": "Uuid"}, r'"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"', id="uuid"),
        pytest.param({"type": "Uuid", "format": "simple"}, '"[0-9a-f]{32}"', id="uuid-simple"),
        pytest.param({"type": "Uuid", "format": "URN"}, '"urn:uuid:.{36}"', id="uuid-urn"),
        pytest.param({"type": "Uuid", "format": "upper-case-hyphenated"}, '"[0-9A-F-]{36}"', id="uuid-upper"),
        pytest.param({"type": "RandomInt", "min": 3, "max": 5}, "[345]", id="integer"),
        pytest.param({"type": "RandomDecimal", "digits": 4}, r"[0-9.]{2,6}", id="decimal"),
        pytest.param({"type": "RandomHexadecimal", "digits": 6}, '"[0-9A-F]{6}"', id="hexadecimal"),
        pytest.param({"type": "RandomString", "size": 5}, '"[A-Za-z0-9]{5}"', id="string"),
        pytest.param({"type": "RandomBoolean"}, "true|false", id="boolean"),
        pytest.param({"type": "Regex", "regex": "^a[0-9]{3}$"}, '"a[0-9]{3}"', id="regex"),
        pytest.param({"type": "Date"}, r'"20\d\d-\d\d-\d\d"', id="date"),
        pytest.param({"type": "Time", "format": "HH:mm"}, r'"\d\d:\d\d"', id="time"),
        pytest.param({"type": "DateTime", "format": "yyyy-MM-dd'T'HH:mm:ss.SSSX"},
                     r'"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z"', id="datetime"),
        pytest.param({"type": "Date", "format": "EEEE d MMM yy"},
                     r'"[A-Z][a-z]+day \d+ [A-Z][a-z]{2} \d\d"', id="words"),
        pytest.param({"type": "Date", "format": "QQ"}, '"example"', id="a-format-that-nobody-knows"),
        pytest.param({"type": "Date", "expression": "today + 1 day"}, '"example"', id="an-expression"),
        pytest.param({"type": "ProviderState", "expression": "${id}"}, "9", id="provider-state"),
        pytest.param({"type": "ProviderState", "expression": "/p/${id}"}, '"/p/9"', id="text-of-a-provider-state"),
        pytest.param({"type": "ProviderState", "expression": "${other}"}, '"example"', id="unknown-param"),
        pytest.param({"type": "MockServerURL", "example": "http://x/a/1", "regex": ".*(/a/.*)$"}, '"http://h:1/a/1"',
                     id="url"),
        pytest.param({"type": "Astrology"}, '"example"', id="unknown"),
    ],
)  # fmt: skip
def test_generators_make_values(generator: dict[str, Any], pattern: str) -> None:
    made = interaction("a", body={"v": "example"}, states=[{"name": "s", "params": {"id": 9}}])
    made["response"]["generators"] = {"body": {"$.v": generator}}

    body = ask(app_of(made), "/things", headers={"Host": "h:1"}).body.decode()

    assert re.fullmatch(rf'\{{"v":(?:{pattern})\}}', body) or body == '{"v":"example"}'
    # No rule is at this place, so the engine allows the example alone.
    made["response"]["matchingRules"] = {
        "body": {"$.v": rule({"match": "type"}, {"match": "number"}, {"match": "boolean"}, combine="OR")}
    }
    assert re.fullmatch(
        rf'\{{"v":(?:{pattern})\}}', ask(app_of(made), "/things", headers={"Host": "h:1"}).body.decode()
    )


def test_generated_values_repeat_with_the_seed() -> None:
    made = interaction("a", body={"v": "x", "list": ["a", "b"]}, body_rules={"$": TYPE})
    made["response"]["generators"] = {
        "body": {"$.v": {"type": "RandomString"}, "$.list[*]": {"type": "Uuid"}},
        "header": {"X-Id": {"type": "Uuid"}},
    }
    made["response"]["headers"] = {"X-Id": ["1"]}

    def answers(seed: int) -> list[tuple[bytes, Any]]:
        app = app_of(made, seed=seed)
        return [(reply.body, dict(reply.headers)[b"x-id"]) for reply in (ask(app, "/things") for _ in range(2))]

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)
    assert len(set(answers(1))) == 2


def test_each_cookie_is_a_line() -> None:
    made = interaction("a")
    made["response"]["headers"] = {"Set-Cookie": ["a=1; Path=/", "b=2"], "X-List": ["a", "b"]}

    headers = ask(app_of(made), "/things").headers

    assert headers[:3] == ((b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2"), (b"x-list", b"a, b"))


def test_a_header_outside_ascii_is_served_as_utf_8() -> None:
    made = interaction("a")
    made["response"]["headers"] = {"X-Name": ["Åsa"]}

    assert ask(app_of(made), "/things").headers[0] == (b"x-name", "Åsa".encode())


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_has_none(status: int) -> None:
    answer = await call(app_of(interaction("a", status=status, body={"a": 1})), "/things", headers={})

    assert (answer.status, answer.body) == (status, b"")


def test_bytes_are_served_as_bytes() -> None:
    made = interaction("a")
    made["response"]["body"] = {"content": "/wD+", "contentType": "image/gif", "encoded": "base64"}

    reply = ask(app_of(made), "/things")

    assert (reply.body, reply.headers[0]) == (b"\xff\x00\xfe", (b"content-type", b"image/gif"))


CROSS = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "X-Key", "Origin": "http://page"}


@pytest.mark.parametrize(
    ("kind", "target", "wanted", "status"),
    [
        pytest.param(CorsApp, "/things", "GET", 204, id="known"),
        pytest.param(CorsApp, "/things", "DELETE", 405, id="another-method"),
        pytest.param(CorsApp, "/nothing", "GET", 404, id="another-path"),
        pytest.param(MockApp, "/things", "GET", 405, id="not-asked-for"),
    ],
)
def test_a_preflight_is_answered_for_what_the_contract_has(
    kind: type[MockApp], target: str, wanted: str, status: int
) -> None:
    app = app_of(interaction("a"), kind=kind)

    reply = ask(app, target, method="OPTIONS", headers={**CROSS, "Access-Control-Request-Method": wanted})

    assert reply.status == status
    assert (b"access-control-allow-origin" in dict(reply.headers)) is (kind is CorsApp)
    if status == 204:
        assert dict(reply.headers)[b"access-control-allow-headers"] == b"X-Key"


def test_any_page_may_read_an_answer_with_cors() -> None:
    headers = dict(ask(app_of(interaction("a"), kind=CorsApp), "/things", headers={"Origin": "http://page"}).headers)

    assert headers[b"access-control-allow-origin"] == b"*"
