"""Finds the interactions that a response belongs to: the request of an empty page and of one past the end are alike."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bff_contracts.pact.file import Interaction
from bff_contracts.pact.json_path import is_array, is_object
from bff_mock_server.answering.kinds import INCIDENTAL
from bff_mock_server.matching.table import Case, CompiledInteraction, Endpoint, Table
from bff_mock_server.responses.reply import Kind, Reply

KindOf = Callable[[Interaction], Kind | None]
"""Returns the kind of an interaction's response."""


class Attributed(NamedTuple):
    """The interactions that a response belongs to.

    Attributes:
        entry: The main one.
        also: Other interactions whose case it shows too, and the shape of its endpoint.
    """

    entry: CompiledInteraction
    also: tuple[CompiledInteraction, ...] = ()


class _Alike(NamedTuple):
    """Interactions of one case with indistinguishable answers.

    Attributes:
        kind: What a response has to show to be of them.
        entries: The interactions.
        plainest: The one with the shortest response; `None` where several are equally short, or where what they show is
            less than the shape shows: every plain response would count as one of them.
    """

    kind: Kind
    entries: Sequence[CompiledInteraction]
    plainest: CompiledInteraction | None


class Attribution:
    """The interactions of a contract by what they ask and by what their responses show.

    A response belongs to each interaction whose response shows nothing more than this one: a page that is full, and in
    spellcheck, belongs to both. Left out are interactions that show less than another one that counts. Of interactions
    that show the same, the one counts whose own example was asked for, else the plainest. The endpoint's shape counts
    too.

    Args:
        table: The contract.
        kinds: Endpoints whose responses have kinds, and what tells the kind of an interaction; a response of any other
            endpoint is of the interaction that was matched.
    """

    def __init__(self, table: Table, kinds: Mapping[Endpoint, KindOf]) -> None:
        self._alike: dict[tuple[Case, int], Sequence[_Alike]] = {}
        self._known: dict[tuple[Case, int, Kind, CompiledInteraction | None], Attributed] = {}
        for endpoint in table.endpoints:
            if endpoint in kinds:
                for case in endpoint.cases:
                    self._add(case, endpoint.shape, kinds[endpoint])

    def of(
        self,
        endpoint: Endpoint | None,
        case: Case,
        matched: CompiledInteraction,
        own: CompiledInteraction | None,
        reply: Reply,
    ) -> Attributed:
        """The interactions that a reply belongs to; `own` is the one of the case whose own example is requested."""
        kind = reply.kind
        if kind is None or endpoint is None:
            return Attributed(matched)
        key = case, reply.head.status, kind, own
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._found(endpoint, case, matched, reply, own)
        return known

    def _found(
        self,
        endpoint: Endpoint,
        case: Case,
        matched: CompiledInteraction,
        reply: Reply,
        own: CompiledInteraction | None,
    ) -> Attributed:
        fitting = [one for one in self._alike.get((case, reply.status), ()) if one.kind <= (reply.kind or frozenset())]
        best = ((own if own in one.entries else one.plainest, one.kind) for one in fitting)
        shown = {entry: kind for entry, kind in best if entry is not None}
        most = [one for one in shown if one is own or not any(shown[one] < other for other in shown.values())]
        most.sort(key=lambda one: one is not own)
        shape = endpoint.shape
        if shape is not None and shape.interaction.response.status == reply.status:
            most.append(shape)
        first, *others = most or [endpoint.with_status(reply.status) or matched]
        return Attributed(first, tuple(others))

    def _add(self, case: Case, shape: CompiledInteraction | None, kind_of: KindOf) -> None:
        shown = kind_of(shape.interaction) if shape is not None and shape in case.entries else None
        groups: dict[int, dict[Kind, list[CompiledInteraction]]] = {}
        for entry in case.entries:
            kind = kind_of(entry.interaction)
            if entry is not shape and kind is not None:
                groups.setdefault(entry.interaction.response.status, {}).setdefault(kind, []).append(entry)
        for status, of_status in groups.items():
            alike = [
                _Alike(_required(kind, of_status), entries, None if shown and kind < shown else _plainest(entries))
                for kind, entries in of_status.items()
            ]
            self._alike[case, status] = sorted(alike, key=lambda one: len(one.kind), reverse=True)


def _required(kind: Kind, kinds: Iterable[Kind]) -> Kind:
    """A kind without the features that are incidental in all interactions that differ in nothing else."""
    alike = [one for one in kinds if one - INCIDENTAL == kind - INCIDENTAL]
    return kind - (INCIDENTAL & frozenset[object].intersection(*alike))


def _plainest(entries: Sequence[CompiledInteraction]) -> CompiledInteraction | None:
    """The interaction with the shortest response, if it is the only one."""
    sized = sorted(entries, key=_rows)
    return sized[0] if len(sized) == 1 or _rows(sized[0]) < _rows(sized[1]) else None


def _rows(entry: CompiledInteraction) -> int:
    """The size of a response: the entries of its body, and of the lists in it."""
    body: Any = entry.interaction.response.body
    if is_array(body):
        return len(body)
    members = body.values() if is_object(body) else ()
    return sum(len(value) if is_array(value) else 1 for value in members)
