"""Streams events to the control page.

It polls the journal four times a second, so an open page costs a busy mock almost nothing; of very many requests it
passes on the latest.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from pydantic import BaseModel

from bff_mock_server.answering.mock import Mock
from bff_mock_server.control.views import JournalEntry

_TICK_SECONDS: Final = 0.25
_AT_MOST: Final = 50
"""The most requests passed on per tick: a person cannot read more."""
_SILENT_TICKS: Final = 60
"""After so many ticks without news a comment is sent, so that a client that is gone is noticed."""


class Arrived(BaseModel):
    """The requests since the last tick, the count of all requests, and the run of the mock."""

    start: str
    count: int
    exchanges: list[JournalEntry]


async def events(mock: Mock, *, after: int, start: str = "", is_closing: Callable[[], bool]) -> AsyncIterator[str]:
    """Server-sent events: `exchanges` for requests, `changed` when something was loaded or armed.

    Args:
        mock: The mock to watch.
        after: The number of the last request that the client has.
        start: The run of the mock that this number is of; in a new run, all requests are sent.
        is_closing: Whether the server is about to end.
    """
    seen = after if start == mock.journal.start else 0
    known = _page_state(mock)
    is_first, silent = True, 0
    while not is_closing():
        silent += 1
        count = mock.journal.count
        if is_first or count != seen:
            latest = mock.journal.exchanges(after=max(seen, count - _AT_MOST))
            arrived = Arrived(
                start=mock.journal.start, count=count, exchanges=[JournalEntry.model_validate(one) for one in latest]
            )
            yield f"event: exchanges\ndata: {arrived.model_dump_json()}\n\n"
            is_first, seen, silent = False, count, 0
        state = _page_state(mock)
        if state != known:
            yield "event: changed\ndata: {}\n\n"
            known, silent = state, 0
        if silent >= _SILENT_TICKS:
            yield ": still here\n\n"
            silent = 0
        await asyncio.sleep(_TICK_SECONDS)


def _page_state(mock: Mock) -> tuple[object, ...]:
    """The state that a page shows besides the journal; two are unequal when a part of it has changed."""
    sessions = mock.sessions
    return (sessions.scenario, sessions.default.faults, mock.backends, mock.problem)
