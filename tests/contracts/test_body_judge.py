"""A body is judged without a mock server of the engine as with one."""

import pytest

from bff_contracts import engine
from bff_contracts.body_judge import BodyJudge
from bff_contracts.engine import RequestJudge, Sent
from bff_contracts.pact.content import Content
from bff_contracts.pact.file import Request, Rule

JSON = "application/json"
EXAMPLE = {"name": "Anna", "tags": [{"id": 1}], "more": {"a": None}}
TYPED = {"$.tags": Rule("AND", ({"match": "type", "min": 1},)), "$.name": Rule("AND", ({"match": "type"},))}


def posting(example: object, rules: dict[str, Rule], kind: str = JSON, *, named_by: str = "body") -> Request:
    headers = {"content-type": (kind,)} if named_by == "header" else {}
    return Request("POST", "/", {}, headers, None, {}, {}, content=Content(example, kind, is_json=True), rules=rules)


BODIES = {
    "the-example": b'{"name":"Anna","tags":[{"id":1}],"more":{"a":null}}',
    "other-values": b'{"name":"Bo","tags":[{"id":7},{"id":8}],"more":{"a":null}}',
    "another-order": b'{"more":{"a":null},"tags":[{"id":7}],"name":"Bo"}',
    "another-type": b'{"name":1,"tags":[{"id":7}],"more":{"a":null}}',
    "a-member-less": b'{"name":"Bo","tags":[{}],"more":{"a":null}}',
    "a-member-more": b'{"name":"Bo","tags":[{"id":7}],"more":{"a":null},"x":1}',
    "a-member-more-in-a-list": b'{"name":"Bo","tags":[{"id":7},{"id":7,"x":1}],"more":{"a":null}}',
    "a-member-more-below": b'{"name":"Bo","tags":[{"id":7}],"more":{"a":null,"b":1}}',
    "an-object-for-a-text": b'{"name":{"x":1},"tags":[{"id":7}],"more":{"a":null}}',
    "an-object-for-null": b'{"name":"Bo","tags":[{"id":7}],"more":{"a":{"x":1}}}',
    "too-few": b'{"name":"Bo","tags":[],"more":{"a":null}}',
    "a-member-twice": b'{"name":1,"name":"Bo","tags":[{"id":7}],"more":{"a":null}}',
    "a-list": b"[1]",
    "not-json": b'{"name":',
    "nan": b'{"name":"Bo","tags":[{"id":NaN}],"more":{"a":null}}',
    "not-utf-8": b'{"name":"\xff","tags":[{"id":7}],"more":{"a":null}}',
    "a-byte-order-mark": b'\xef\xbb\xbf{"name":"Bo","tags":[{"id":7}],"more":{"a":null}}',
    "a-nul": b'{"name":"Bo\0","tags":[{"id":7}],"more":{"a":null}}',
    "a-lone-surrogate": b'{"name":"\\ud800","tags":[{"id":7}],"more":{"a":null}}',
    "deep": b'{"name":"Bo","tags":[{"id":7}],"more":{"a":' + b"[" * 200 + b"]" * 200 + b"}}",
    "none": b"",
}
TYPES: dict[str, tuple[str, ...]] = {
    "no-type": (),
    "json": (JSON,),
    "charset": (f"{JSON}; charset=utf-8",),
    "another-charset": (f"{JSON}; charset=iso-8859-1",),
    "upper-case": (JSON.upper(),),
    "text": ("text/plain",),
    "hal": ("application/hal+json",),
    "two": (JSON, JSON),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("rules", [{}, TYPED], ids=["no-rules", "rules"])
def test_a_body_is_judged_without_a_server_as_with_one(rules: dict[str, Rule], body: bytes) -> None:
    request = posting(EXAMPLE, rules)

    assert BodyJudge(request).allows((JSON,), body) == RequestJudge(request).allows(_sent((JSON,), body))


@pytest.mark.parametrize("types", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("named_by", ["header", "body"])
@pytest.mark.parametrize("kind", [JSON, f"{JSON};charset=utf-8", "application/hal+json"])
def test_the_type_of_a_body_is_judged_without_a_server_as_with_one(
    kind: str, named_by: str, types: tuple[str, ...]
) -> None:
    request, body = posting(EXAMPLE, TYPED, kind, named_by=named_by), BODIES["other-values"]

    assert BodyJudge(request).allows(types, body) == RequestJudge(request).allows(_sent(types, body))


def _sent(types: tuple[str, ...], body: bytes) -> Sent:
    return Sent("POST", "/", tuple(("content-type", kind) for kind in types), body)


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """The requests for which the engine's mock server is started."""
    started: list[Request] = []
    start = engine._MockServer  # pyright: ignore[reportPrivateUsage]

    def noting(request: Request) -> object:
        started.append(request)
        return start(request)

    monkeypatch.setattr(engine, "_MockServer", noting)
    return started


@pytest.mark.parametrize("body", ["the-example", "other-values", "another-type", "a-member-less", "too-few"])
def test_a_body_without_other_members_needs_no_server(servers: list[Request], body: str) -> None:
    judge = BodyJudge(posting(EXAMPLE, TYPED))

    assert judge.allows((JSON,), BODIES[body]) == (not judge.mismatches((JSON,), BODIES[body]))
    assert not servers


@pytest.mark.parametrize(
    "matcher",
    [
        pytest.param({"match": "values"}, id="values"),
        pytest.param({"match": "eachValue", "rules": [{"match": "null"}]}, id="each-value"),
        pytest.param({"match": "eachKey", "rules": [{"match": "type"}]}, id="each-key"),
    ],
)
def test_a_rule_that_may_let_other_members_pass_needs_a_server(
    servers: list[Request], matcher: dict[str, object]
) -> None:
    judge = BodyJudge(posting(EXAMPLE, {**TYPED, "$.more": Rule("AND", (matcher,))}))

    assert judge.allows((JSON,), BODIES["the-example"])
    assert len(servers) == 1
