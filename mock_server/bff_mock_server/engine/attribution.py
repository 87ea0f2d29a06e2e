"""Finds the interaction that an answer belongs to: a request alone does not tell "none" from "past the end"."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bff_contracts.pact.json_path import is_array, is_object
from bff_mock_server.engine.simulators import Simulated
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import Case, CompiledInteraction, Endpoint, Table
from bff_mock_server.responses.reply import Kind, Reply


class _Alike(NamedTuple):
    """Interactions of one case with indistinguishable answers.

    Attributes:
        kind: What their answers show.
        entries: The interactions.
        plainest: The one with the shortest answer; `None` where several are equally short, or where what they show is
            less than the shape shows: every plain answer would count as one of them.
    """

    kind: Kind
    entries: Sequence[CompiledInteraction]
    plainest: CompiledInteraction | None


class Attribution:
    """The interactions of a contract by what they ask and by what their answers show.

    An answer is of the interaction whose own example was asked for, if it shows all that this one's answer shows. Else
    it is of the plainest of those that show most of what it shows. Else it is of the endpoint's shape.

    Args:
        table: The contract.
        simulated: The endpoints whose answers have kinds; of all others the interaction that was matched has answered.
    """

    def __init__(self, table: Table, simulated: Mapping[Endpoint, Simulated]) -> None:
        self._alike: dict[tuple[Case, int], Sequence[_Alike]] = {}
        self._plainest: dict[tuple[Case, int, Kind], CompiledInteraction | None] = {}
        self._shapes: dict[CompiledInteraction, CompiledInteraction] = {}
        for endpoint in table.endpoints:
            if endpoint in simulated:
                for case in endpoint.cases:
                    self._add(case, endpoint, simulated[endpoint])

    def of(
        self, endpoint: Endpoint | None, case: Case, matched: CompiledInteraction, asked: Asked, reply: Reply
    ) -> CompiledInteraction:
        """The interaction that a reply is of."""
        kind = reply.kind
        if kind is None or endpoint is None:
            return matched
        own = case.own(asked.path, asked.query)
        if own is not None and any(own in one.entries and one.kind <= kind for one in self._of(case, reply.status)):
            return own
        try:
            plainest = self._plainest[case, reply.status, kind]
        except KeyError:
            fitting = (one.plainest for one in self._of(case, reply.status) if one.kind <= kind)
            plainest = next((one for one in fitting if one is not None), None)
            self._plainest[case, reply.status, kind] = plainest
        if plainest is not None:
            return plainest
        shape = endpoint.shape
        if shape is not None and shape.interaction.response.status == reply.status:
            return shape
        return endpoint.with_status(reply.status) or matched

    def counted(self, entry: CompiledInteraction) -> Iterator[CompiledInteraction]:
        """The interactions that are used when one has answered: itself, and the shape that its answer has."""
        yield entry
        if entry in self._shapes:
            yield self._shapes[entry]

    def _of(self, case: Case, status: int) -> Sequence[_Alike]:
        return self._alike.get((case, status), ())

    def _add(self, case: Case, endpoint: Endpoint, simulated: Simulated) -> None:
        groups: dict[int, dict[Kind, list[CompiledInteraction]]] = {}
        shape = endpoint.shape
        for entry in case.entries:
            interaction = entry.interaction
            kind = simulated.kind_of(interaction.response.body, interaction.request.query)
            if entry is not shape and kind is not None:
                groups.setdefault(interaction.response.status, {}).setdefault(kind, []).append(entry)
                if shape is not None and shape.interaction.response.status == interaction.response.status:
                    self._shapes[entry] = shape
        shown = shape and simulated.kind_of(shape.interaction.response.body, shape.interaction.request.query)
        for status, of_status in groups.items():
            alike = [
                _Alike(kind, entries, None if shown and kind < shown else _plainest(entries))
                for kind, entries in of_status.items()
            ]
            self._alike[case, status] = sorted(alike, key=lambda one: len(one.kind), reverse=True)


def _plainest(entries: Sequence[CompiledInteraction]) -> CompiledInteraction | None:
    """The interaction with the shortest answer, if one alone has it."""
    sized = sorted(entries, key=_rows)
    return sized[0] if len(sized) == 1 or _rows(sized[0]) < _rows(sized[1]) else None


def _rows(entry: CompiledInteraction) -> int:
    """How much an answer is about: the entries of its body, and of the lists in it."""
    body: Any = entry.interaction.response.body
    if is_array(body):
        return len(body)
    members = body.values() if is_object(body) else ()
    return sum(len(value) if is_array(value) else 1 for value in members)
