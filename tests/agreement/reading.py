"""Checks that the clients read each body that the contract allows, and reject any other."""

import json
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import parse_qs, parse_qsl

import httpx
from hypothesis import strategies as st

from bff_clients import ContractViolation
from bff_contracts.judge import Judge
from bff_contracts.pact.binding import asked_for, fill
from bff_contracts.pact.file import Interaction, shipped_pacts
from bff_contracts.platform import SHAPE
from bff_mock_server.matching.table import compile_pact
from tests.agreement.bodies import bodies, flawed, mangled
from tests.agreement.matching import matches
from tests.agreement.operations import Arguments, Operation
from tests.agreement.requests import Wire
from tests.support.body_values import has_the_values_of

JUDGES: Final = {pact.provider: Judge(pact) for pact in shipped_pacts()}
TABLES: Final = {pact.provider: compile_pact(pact) for pact in shipped_pacts()}
TOO_MANY: Final = "which was not requested"
"""How the judge words an id too many: the one thing that the contract forbids and the client passes over."""

ANOTHER_PAGE: Final = frozenset({"pagination of another page than the requested one", "more entries than there can be"})
"""What the client refuses and the contract cannot say, because no rule of it compares an answer with its request."""

FLAWS_PER_BODY: Final = 8


@dataclass(frozen=True)
class Request:
    """The request of a client method."""

    path: str
    query: dict[str, list[str]]
    target: str

    @classmethod
    def of(cls, sent: httpx.Request) -> Self:
        target = sent.url.raw_path.decode()
        path, _, query = target.partition("?")
        return cls(path, parse_qs(query, keep_blank_values=True), target)


def shape_of(provider: str, path: str) -> Interaction | None:
    """The shape of the endpoint that a path belongs to."""
    known = JUDGES[provider].pact.interactions
    return next((one for one in known if one.role == SHAPE and one.is_for("GET", path)), None)


@st.composite
def answers(draw: st.DrawFn, shape: Interaction, request: Request) -> list[tuple[str, str]]:
    """The text of a body for a request, and of near misses of it, each with what was changed."""
    either: list[Any] = [None, {}]
    forms: dict[str, Any] = {
        one: draw(st.sampled_from(either)) for ids in asked_for(shape, request.query) for one in sorted(ids)
    }
    filled = fill(shape, path=request.path, query=request.query, actual=forms or None)
    body = _of_the_page(draw(bodies(filled.response)), request)
    flaws = [draw(flawed(body)) for _ in range(FLAWS_PER_BODY)]
    texts = [(changed, json.dumps(one)) for changed, one in (("nothing", body), *flaws)]
    return [*texts, ("the text", draw(mangled(texts[0][1])))]


def _of_the_page(body: Any, request: Request) -> Any:
    """A body with the page that was asked for, where it has one: any numbers would do for the contract."""
    if "pagination" not in body:
        return body
    limit, offset = (int(request.query[name][0]) for name in ("limit", "offset"))
    pagination = {**body["pagination"], "limit": limit, "offset": offset, "total": abs(body["pagination"]["total"])}
    return {**body, "batches": body["batches"][:limit], "pagination": pagination}


def verdict(operation: Operation, request: Request, text: str) -> str:
    """The official engine's verdict on a body: allowed, forbidden, or forbidden but tolerated by the client."""
    found = JUDGES[operation.provider].violations(
        method="GET", target=request.target, status=200, content_type="application/json", body=text.encode()
    )
    if not found:
        return "allowed"
    return "excepted" if all(TOO_MANY in mismatch.message for mismatch in found) else "forbidden"


def check(operation: Operation, arguments: Arguments, request: Request, changed: str, text: str) -> str:
    """Compare the client's reading of a body with the engine's verdict; returns the verdict.

    Raises:
        AssertionError: They disagree.
    """
    ruling = verdict(operation, request, text)
    result = read(operation, arguments, text)
    if isinstance(result, ContractViolation):
        assert ruling != "allowed" or result.detail in ANOTHER_PAGE or _has_a_member_twice(text), (
            f"allowed by the contract, not by the client ({result.detail}); changed: {changed}"
        )
        return ruling
    assert ruling != "forbidden", f"forbidden by the contract, the client gives {result!r}; changed: {changed}"
    body = json.loads(text)
    asked = arguments.get("batch_ids")
    # An id too many is passed over.
    wanted = body if asked is None else {one: entry for one, entry in body.items() if one in asked}
    assert has_the_values_of(result, wanted), f"the client gives {result!r} for {text}"
    return ruling


def _has_a_member_twice(text: str) -> bool:
    """Whether an object has a member twice, of which the engine reads the last one alone."""
    found = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        found = found or len(dict(pairs)) < len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=members)
    return found


def read(operation: Operation, arguments: Arguments, text: str) -> Any:
    """The client's reading of a body: a result, or the violation that it raises."""
    answer = httpx.Response(200, headers={"content-type": "application/json"}, content=text)
    try:
        return operation.result(arguments, lambda _: answer)
    except ContractViolation as violation:
        return violation


def agree(operation: Operation, data: st.DataObject, counts: Counter[str]) -> None:
    """Generate a call, a body for it and near misses of that, and see that client and contract agree on each."""
    arguments = data.draw(operation.arguments, label="arguments")
    sent = operation.sent(arguments)
    assert sent or may_refuse(arguments), f"the client refuses {arguments}"
    for one in sent:
        request = Request.of(one)
        wire = Wire(one.method, request.path, tuple(parse_qsl(one.url.query.decode())), tuple(one.headers.items()))
        assert matches(TABLES[operation.provider], wire), f"the client asks for what no contract allows: {wire}"
        shape = shape_of(operation.provider, request.path)
        assert shape is not None, f"no shape is about {request.target}"
        for changed, body in data.draw(answers(shape, request), label="bodies"):
            counts[check(operation, arguments, request, changed, body)] += 1


def may_refuse(arguments: Arguments) -> bool:
    """Whether the contract has no request for these arguments, or the client has its reasons not to make one."""
    user_id: str = arguments.get("user_id", "")
    return (
        arguments.get("offset", 0) >= 10**18
        or user_id in {".", ".."}
        or "/" in user_id
        or any(unicodedata.category(character) == "Cc" for character in user_id)
    )
