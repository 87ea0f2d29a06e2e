"""Simulates how RAS and CMS answer from the world, on the contract's templates.

Only this module knows the two domains: what a page is, who owns a batch, what a class id refers to. It recognises an
endpoint by the form of its shape, and takes everything else (routes, rules, statuses, error bodies, fields) from the
contract. Other endpoints are answered from the contract's examples. Requests that the contract does not allow arrive
here only if the mock is lenient; they get the responses of the real services.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, cast
from urllib.parse import unquote
from uuid import UUID

from bff_contracts.pact.file import Interaction, State
from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.platform import BY_NAME, CMS, KEY_HEADER, RAS, SERVICE_HEADER, UUID_PATTERN
from bff_mock_server.answering.kinds import (
    NONE_HAS,
    UNKNOWN,
    kind_in_status,
    kind_of_batch,
    kind_of_later_page,
    kind_of_list,
    kind_of_map,
    kind_of_page,
)
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import Endpoint, Table
from bff_mock_server.responses.rendering import Frame, Hole, Template, template_of
from bff_mock_server.responses.reply import Kind, Reply, from_example, head_of, json_reply
from bff_mock_server.world.rows import INTERNAL_STATUSES, NO_BATCHES, BatchFact, RasBatch, RasBatches, Rows

CREDENTIALS: Final = frozenset({KEY_HEADER, SERVICE_HEADER})
_NOT_FOUND: Final = 404
_INTERNAL_ERROR: Final = json_reply(500, {"error": "Internal server error"})
"""RAS's response to numbers, statuses and texts that its database rejects; not in the contract, because the BFF never
sends them."""
_HEALTHY: Final = json_reply(200, {"status": "healthy"})
"""Both services answer their health check with a JSON object; the contract says nothing about it."""
_NUL: Final = "%00"
_MALFORMED_ID: Final = json_reply(400, {"error": "Invalid UUID format"})
"""CMS's response when one of the requested ids is not a UUID."""
_MALFORMED_ID_IN_PATH: Final = json_reply(
    400, {"error": {"error_code": "VALIDATION_ERROR", "message": "Invalid batch_id format"}}
)
"""CMS's response when the id in the path is not a UUID: the platform's own error, where other routes have a text."""
_CANONICAL: Final = re.compile(UUID_PATTERN).fullmatch
_DEFAULT_LIMIT: Final = int(BY_NAME[RAS].query_defaults["limit"])
_DEFAULT_OFFSET: Final = int(BY_NAME[RAS].query_defaults["offset"])
_ORDERS: Final = 4
"""The number of orders in which unordered rows are served in turn, such as the essays of a batch."""
_END_OF_BIGINT: Final = 2**63
_KINDS_KEPT: Final = 1000
"""The most first pages of one user whose kind is cached."""

Renderer = Callable[[Asked, Rows], Reply]
"""Renders the responses of one endpoint out of the rows of a world."""

KindOf = Callable[[Any, Mapping[str, Sequence[str]]], Kind | None]
"""Returns the kind of a response from its JSON body and the query of its request."""

KindInStates = Callable[[Interaction], Kind]
"""Returns the kind of an interaction's response from its provider states, beyond what its body shows."""


def _all_alike(_: Any, __: Mapping[str, Sequence[str]]) -> Kind | None:
    return None


def _nothing_more(_: Interaction) -> Kind:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Simulated:
    """How one endpoint answers out of the rows.

    Attributes:
        render: Renders a response, whose `kind` is what `kind_of` and `kind_in_states` say of it.
        kind_of: Tells the kinds of responses apart by what they show.
        kind_in_states: Tells them apart by what a real service does not show.
        is_repeatable: Whether the same request gets the same response as long as the rows last.
    """

    render: Renderer
    kind_of: KindOf = _all_alike
    kind_in_states: KindInStates = _nothing_more
    is_repeatable: bool = True

    def kind_of_answer(self, interaction: Interaction) -> Kind | None:
        """The kind of an interaction's response."""
        return self.kind_of(interaction.response.body, interaction.request.query)

    def kind_of_interaction(self, interaction: Interaction) -> Kind | None:
        """Its kind from its body, and from its provider states."""
        kind = self.kind_of_answer(interaction)
        return kind if kind is None else kind | self.kind_in_states(interaction)


Simulator = Callable[[Endpoint, Interaction], Simulated | None]
"""The simulation of an endpoint with this shape; `None` if the contract's examples answer it."""


def simulated_of(table: Table, *, lenient: bool = False) -> Mapping[Endpoint, Simulated]:
    """The simulation of each endpoint that a simulator knows; empty for a provider without a simulator.

    A lenient mock also answers like the services where the contract is silent, such as the body of a health check.
    """
    simulator = SIMULATORS.get(table.provider)
    if simulator is None:
        return {}
    shaped = ((endpoint, endpoint.shape.interaction) for endpoint in table.endpoints if endpoint.shape is not None)
    found = (
        (endpoint, simulator(endpoint, shape) if shape.response.has_body or not lenient else _health(endpoint))
        for endpoint, shape in shaped
    )
    return {endpoint: simulated for endpoint, simulated in found if simulated is not None}


def _health(endpoint: Endpoint) -> Simulated | None:
    def render(_: Asked, __: Rows) -> Reply:
        return _HEALTHY

    return Simulated(render) if endpoint.example_path == "/healthz" else None


def _ras(endpoint: Endpoint, shape: Interaction) -> Simulated | None:
    """Pages for a shape with a list of batches and a pagination, one batch for a shape that is one."""
    body = _members(shape)
    if "batch_id" in body:
        return _one_batch(endpoint, shape, body["batch_id"])
    name = next((name for name, value in body.items() if _is_list_of_batches(value)), None)
    return _page_of_batches(endpoint, shape, name) if name is not None and "pagination" in body else None


def _one_batch(endpoint: Endpoint, shape: Interaction, batch_id: object) -> Simulated | None:
    segment = _segment(endpoint, batch_id)
    if segment is None:
        return None
    template = template_of(shape.response.body, shape.response.rules, others=_other_bodies(endpoint, shape))
    head = head_of(shape.response)
    unknown_entry = endpoint.with_status(_NOT_FOUND)
    unknown = unknown_entry.interaction if unknown_entry is not None else shape

    turns = itertools.cycle(range(_ORDERS))

    def answer(asked: Asked, rows: Rows) -> Reply:
        if _NUL in asked.path:
            return _INTERNAL_ERROR
        row = rows.batches.get(unquote(asked.path.split("/")[segment]))
        if row is None:
            return from_example(unknown, asked)._replace(kind=UNKNOWN)
        return Reply(head, _text(template, row, next(turns)).encode(), None, _kind_of_row(row))

    def kind_in_states(interaction: Interaction) -> Kind:
        batch_id = unquote(interaction.request.path.split("/")[segment])
        batches = (one for state in interaction.states for one in state.params.get("batches", ()))
        stored = (kind_in_status(one["internal_status"]) for one in batches if one["batch_id"] == batch_id)
        return next(stored, frozenset[object]())

    return Simulated(answer, lambda body, _: kind_of_batch(body), kind_in_states, is_repeatable=False)


def _page_of_batches(endpoint: Endpoint, shape: Interaction, name: str) -> Simulated | None:
    response = shape.response
    segment = _segment(endpoint, response.body[name][0].get("user_id"))
    template = template_of(response.body, response.rules, others=_other_bodies(endpoint, shape))
    element = template.member(name).element
    if segment is None or element is None:
        return None
    head = head_of(response)
    pagination = {"limit": Hole("limit"), "offset": Hole("offset"), "total": Hole("total")}
    frame = Frame(template, {name: [Hole("page")], "pagination": pagination})

    def answer(asked: Asked, rows: Rows) -> Reply:
        query = asked.query
        limit, offset = _number(query, "limit", _DEFAULT_LIMIT), _number(query, "offset", _DEFAULT_OFFSET)
        if not (0 <= limit < _END_OF_BIGINT and 0 <= offset < _END_OF_BIGINT) or _NUL in asked.path:
            return _INTERNAL_ERROR
        found = rows.users.get(unquote(asked.path.split("/")[segment]), NO_BATCHES)
        status = query["status"][0] if "status" in query else ""
        if status:  # RAS takes an empty one for none
            if status not in INTERNAL_STATUSES:
                return _INTERNAL_ERROR
            found = found.by_status.get(status, NO_BATCHES)
        page = b",".join(_page(element, found, offset, limit))
        body = frame.fill(page=page, limit=b"%d" % limit, offset=b"%d" % offset, total=b"%d" % len(found))
        return Reply(head, body, None, _kind_of_rows(found, offset, limit))

    def kind_of(body: Any, query: Mapping[str, Sequence[str]]) -> Kind | None:
        rows = body.get(name) if is_object(body) else None
        if not is_array(rows):
            return None
        limit, offset = _number(query, "limit", _DEFAULT_LIMIT), _number(query, "offset", _DEFAULT_OFFSET)
        pagination: Mapping[str, Any] = body["pagination"] if is_object(body.get("pagination")) else {}
        is_last = pagination.get("total") == offset + len(rows)
        return kind_of_page([row for row in rows if is_object(row)], offset, limit, is_last=is_last)

    return Simulated(answer, kind_of)


def _by_batch(endpoint: Endpoint, shape: Interaction) -> Simulated | None:
    """A map for a shape with an entry for each id asked for, a list for a shape that is one; its state says of what."""
    found = next(((state.name, ids) for state in shape.states if (ids := _mapped(state)) is not None), None)
    if found is None:
        return None
    state, known = found
    if is_array(shape.response.body):
        return _list_of_batch(endpoint, shape, state, known)
    return _map_of_batches(shape, state)


def _mapped(state: State) -> Iterable[str] | None:
    """The batch ids of a state whose params are one mapping by batch id, like those of every `ByBatch`."""
    entries = next(iter(state.params.values())) if len(state.params) == 1 else None
    return entries if is_object(entries) and all(map(_CANONICAL, entries)) else None


def _list_of_batch(endpoint: Endpoint, shape: Interaction, state: str, known: Iterable[str]) -> Simulated | None:
    segment = next((at for at in (_segment(endpoint, batch_id) for batch_id in known) if at is not None), None)
    if segment is None:
        return None
    template = template_of(shape.response.body, shape.response.rules, others=_other_bodies(endpoint, shape))
    head = head_of(shape.response)
    turns = itertools.cycle(range(_ORDERS))

    def answer(asked: Asked, rows: Rows) -> Reply:
        facts = rows.facts(state)
        try:
            fact = facts.get(_canonical(unquote(asked.path.split("/")[segment]), facts))
        except ValueError:
            return _MALFORMED_ID_IN_PATH
        if fact is None:
            return Reply(head, b"[]", None, NONE_HAS)
        return Reply(head, _list(template, fact, next(turns)).encode(), None, fact.rendered[kind_of_list])

    return Simulated(answer, lambda body, _: kind_of_list(body) if is_array(body) else None, is_repeatable=False)


def _map_of_batches(shape: Interaction, state: str) -> Simulated | None:
    body = _members(shape)
    known = next(((key, value) for key, value in body.items() if value is not None), None)
    if known is None:
        return None
    request, response = shape.request, shape.response
    name = next((name for name, values in request.query.items() if set(_ids(values)) >= set(body)), None)
    if name is None:
        return None
    template, head = template_of(known[1], response.rules, at=(known[0],)), head_of(response)
    names_batch = is_object(known[1]) and "batch_id" in known[1]

    def answer(asked: Asked, rows: Rows) -> Reply:
        facts = rows.facts(state)
        try:
            ids = [_canonical(batch_id, facts) for batch_id in _ids(asked.query.get(name, ()))]
        except ValueError:
            return _MALFORMED_ID
        found = {batch_id: facts.get(batch_id) for batch_id in ids}
        pairs = [f'"{one}":{_entry(template, fact, one if names_batch else None)}' for one, fact in found.items()]
        return Reply(head, f"{{{','.join(pairs)}}}".encode(), None, kind_of_map(found))

    return Simulated(answer, lambda body, _: kind_of_map(body))


SIMULATORS: Final[Mapping[str, Simulator]] = {RAS: _ras, CMS: _by_batch}
"""The simulators by provider; other providers are answered from their contracts' examples."""


def _ids(values: Sequence[str]) -> list[str]:
    """The comma-separated ids of a parameter, without blanks and empty ones; of a repeated one the first counts."""
    return [part for part in map(str.strip, values[0].split(",")) if part] if values else []


def _canonical(batch_id: str, known: Mapping[str, object]) -> str:
    is_canonical = batch_id in known or _CANONICAL(batch_id) is not None
    return batch_id if is_canonical else str(UUID(batch_id))


def _text(template: Template, row: RasBatch, turn: int = 0) -> str:
    """The text of a batch, its essays in an order that depends on the turn: RAS promises none."""
    form = (template, turn)
    text = row.rendered.get(form)
    if text is None:
        fields = row.fields
        row.rendered[_kind_of_row] = kind_of_batch(fields) | kind_in_status(row.internal_status)
        essays = _in_some_order(fields["essays"], f"{row.batch_id} {turn}")
        text = row.rendered[form] = template.render({**fields, "essays": essays})
    return text


def _in_some_order(rows: Sequence[Any], seed: str) -> list[Any]:
    found = list(rows)
    Random(seed).shuffle(found)  # noqa: S311  # orders that repeat, no secrets
    return found


def _list(template: Template, known: BatchFact, turn: int) -> str:
    """The text of the rows of a batch, in an order that depends on the turn: CMS promises none."""
    form = (template, turn)
    text = known.rendered.get(form)
    if text is None:
        rows = known.rows
        known.rendered[kind_of_list] = kind_of_list(rows)
        text = known.rendered[form] = template.render(_in_some_order(rows, str(turn)))
    return text


def _page(template: Template, rows: RasBatches, offset: int, limit: int) -> Sequence[bytes]:
    """The texts of the rows of a page; a teacher with thousands of rows pays for those that are shown."""
    texts = rows.rendered.get(template)
    if texts is None:
        texts = rows.rendered[template] = [None] * len(rows)
    page = texts[offset : offset + limit]
    if None in page:
        page = texts[offset : offset + limit] = [_text(template, row).encode() for row in rows[offset : offset + limit]]
    return cast("list[bytes]", page)


def _entry(template: Template, known: BatchFact | None, batch_id: str | None) -> str:
    """The text of an entry, which may contain the id of its batch."""
    if known is None:
        return "null"
    form = (template, batch_id)
    text = known.rendered.get(form)
    if text is None:
        text = known.rendered[form] = template.render({**known.fields, "batch_id": batch_id})
    return text


def _kind_of_row(row: RasBatch) -> Kind:
    """The kind of a batch whose text was made."""
    kind: Kind = row.rendered[_kind_of_row]
    return kind


def _kind_of_rows(rows: RasBatches, offset: int, limit: int) -> Kind:
    """The kind of a page of these rows, whose texts were made; that of a first page is kept beside them."""
    if offset >= len(rows) or limit == 0:
        return kind_of_page((), offset, limit, is_last=True)
    size = min(limit, len(rows) - offset)
    is_last = offset + size == len(rows)
    if offset:
        return kind_of_later_page(size, limit, is_last=is_last)
    kind = rows.kinds.get(limit)
    if kind is None:
        page: list[dict[str, Any]] = [dict(cast("Any", _kind_of_row(row))) for row in rows[:limit]]
        kind = kind_of_page(page, offset, limit, is_last=is_last)
        if len(rows.kinds) < _KINDS_KEPT:
            rows.kinds[limit] = kind
    return kind


def _members(shape: Interaction) -> Mapping[str, Any]:
    body = shape.response.body
    return body if is_object(body) else {}


def _other_bodies(endpoint: Endpoint, shape: Interaction) -> list[object]:
    """The bodies of the endpoint's other responses of the same status: they may show more fields than the shape."""
    responses = [entry.interaction.response for entry in endpoint.entries]
    return [response.body for response in responses if response.status == shape.response.status]


def _is_list_of_batches(value: object) -> bool:
    return is_array(value) and bool(value) and is_object(value[0]) and "batch_id" in value[0]


def _segment(endpoint: Endpoint, value: object) -> int | None:
    """The number of the path segment that has `value` in the example."""
    segments = [unquote(segment) for segment in endpoint.example_path.split("/")]
    return segments.index(value) if isinstance(value, str) and value in segments else None


def _number(query: Mapping[str, Sequence[str]], name: str, default: int) -> int:
    """A parameter as RAS reads it: a value that is not an integer counts as missing."""
    values = query.get(name)
    if not values:
        return default
    try:
        return int(values[0])
    except ValueError:
        return default
