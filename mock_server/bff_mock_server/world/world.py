"""Holds a world: the rows behind both backends, the states that made them, and the faults that are armed."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from threading import Lock
from typing import Any, Final

from bff_contracts.states import Params
from bff_mock_server.faults.spec import Armed, Fault, Route
from bff_mock_server.matching.request import Asked
from bff_mock_server.world.changes import RowsDraft
from bff_mock_server.world.rows import BatchAnswer, Rows, validated

_UNDO_LIMIT: Final = 64
"""How many states can be taken back; older ones have become part of the world."""

_HEADERS_COUNTED: Final = 1000
"""Requests whose header asks for a number of faults, or for faults in turn; the oldest counts are dropped."""


class World:
    """The rows behind both backends, the states that made them, and what goes wrong there.

    Attributes:
        rows: What answers are about.
        faults: What is armed; empty, and false, when nothing is.
        random: Where chance comes from; the same seed gives the same run.
    """

    def __init__(self, rows: Rows | None = None, *, faults: Iterable[Armed] = (), seed: str = "0") -> None:
        self._base = Rows() if rows is None else rows
        self._applied: list[Params] = []
        self._changing = Lock()  # a test changes the world from its own thread, requests from the server's
        self.rows = self._base
        self.faults = tuple(faults)
        self.random = Random(seed)  # noqa: S311  # faults that repeat, no secrets
        self._by_header: dict[tuple[object, ...], Armed] = {}

    def apply(self, name: str, params: Mapping[str, Any], *, provider: str | None = None) -> None:
        """Make a provider state true.

        Raises:
            StateError: No such state (at `provider`, when one is given), or its params are wrong.
        """
        state = validated(name, params, provider)
        with self._changing:
            self._applied.append(state)
            self.rows = RowsDraft(self.rows).apply(state).rows()
            if len(self._applied) > _UNDO_LIMIT:
                self._base = RowsDraft(self._base).apply(self._applied.pop(0)).rows()

    def teardown(self, name: str, params: Mapping[str, Any], *, provider: str | None = None) -> None:
        """Take a state back: what was there before is restored, whatever else was set up in between.

        A state that is not there (any more) is no error: there is nothing left to take back.

        Raises:
            StateError: As `apply`.
        """
        wanted = validated(name, params, provider)
        with self._changing:
            for at in reversed(range(len(self._applied))):
                if self._applied[at] == wanted:
                    del self._applied[at]
                    break
            draft = RowsDraft(self._base)
            for state in self._applied:
                draft.apply(state)
            self.rows = draft.rows()

    def set_state(self, name: str, params: Mapping[str, Any], *, teardown: bool, provider: str | None = None) -> None:
        """Make a provider state true, or take it back.

        Raises:
            StateError: As `apply`.
        """
        if teardown:
            self.teardown(name, params, provider=provider)
        else:
            self.apply(name, params, provider=provider)

    def put(self, *batches: BatchAnswer) -> None:
        """Let batches be as `batches` say.

        When a state is taken back later, the others are set up again: their rows are then as those states say.
        """
        with self._changing:
            self._base = RowsDraft(self._base).put(batches).rows()
            self.rows = RowsDraft(self.rows).put(batches).rows()

    def arm(self, armed: Armed) -> None:
        """Let something go wrong from now on, beside what goes wrong already."""
        with self._changing:
            self.faults = (*self.faults, armed)

    def disarm(self, number: int | None = None) -> bool:
        """Disarm the faults with a number, or all; `False` when none has the number."""
        with self._changing:
            kept = tuple(armed for armed in self.faults if number is not None and armed.number != number)
            is_there = number is None or len(kept) < len(self.faults)
            self.faults = kept
            if number is None:
                self._by_header.clear()
        return is_there

    def by_header(self, faults: Sequence[Fault], provider: str, asked: Asked) -> Armed:
        """The faults that a request asks for by a header.

        Faults with `times`, or in turn, are counted over the requests that ask the same of a path.
        """
        if all(fault.times is None for fault in faults):
            return Armed(Route(), faults)
        key = (tuple(fault.text for fault in faults), provider, asked.method, asked.path)
        with self._changing:
            armed = self._by_header.pop(key, None) or Armed(Route(), faults)
            self._by_header[key] = armed
            if len(self._by_header) > _HEADERS_COUNTED:
                del self._by_header[next(iter(self._by_header))]
        return armed
