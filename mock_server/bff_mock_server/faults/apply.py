"""What faults make of an answer."""

import json
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any, Final, cast

from bff_contracts.pact.file import Response
from bff_contracts.pact.json_path import is_array, is_object
from bff_mock_server._json import dumps
from bff_mock_server.faults.spec import Fault
from bff_mock_server.responses.reply import JSON, Delivery, Head, Reply, json_reply, phrase

_HTML: Final = (b"content-type", b"text/html; charset=utf-8")
_NOT_IN_ANY_CONTRACT: Final = 299
_MISSING: Final = object()

Known = Callable[[int], Reply | None]
"""Gives the contract's own answer of a status, if there is one."""

Expected = Callable[[], Response | None]
"""Gives the answer that the contract expects, filled in for the request."""


def disturb(reply: Reply, faults: Iterable[Fault], random: Random, *, known: Known, expected: Expected) -> Reply:
    """Let faults happen to an answer: all latencies, and the first of the others.

    Args:
        reply: What would have been answered.
        faults: What happens.
        random: Where chance comes from.
        known: The contract's answer of a status.
        expected: What the contract expects.
    """
    delay, broken = 0.0, None
    for fault in faults:
        if fault.kind == "latency" and fault.seconds is not None:
            delay += fault.seconds(random)
        elif broken is None:
            broken = fault
    if broken is not None:
        reply = _broken(reply, broken, random, known, expected)
    if delay == 0.0:
        return reply
    delivery = reply.delivery or Delivery()
    return reply._replace(delivery=Delivery(delay, delivery.form, delivery.pause))


def _broken(  # noqa: PLR0911  # one per fault
    reply: Reply, fault: Fault, random: Random, known: Known, expected: Expected
) -> Reply:
    match fault.kind:
        case "reset" | "empty":
            return reply._replace(delivery=Delivery(form=fault.kind))
        case "truncate":
            return reply._replace(delivery=Delivery(form="truncated"))
        case "drip":
            pause = fault.seconds(random) if fault.seconds is not None else 0.0
            return reply._replace(delivery=Delivery(form="dripping", pause=pause))
        case "malformed":
            return Reply(Head(reply.status, (JSON,)), reply.body[: len(reply.body) // 2] + b"{")
        case "html":
            title = f"{fault.status} {phrase(fault.status)}".strip()
            page = f"<!doctype html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
            return Reply(Head(fault.status, (_HTML, *_retry_after(fault))), page.encode())
        case "status":
            own = known(fault.status)
            if own is not None:
                return Reply(Head(own.status, (*own.head.headers, *_retry_after(fault))), own.body)
            error = "Internal server error" if fault.status == 500 else phrase(fault.status)  # noqa: PLR2004
            return json_reply(fault.status, {"error": error or str(fault.status)}, *_retry_after(fault))
        case _:
            return _outside_the_contract(reply, random, expected())


def _retry_after(fault: Fault) -> tuple[tuple[bytes, bytes], ...]:
    return () if fault.retry_after is None else ((b"retry-after", b"%d" % fault.retry_after),)


def _outside_the_contract(reply: Reply, random: Random, expected: Response | None) -> Reply:
    """The answer with one of the members gone or of another type that the contract says something about."""
    if expected is None or not expected.has_body:
        # The contract says nothing about the body: the status is all that can be wrong.
        return Reply(Head(_NOT_IN_ANY_CONTRACT, reply.head.headers), reply.body)
    try:
        body: Any = json.loads(reply.body)
    except ValueError:
        body = None
    places = list(_places(body, expected.body))
    if not places:
        body = [] if is_object(expected.body) else {}
    else:
        holder, name = random.choice(places)
        if random.random() < 0.5:  # noqa: PLR2004
            del holder[name]
        else:
            holder[name] = [] if is_object(holder[name]) else {}
    return Reply(reply.head, dumps(body).encode())


def _places(body: Any, expected: object) -> Iterator[tuple[dict[str, Any], str]]:
    """The members, in any depth, that both the answer and the contract have."""
    if is_array(body) and is_array(expected):
        if body and expected:
            yield from _places(body[0], expected[0])
    elif is_object(expected) and isinstance(body, dict):
        holder = cast("dict[str, Any]", body)
        for name, inner in expected.items():
            if holder.get(name, _MISSING) is not _MISSING:
                yield holder, name
                yield from _places(holder[name], inner)
