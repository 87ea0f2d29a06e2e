"""Applies faults to a response."""

import json
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any, Final, cast
from urllib.parse import unquote

from bff_contracts.pact.binding import fill
from bff_contracts.pact.file import Response
from bff_contracts.pact.json_path import is_array, is_object
from bff_mock_server._json import dumps
from bff_mock_server.faults.spec import Armed, Fault
from bff_mock_server.matching.request import Asked
from bff_mock_server.responses.reply import (
    JSON,
    AttributedReply,
    Delivery,
    Head,
    Reply,
    from_example,
    json_reply,
    phrase,
)

_HTML: Final = (b"content-type", b"text/html; charset=utf-8")
_NOT_IN_ANY_CONTRACT: Final = 299
_MISSING: Final = object()


def strike(
    attributed: AttributedReply, armed: Iterable[Armed], provider: str, asked: Asked, random: Random
) -> AttributedReply:
    """Apply the armed faults of a request to its response: all latencies, and the first of the others.

    Args:
        attributed: The contract's response; faults never apply to a refusal of the mock itself.
        armed: The armed faults.
        provider: Whose response it is.
        asked: The request.
        random: The source of randomness.
    """
    struck = tuple(_drawn(armed, provider, asked, random))
    if not struck:
        return attributed
    delay = 0.0
    for fault in struck:
        if fault.kind == "latency" and fault.seconds is not None:
            delay += fault.seconds(random)
        else:
            attributed = _broken(attributed, fault, asked, random)
    reply = attributed.reply
    if delay > 0.0:
        delivery = reply.delivery or Delivery()
        reply = reply._replace(delivery=Delivery(delay, delivery.form, delivery.pause))
    return attributed._replace(reply=reply, fault="; ".join(fault.text.removeprefix("then ") for fault in struck))


def _drawn(armed: Iterable[Armed], provider: str, asked: Asked, random: Random) -> Iterator[Fault]:
    """The faults that happen this time: any latency, and at most one that spoils the response."""
    is_spoilt = False
    for one in armed:
        if one.route.covers(provider, asked.method, asked.path, lambda: _ids_in(asked)):
            for fault in one.strike(random, is_spoilt=is_spoilt):
                is_spoilt = is_spoilt or fault.kind != "latency"
                yield fault


def _ids_in(asked: Asked) -> set[str]:
    """The ids that a request names: in its path, and between the commas of its query."""
    values = (part for sent in asked.query.values() for value in sent for part in value.split(","))
    return {*map(unquote, asked.path.split("/")), *values}


def _broken(attributed: AttributedReply, fault: Fault, asked: Asked, random: Random) -> AttributedReply:
    own = (
        attributed.endpoint.with_status(fault.status)
        if attributed.endpoint is not None and fault.kind == "status"
        else None
    )
    if own is not None:
        # The contract has a response with that status, which is used.
        reply = from_example(own.interaction, asked)
        head = reply.head.plus(*_retry_after(fault))
        return attributed._replace(reply=Reply(head, reply.body), entry=own, also=())
    reply = _spoilt(attributed, fault, asked, random)
    entry = attributed.entry if reply.status == attributed.reply.status else None
    return attributed._replace(reply=reply, entry=entry, also=(), is_spoilt=True)


def _spoilt(  # noqa: PLR0911  # one per fault
    attributed: AttributedReply, fault: Fault, asked: Asked, random: Random
) -> Reply:
    reply = attributed.reply
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
            error = "Internal server error" if fault.status == 500 else phrase(fault.status)  # noqa: PLR2004
            return json_reply(fault.status, {"error": error or str(fault.status)}, *_retry_after(fault))
        case _:
            return _outside_the_contract(reply, random, _expected(attributed, asked))


def _expected(attributed: AttributedReply, asked: Asked) -> Response | None:
    """The response that the contract expects, filled in for the request; `None` if it does not define one."""
    if attributed.endpoint is None or attributed.entry is None:
        return None
    shape = attributed.endpoint.shape
    is_shape = shape is not None and shape.interaction.response.status == attributed.reply.status
    entry = shape if shape is not None and is_shape else attributed.entry
    return fill(entry.interaction, path=asked.path, query=asked.query).response


def _retry_after(fault: Fault) -> tuple[tuple[bytes, bytes], ...]:
    return () if fault.retry_after is None else ((b"retry-after", b"%d" % fault.retry_after),)


def _outside_the_contract(reply: Reply, random: Random, expected: Response | None) -> Reply:
    """The response with one member of the contract removed, or of another type."""
    if expected is None or not expected.has_body:
        # The contract does not define the body, so only the status can break it.
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
    """The members, in any depth, that both the response and the contract have."""
    if is_array(body) and is_array(expected):
        if body and expected:
            yield from _places(body[0], expected[0])
    elif is_object(expected) and isinstance(body, dict):
        holder = cast("dict[str, Any]", body)
        for name, inner in expected.items():
            if holder.get(name, _MISSING) is not _MISSING:
                yield holder, name
                yield from _places(holder[name], inner)
