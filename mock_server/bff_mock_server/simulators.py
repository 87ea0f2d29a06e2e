"""How RAS and CMS answer out of the world, on the contract's templates.

Only this module knows the two domains: what a page is, whose a batch is, what a class id belongs to. It recognises
an endpoint by the form of its shape, and takes everything else (routes, rules, statuses, error bodies, fields) from
the contract. What it does not recognise is left to the contract's own examples.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import unquote
from uuid import UUID

from bff_contracts.pact_file import Interaction
from bff_contracts.states import CMS, RAS
from bff_mock_server.contract import Endpoint, Table
from bff_mock_server.matching import Asked
from bff_mock_server.replies import Reply, fixed_headers, from_example, length
from bff_mock_server.templates import Rendered, Template, template_of
from bff_mock_server.values import is_array, is_object
from bff_mock_server.world import BatchRow, Rows, World

KEY: Final = "x-internal-api-key"
SERVICE: Final = "x-service-id"
CREDENTIALS: Final = frozenset({KEY, SERVICE})
SIMULATED: Final = frozenset({RAS, CMS})
"""The providers whose answers come out of the world."""

_NOT_FOUND: Final = 404

Answer = Callable[[Asked], Reply]


class Simulator(Protocol):
    """Answers for one provider."""

    def answer_for(self, endpoint: Endpoint) -> Answer | None:
        """What answers requests of an endpoint; `None` when the contract's examples have to do."""
        ...


def simulator_for(table: Table, world: World) -> Simulator | None:
    """The simulator of a provider; `None` for a provider that nobody wrote one for."""
    match table.provider:
        case name if name == RAS:
            return RasSimulator(world)
        case name if name == CMS:
            return CmsSimulator(world)
        case _:
            return None


class RasSimulator:
    """Pages of a user's batches, and single batches."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer_for(self, endpoint: Endpoint) -> Answer | None:
        """Pages for a shape with a list of batches and a pagination, one batch for a shape that is one."""
        body = _body(endpoint)
        if "batch_id" in body:
            return self._one(endpoint, body)
        name = next((name for name, value in body.items() if _is_list_of_batches(value)), None)
        return self._page(endpoint, body, name) if name is not None and "pagination" in body else None

    def _one(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Answer | None:
        segment = _segment(endpoint, body["batch_id"])
        if segment is None or endpoint.shape is None:
            return None
        response = endpoint.shape.interaction.response
        rendered = _RenderedRows(
            self._world, template_of(response.body, response.rules, others=_other_bodies(endpoint))
        )
        headers, status, unknown = fixed_headers(response), response.status, endpoint.with_status(_NOT_FOUND)

        def answer(asked: Asked) -> Reply:
            row = self._world.rows.batches.get(unquote(asked.path.split("/")[segment]))
            if row is None:
                return from_example(unknown or _shape(endpoint), asked)
            text = rendered.text(row).encode()
            return Reply(status, (*headers, length(text)), text)

        return answer

    def _page(self, endpoint: Endpoint, body: Mapping[str, Any], name: str) -> Answer | None:
        segment = _segment(endpoint, body[name][0].get("user_id"))
        if segment is None or endpoint.shape is None:
            return None
        response = endpoint.shape.interaction.response
        template = template_of(response.body, response.rules, others=_other_bodies(endpoint))
        element = template.member(name).element
        if element is None:
            return None
        rendered = _RenderedRows(self._world, element)
        headers, status = fixed_headers(response), response.status

        def answer(asked: Asked) -> Reply:
            rows = self._rows(unquote(asked.path.split("/")[segment]), asked.query.get("status"))
            limit, offset = _number(asked.query, "limit", 20), _number(asked.query, "offset", 0)
            page = ",".join(map(rendered.text, rows[offset : offset + limit]))
            pagination = {"limit": limit, "offset": offset, "total": len(rows)}
            text = template.render({name: Rendered(f"[{page}]"), "pagination": pagination}).encode()
            return Reply(status, (*headers, length(text)), text)

        return answer

    def _rows(self, user_id: str, status: Sequence[str] | None) -> Sequence[BatchRow]:
        rows = self._world.rows.users.get(user_id, ())
        return [row for row in rows if row.internal_status == status[0]] if status else rows


class CmsSimulator:
    """The classes of the batches asked for."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer_for(self, endpoint: Endpoint) -> Answer | None:
        """A map for a shape whose keys are the ids of a comma-separated parameter."""
        body = _body(endpoint)
        shape = endpoint.shape
        if shape is None or not body:
            return None
        query = shape.interaction.request.query
        name = next((name for name, values in query.items() if set(",".join(values).split(",")) >= set(body)), None)
        known = next(((key, value) for key, value in body.items() if value is not None), None)
        if name is None or known is None:
            return None
        response = shape.interaction.response
        template = template_of(known[1], response.rules, at=(known[0],))
        headers, status = fixed_headers(response), response.status

        def answer(asked: Asked) -> Reply:
            ids = dict.fromkeys(str(UUID(batch_id)) for batch_id in asked.query[name][0].split(","))
            classes = self._world.rows.classes
            pairs = (f'"{batch_id}":{_class(template, classes.get(batch_id))}' for batch_id in ids)
            text = f"{{{','.join(pairs)}}}".encode()
            return Reply(status, (*headers, length(text)), text)

        return answer


class _RenderedRows:
    """The JSON text of rows, rendered once for as long as the world stands still."""

    def __init__(self, world: World, template: Template) -> None:
        self._world = world
        self._template = template
        self._rows: Rows | None = None
        self._texts: dict[str, str] = {}

    def text(self, row: BatchRow) -> str:
        if self._rows is not self._world.rows:
            self._rows, self._texts = self._world.rows, {}
        text = self._texts.get(row.batch_id)
        if text is None:
            text = self._texts[row.batch_id] = self._template.render(row.answer)
        return text


def _class(template: Template, row: Any) -> str:
    return "null" if row is None else template.render({"class_id": row.class_id, "class_name": row.class_name})


def _body(endpoint: Endpoint) -> Mapping[str, Any]:
    body = endpoint.shape.interaction.response.body if endpoint.shape else None
    return body if is_object(body) else {}


def _other_bodies(endpoint: Endpoint) -> list[object]:
    """The bodies of the endpoint's other answers of the same status: they may show more fields than the shape."""
    responses = [entry.interaction.response for entry in endpoint.entries]
    return [response.body for response in responses if response.status == _shape(endpoint).response.status]


def _shape(endpoint: Endpoint) -> Interaction:
    return (endpoint.shape or endpoint.entries[0]).interaction


def _is_list_of_batches(value: object) -> bool:
    return is_array(value) and bool(value) and is_object(value[0]) and "batch_id" in value[0]


def _segment(endpoint: Endpoint, value: object) -> int | None:
    """Which path segment stands for `value` in the example."""
    segments = [unquote(segment) for segment in endpoint.example_path.split("/")]
    return segments.index(value) if isinstance(value, str) and value in segments else None


def _number(query: Mapping[str, Sequence[str]], name: str, default: int) -> int:
    values = query.get(name)
    return int(values[0]) if values else default
