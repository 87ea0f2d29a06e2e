"""How RAS and CMS answer out of the world, on the contract's templates.

Only this module knows the two domains: what a page is, whose a batch is, what a class id belongs to. It recognises
an endpoint by the form of its shape, and takes everything else (routes, rules, statuses, error bodies, fields) from
the contract. What it does not recognise is left to the contract's own examples.

Requests that the contract does not allow come here only when the mock is lenient; they are answered as the real
services answer them.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final
from urllib.parse import unquote
from uuid import UUID

from bff_contracts.pact.file import Interaction
from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.states import CMS, KINDS, RAS, UUID_PATTERN
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import Endpoint, Table
from bff_mock_server.responses.rendering import Frame, Hole, Template, template_of
from bff_mock_server.responses.reply import Reply, from_example, head_of, json_reply
from bff_mock_server.world.rows import INTERNAL_STATUSES, NO_BATCHES, BatchRow, Entry, Rows

KEY: Final = "x-internal-api-key"
SERVICE: Final = "x-service-id"
CREDENTIALS: Final = frozenset({KEY, SERVICE})
SIMULATED: Final = frozenset({RAS, CMS})
"""The providers whose answers come out of the world."""

_NOT_FOUND: Final = 404
_INTERNAL_ERROR: Final = json_reply(500, {"error": "Internal server error"})
"""What RAS answers to numbers and statuses that its database refuses; in no contract, the BFF never asks for it."""
_MALFORMED_ID: Final = json_reply(400, {"error": "Invalid UUID format"})
"""What CMS answers when one id among those asked for is none."""
_CANONICAL: Final = re.compile(UUID_PATTERN).fullmatch
_DEFAULT_LIMIT: Final = 20
_ORDERS: Final = 4
"""In how many orders the essays of a batch come, from one answer to the next."""
_END_OF_BIGINT: Final = 2**63

Answer = Callable[[Asked, Rows], Reply]
Simulator = Callable[[Endpoint, Interaction], Answer | None]
"""What answers an endpoint with this shape at one provider; `None` when the contract's examples have to do."""


def answers_of(table: Table) -> Mapping[Endpoint, Answer]:
    """What answers each endpoint that a simulator knows; none for a provider that nobody wrote one for."""
    simulator = _SIMULATORS.get(table.provider)
    if simulator is None:
        return {}
    shaped = ((endpoint, endpoint.shape.interaction) for endpoint in table.endpoints if endpoint.shape is not None)
    answers = ((endpoint, simulator(endpoint, shape)) for endpoint, shape in shaped)
    return {endpoint: answer for endpoint, answer in answers if answer is not None}


def _ras(endpoint: Endpoint, shape: Interaction) -> Answer | None:
    """Pages for a shape with a list of batches and a pagination, one batch for a shape that is one."""
    body = _members(shape)
    if "batch_id" in body:
        return _one_batch(endpoint, shape, body["batch_id"])
    name = next((name for name, value in body.items() if _is_list_of_batches(value)), None)
    return _page_of_batches(endpoint, shape, name) if name is not None and "pagination" in body else None


def _one_batch(endpoint: Endpoint, shape: Interaction, batch_id: object) -> Answer | None:
    segment = _segment(endpoint, batch_id)
    if segment is None:
        return None
    template = template_of(shape.response.body, shape.response.rules, others=_other_bodies(endpoint, shape))
    head, unknown = head_of(shape.response), endpoint.with_status(_NOT_FOUND) or shape

    turns = itertools.cycle(range(_ORDERS))

    def answer(asked: Asked, rows: Rows) -> Reply:
        row = rows.batches.get(unquote(asked.path.split("/")[segment]))
        return from_example(unknown, asked) if row is None else Reply(head, _text(template, row, next(turns)).encode())

    return answer


def _page_of_batches(endpoint: Endpoint, shape: Interaction, name: str) -> Answer | None:
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
        limit, offset = _number(query, "limit", _DEFAULT_LIMIT), _number(query, "offset", 0)
        if not (0 <= limit < _END_OF_BIGINT and 0 <= offset < _END_OF_BIGINT):
            return _INTERNAL_ERROR
        found = rows.users.get(unquote(asked.path.split("/")[segment]), NO_BATCHES)
        status = query.get("status")
        if status is not None:
            if status[0] not in INTERNAL_STATUSES:
                return _INTERNAL_ERROR
            found = found.by_status.get(status[0], NO_BATCHES)
        texts = found.rendered.get(element)
        if texts is None:
            texts = found.rendered[element] = [_text(element, row).encode() for row in found]
        page = b",".join(texts[offset : offset + limit])
        return Reply(head, frame.fill(page=page, limit=b"%d" % limit, offset=b"%d" % offset, total=b"%d" % len(found)))

    return answer


def _cms(_: Endpoint, shape: Interaction) -> Answer | None:
    """A map for a shape whose keys are the ids of a comma-separated parameter; its state says what they map to."""
    body = _members(shape)
    known = next(((key, value) for key, value in body.items() if value is not None), None)
    kind = next((KINDS[state.name] for state in shape.states if state.name in KINDS), None)
    if known is None or kind is None:
        return None
    request, response = shape.request, shape.response
    name = next((name for name, values in request.query.items() if set(_ids(values)) >= set(body)), None)
    if name is None:
        return None
    template, head = template_of(known[1], response.rules, at=(known[0],)), head_of(response)
    names_batch = is_object(known[1]) and "batch_id" in known[1]

    def answer(asked: Asked, rows: Rows) -> Reply:
        entries = rows.entries(kind)
        try:
            ids = [_canonical(batch_id, entries) for batch_id in _ids(asked.query.get(name, ()))]
        except ValueError:
            return _MALFORMED_ID
        pairs = [
            f'"{batch_id}":{_entry(template, entries.get(batch_id), batch_id if names_batch else None)}'
            for batch_id in dict.fromkeys(ids)
        ]
        return Reply(head, f"{{{','.join(pairs)}}}".encode())

    return answer


_SIMULATORS: Final[Mapping[str, Simulator]] = {RAS: _ras, CMS: _cms}


def _ids(values: Sequence[str]) -> list[str]:
    """The comma-separated ids of a parameter; of a repeated one the first counts."""
    return values[0].split(",") if values and values[0] else []


def _canonical(batch_id: str, known: Mapping[str, object]) -> str:
    is_canonical = batch_id in known or _CANONICAL(batch_id) is not None
    return batch_id if is_canonical else str(UUID(batch_id))


def _text(template: Template, row: BatchRow, turn: int = 0) -> str:
    """The text of a batch, its essays in an order that depends on the turn: RAS promises none."""
    form = (template, turn)
    text = row.rendered.get(form)
    if text is None:
        essays = list(row.answer["essays"])
        Random(f"{row.batch_id} {turn}").shuffle(essays)  # noqa: S311  # orders that repeat, no secrets
        text = row.rendered[form] = template.render({**row.answer, "essays": essays})
    return text


def _entry(template: Template, known: Entry | None, batch_id: str | None) -> str:
    """The text of an entry, which may tell the id of the batch that it is about."""
    if known is None:
        return "null"
    form = (template, batch_id)
    text = known.rendered.get(form)
    if text is None:
        text = known.rendered[form] = template.render({**known.fields, "batch_id": batch_id})
    return text


def _members(shape: Interaction) -> Mapping[str, Any]:
    body = shape.response.body
    return body if is_object(body) else {}


def _other_bodies(endpoint: Endpoint, shape: Interaction) -> list[object]:
    """The bodies of the endpoint's other answers of the same status: they may show more fields than the shape."""
    responses = [entry.interaction.response for entry in endpoint.entries]
    return [response.body for response in responses if response.status == shape.response.status]


def _is_list_of_batches(value: object) -> bool:
    return is_array(value) and bool(value) and is_object(value[0]) and "batch_id" in value[0]


def _segment(endpoint: Endpoint, value: object) -> int | None:
    """Which path segment stands for `value` in the example."""
    segments = [unquote(segment) for segment in endpoint.example_path.split("/")]
    return segments.index(value) if isinstance(value, str) and value in segments else None


def _number(query: Mapping[str, Sequence[str]], name: str, default: int) -> int:
    """A parameter as RAS reads it: what is no whole number is as good as left out."""
    values = query.get(name)
    if not values:
        return default
    try:
        return int(values[0])
    except ValueError:
        return default
