"""Keeps the default world, and a separate world for each session."""

import logging
import re
from collections import OrderedDict
from typing import Final

from bff_mock_server.world.scenarios.model import Scenario
from bff_mock_server.world.world import World

MAX_SESSIONS: Final = 1000
"""Sessions kept. The least recently used one is evicted beyond that, so that memory stays bounded."""

_ID: Final = re.compile(r"[!-~]{1,128}")
_LOG: Final = logging.getLogger("bff_mock_server")


EVERY_SESSION: Final = "*"
"""Means all sessions where requests are read or cleared; `None` means the default world."""


class SessionError(ValueError):
    """An invalid session id."""


def is_session(session: str | None) -> bool:
    """Whether a session can have this id."""
    return session is not None and session != EVERY_SESSION and _ID.fullmatch(session) is not None


def check_session(session: str) -> None:
    """Check that a session can have this id.

    Raises:
        SessionError: It is not 1 to 128 visible ASCII characters, or it means all sessions.
    """
    if not _ID.fullmatch(session):
        message = f"a session's id is 1 to 128 visible ASCII characters, not {session[:128]!r}"
        raise SessionError(message)
    if session == EVERY_SESSION:
        message = f"{EVERY_SESSION} means all sessions: only reading and clearing requests accept it"
        raise SessionError(message)


class Sessions:
    """The default world and one world for each session; each starts as the scenario.

    Args:
        scenario: The scenario that worlds start as.
        seed: The random seed, which is combined with the session's id.
    """

    def __init__(self, scenario: Scenario, *, seed: int = 0) -> None:
        self.scenario = scenario
        self._seed = seed
        self._sessions: OrderedDict[str, World] = OrderedDict()
        self._scenarios: dict[str, Scenario] = {}
        self.default = self._begin(None)

    @property
    def names(self) -> tuple[str, ...]:
        """The ids of the sessions that have a world, the most recently used last."""
        return tuple(self._sessions)

    def world_of(self, session: str | None) -> World:
        """The world of a session, made at its first use; the default one for `None`.

        Raises:
            SessionError: The id is not 1 to 128 visible ASCII characters.
        """
        if session is None:
            return self.default
        world = self._sessions.get(session)
        if world is not None:
            self._sessions.move_to_end(session)
            return world
        check_session(session)
        world = self._sessions[session] = self._begin(session)
        if len(self._sessions) > MAX_SESSIONS:
            oldest = next(iter(self._sessions))
            self.end(oldest)
            _LOG.warning("evicted least recently used session %s (limit %d)", oldest, MAX_SESSIONS)
        return world

    def look(self, session: str | None) -> World:
        """The world of a session, without making it: the world that it would start as, if it does not exist.

        Raises:
            SessionError: As `world_of`.
        """
        if session is None:
            return self.default
        check_session(session)
        return self._sessions.get(session) or self._begin(session)

    def restart(self, session: str | None, scenario: Scenario | None = None) -> World:
        """Restart a world, with another scenario if one is given; for `None`, new worlds start with it too.

        Raises:
            SessionError: As `world_of`.
        """
        if session is None:
            self.scenario = scenario or self.scenario
            self.default = self._begin(None)
            return self.default
        self.world_of(session)
        if scenario is not None:
            self._scenarios[session] = scenario
        world = self._sessions[session] = self._begin(session)
        return world

    def restart_all(self, scenario: Scenario) -> None:
        """Restart every world with another scenario."""
        self._sessions.clear()
        self._scenarios.clear()
        self.restart(None, scenario)

    def end(self, session: str) -> bool:
        """Forget a session; `False` when there is none."""
        self._scenarios.pop(session, None)
        return self._sessions.pop(session, None) is not None

    def scenario_of(self, session: str | None) -> Scenario:
        """The scenario that a session's world starts as.

        Raises:
            SessionError: As `world_of`.
        """
        if session is not None:
            check_session(session)
        return self._scenarios.get(session or "", self.scenario)

    def _begin(self, session: str | None) -> World:
        return self.scenario_of(session).build(seed=f"{self._seed}/{session or ''}")
