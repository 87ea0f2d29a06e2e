"""Holds a world: the rows behind both backends, the states that made them, and the faults that are armed."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from bff_mock_server.faults.spec import Armed, Fault, Route
from bff_mock_server.matching.request import Asked
from bff_mock_server.world.changes import RowsDraft
from bff_mock_server.world.rows import RasBatch, Rows

if TYPE_CHECKING:
    from bff_mock_server.world.states import ValidState

_UNDO_LIMIT: Final = 64
"""The most states that can be torn down; older ones become permanent."""

_HEADERS_COUNTED: Final = 1000
"""The most `X-Mock-Fault` headers with counted faults that are tracked; the oldest are dropped."""


class World:
    """The rows behind both backends, the states that made them, and the armed faults.

    Attributes:
        rows: The rows.
        faults: The armed faults.
        random: The source of randomness; the same seed gives the same run.
    """

    def __init__(self, rows: Rows | None = None, *, faults: Iterable[Armed] = (), seed: str = "0") -> None:
        self._base = Rows() if rows is None else rows
        self._applied: list[ValidState] = []
        self._changing = Lock()  # a test changes the world from its own thread, requests from the server's
        self.rows = self._base
        self.faults = tuple(faults)
        self.random = Random(seed)  # noqa: S311  # faults that repeat, no secrets
        self._by_header: dict[tuple[object, ...], Armed] = {}

    def apply(self, name: str, params: Mapping[str, Any], *, provider: str | None = None) -> None:
        """Set up a provider state.

        Raises:
            StateError: No such state (at `provider`, when one is given), or its params are wrong.
        """
        state = state_of(name, params, provider)
        with self._changing:
            self._applied.append(state)
            self.rows = state.apply_to(RowsDraft(self.rows)).rows()
            if len(self._applied) > _UNDO_LIMIT:
                self._base = self._applied.pop(0).apply_to(RowsDraft(self._base)).rows()

    def teardown(self, name: str, params: Mapping[str, Any], *, provider: str | None = None) -> None:
        """Tear a state down: restore the rows before it, with the states that were set up since.

        A state that is not set up (any more) is not an error.

        Raises:
            StateError: As `apply`.
        """
        wanted = state_of(name, params, provider)
        with self._changing:
            for at in reversed(range(len(self._applied))):
                if self._applied[at] == wanted:
                    del self._applied[at]
                    break
            draft = RowsDraft(self._base)
            for state in self._applied:
                state.apply_to(draft)
            self.rows = draft.rows()

    def set_state(self, name: str, params: Mapping[str, Any], *, teardown: bool, provider: str | None = None) -> None:
        """Set up or tear down a provider state.

        Raises:
            StateError: As `apply`.
        """
        if teardown:
            self.teardown(name, params, provider=provider)
        else:
            self.apply(name, params, provider=provider)

    def put(self, *batches: RasBatch) -> None:
        """Add or replace batches.

        When a state is torn down later, the others are set up again, which restores their rows.
        """
        with self._changing:
            self._base = RowsDraft(self._base).put(batches).rows()
            self.rows = RowsDraft(self.rows).put(batches).rows()

    def arm(self, armed: Armed) -> None:
        """Arm faults, beside those that are armed already."""
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
        """The faults in a request's header.

        Faults with `times` or `then` are counted over the requests with the same header and path.
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


def state_of(name: str, params: Mapping[str, Any], provider: str | None = None) -> "ValidState":
    """A provider state, checked against the catalogue.

    Raises:
        StateError: No such state (at `provider`, when one is given), or its params are wrong.
    """
    # Pydantic takes longer to load than the mock needs to start without it.
    from bff_mock_server.world.states import validated  # noqa: PLC0415

    return validated(name, params, provider)


def rows_with(rows: Rows, name: str, params: Mapping[str, Any], *, provider: str | None = None) -> Rows:
    """The rows with a provider state set up; `rows` are unchanged.

    Raises:
        StateError: No such state (at `provider`, when one is given), or its params are wrong.
    """
    return state_of(name, params, provider).apply_to(RowsDraft(rows)).rows()
