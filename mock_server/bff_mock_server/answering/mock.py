"""Runs several backends over the same worlds, with one journal and the faults that are armed."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from bff_contracts.platform import PROVIDERS
from bff_mock_server._suggest import meant
from bff_mock_server.answering.backend import Backend, closest
from bff_mock_server.answering.coverage import Use, coverage_of
from bff_mock_server.answering.exchange import Recorded, Violation
from bff_mock_server.answering.journal import Journal
from bff_mock_server.answering.mock_headers import (
    SESSION,
    MockHeaderError,
    MockHeaders,
    read_mock_headers,
)
from bff_mock_server.answering.recall import Recall
from bff_mock_server.faults.apply import strike
from bff_mock_server.faults.spec import Armed, FaultError, Route, parse_faults, parse_route
from bff_mock_server.matching.match import NOT_ALLOWED
from bff_mock_server.matching.request import Asked, Surroundings
from bff_mock_server.matching.table import Endpoint, Table
from bff_mock_server.responses.refusal import complain
from bff_mock_server.responses.reply import AttributedReply, Reply
from bff_mock_server.world.rows import StateError
from bff_mock_server.world.scenarios.model import Scenario, ScenarioError
from bff_mock_server.world.sessions import EVERY_SESSION, SessionError, Sessions, is_session
from bff_mock_server.world.world import World

_DIGIT: Final = re.compile(r"\d")


class UnknownProviderError(ValueError):
    """A name that means no provider."""


class Mock:
    """The mock behind all ways of using it: sockets, a test in the same process, the control API.

    Args:
        backends: The mocked providers.
        scenario: What the worlds start as.
        seed: The random seed; a run with the same seed and the same requests repeats exactly.
        log_requests: Log a line per request.
        keys: Keys that the backends accept beside the placeholder; no record holds one.

    Attributes:
        backends: The mocked providers.
        sessions: The worlds that responses are about.
        journal: The recorded requests.
        urls: The URLs of the providers that are served.
        proxied: The real URLs of providers to which requests are passed on.
        problem: A problem that people should know about; empty if there is none.

    Raises:
        StateError: The scenario has a state that is not in the catalogue, or wrong params.
        ScenarioError: A fault of the scenario is on no route of the contracts.
    """

    def __init__(
        self,
        backends: Iterable[Backend],
        scenario: Scenario,
        *,
        seed: int = 0,
        log_requests: bool = False,
        keys: Collection[str] = (),
    ) -> None:
        self.backends = tuple(backends)
        _check_routes(scenario, self.backends)
        self._loaded = scenario
        self.sessions = Sessions(scenario, seed=seed)
        self.journal = Journal(log_requests=log_requests, keys=keys)
        self._recall = Recall()
        self.urls: dict[str, str] = {}
        self.proxied: dict[str, str] = {}
        self.problem = ""

    @property
    def providers(self) -> Mapping[str, str]:
        """The names of the providers that are mocked, the short ones too, and which provider each means."""
        full = {backend.provider: backend.provider for backend in self.backends}
        return {**full, **{one.short: one.name for one in PROVIDERS if one.name in full}}

    def provider_named(self, name: str) -> str:
        """The provider that a name, short or full, means.

        Raises:
            UnknownProviderError: It means none that is mocked here.
        """
        provider = self.providers.get(name)
        if provider is None:
            message = f"no provider {name!r} is mocked here; {meant(name, self.providers)}"
            raise UnknownProviderError(message)
        return provider

    def handle(self, backends: Sequence[Backend], asked: Asked) -> Reply:
        """Answer a request for one of these backends, or refuse it with the reason; record it either way."""
        found = closest(backends, asked)
        backend = found.backend
        try:
            headers = read_mock_headers(asked.headers)
            world = self.sessions.world_of(headers.session)
            rows = world.rows
            if headers.states:
                found, rows = backend.given(headers.states, found, asked, rows)
        except (MockHeaderError, SessionError, StateError) as error:
            return self.refuse(backend, asked, NOT_ALLOWED, str(error))
        attributed = backend.answer(found, asked, rows)
        recorded, reply = self.conclude(backend, asked, attributed, world, headers)
        if attributed.is_repeatable and reply is attributed.reply and headers.faults is None:
            self._recall.remember(backends, asked, recorded, reply, rows)
        return reply

    def recall(
        self, backends: Sequence[Backend], surroundings: Surroundings, target: str, correlation_id: str | None
    ) -> Reply | None:
        """Answer a request that repeats an earlier one, its correlation id aside, and record it.

        `None` if no response is remembered, or if the response may have changed.
        """
        began = perf_counter()
        known = self._recall.find(backends, surroundings, target)
        if known is None or not known.holds(self.sessions.world_of(known.recorded.session), correlation_id):
            return None
        self.journal.repeat(known.recorded, correlation_id, perf_counter() - began)
        return known.reply

    def refuse(self, backend: Backend, asked: Asked, status: int, detail: str) -> Reply:
        """Refuse a request on the mock's own behalf, and record it."""
        attributed = AttributedReply(complain(status, detail, asked), reason=detail)
        session = asked.headers.get(SESSION)
        self.journal.record(backend.provider, asked, attributed, session=session if is_session(session) else None)
        return attributed.reply

    def conclude(
        self,
        backend: Backend,
        asked: Asked,
        attributed: AttributedReply,
        world: World,
        headers: MockHeaders,
        violations: Sequence[Violation] = (),
    ) -> tuple[Recorded, Reply]:
        """Apply the faults that are armed in a world, or requested by a header, to a response, and record it."""
        # No fault applies to a refusal by the mock itself: the developer has to see what is wrong with the request.
        if attributed.endpoint is None:
            armed: Sequence[Armed] = ()
        elif headers.faults is None:
            armed = world.faults
        else:
            armed = (world.by_header(headers.faults, backend.provider, asked),)
        if armed:
            attributed = strike(attributed, armed, backend.provider, asked, world.random)
        recorded = self.journal.record(
            backend.provider,
            asked,
            attributed,
            session=headers.session,
            violations=violations,
            is_real=backend.provider in self.proxied,
        )
        return recorded, attributed.reply

    def set_state(
        self,
        backend: Backend,
        name: str,
        params: Mapping[str, Any],
        *,
        teardown: bool = False,
        session: str | None = None,
    ) -> None:
        """Set up or tear down a provider state.

        A provider whose states the catalogue does not know is served by its examples: they need no state.

        Raises:
            StateError: The provider has no such state, or the params are wrong.
            SessionError: There can be no such session.
        """
        if backend.has_states:
            self.sessions.world_of(session).set_state(name, params, teardown=teardown, provider=backend.provider)

    def arm(self, route: str, faults: str, *, about: Iterable[str] = (), session: str | None = None) -> Armed:
        """Arm faults on a route, beside those that are armed already.

        Args:
            route: Such as `*`, `cms` or `ras GET /internal/v1/batches/user/*`.
            faults: Such as `status=503 rate=0.1; latency=200ms`.
            about: Only for requests that name one of these ids.
            session: In whose world; the default one for `None`.

        Raises:
            FaultError: Route or faults are invalid, or no endpoint matches the route.
            SessionError: There can be no such session.
        """
        world = self.sessions.world_of(session)
        armed = Armed(parse_route(route, self.providers, about), parse_faults(faults))
        if not armed.faults:
            message = f"{faults!r} arms no fault; disarm the armed ones instead"
            raise FaultError(message)
        tables = [backend.table for backend in self.backends]
        if not _has_route(armed.route, tables):
            raise FaultError(_no_route(route, tables))
        world.arm(armed)
        return armed

    def disarm(self, number: int | None = None, *, session: str | None = None) -> None:
        """Disarm all faults, or those with a number.

        Raises:
            FaultError: No armed fault has the number.
            SessionError: There can be no such session.
        """
        world = self.sessions.world_of(session)
        if not world.disarm(number):
            known = ", ".join(str(armed.number) for armed in world.faults) or "none"
            message = f"no fault with the number {number} is armed; there are: {known}"
            raise FaultError(message)

    def use(self, scenario: Scenario) -> None:
        """Restart the default world with another scenario.

        Raises:
            ScenarioError: A fault of the scenario is on no route of the contracts.
        """
        _check_routes(scenario, self.backends)
        self.sessions.restart(None, scenario)

    def reload(self, backends: Iterable[Backend], scenario: Scenario) -> None:
        """Replace the contracts, and the scenario if it is another one, between two requests.

        Raises:
            ScenarioError: A fault of the scenario is on no route of the contracts; nothing is replaced then.
        """
        backends = tuple(backends)
        _check_routes(scenario, backends)
        self.backends = backends
        self.journal.forget_uses()
        self._recall.forget()
        if not scenario.is_like(self._loaded):
            # A different one may have been chosen meanwhile: only a change of the file is a reason to restart.
            self._loaded = scenario
            self.sessions.restart_all(scenario)
        self.problem = ""

    def end(self, session: str) -> bool:
        """Forget a session, its world and its requests; `False` when there is none."""
        is_there = self.sessions.end(session)
        if is_there:
            self.journal.clear(session)
        return is_there

    def coverage(self, session: str | None = EVERY_SESSION) -> list[Use]:
        """How often each interaction of the contracts was used; `session` as in `Journal.uses`."""
        return coverage_of(self.backends, self.journal.uses(session))


def _check_routes(scenario: Scenario, backends: Sequence[Backend]) -> None:
    """See that each fault of a scenario is on a route of the contracts, those that are not served included."""
    if not scenario.faults:
        return
    tables = [table for backend in backends for table in (backend.table, *backend.elsewhere)]
    for armed in scenario.faults:
        if not _has_route(armed.route, tables):
            message = f"{armed.place or scenario.name}: {_no_route(str(armed.route), tables)}"
            raise ScenarioError(message)


def _no_route(route: str, tables: Iterable[Table]) -> str:
    routes = dict.fromkeys(f"{table.provider} {endpoint.route}" for table in tables for endpoint in table.endpoints)
    from difflib import SequenceMatcher  # noqa: PLC0415  # for this message alone

    nearest = sorted(routes, key=lambda known: SequenceMatcher(None, known, route).ratio(), reverse=True)
    return f"no endpoint matches the route {route!r}; known, the nearest first: {', '.join(nearest)}"


def _has_route(route: Route, tables: Iterable[Table]) -> bool:
    """Whether an endpoint of a contract is on a route."""
    return any(
        route.provider in {None, table.provider} and route.method in {None, endpoint.method} and _is_on(endpoint, route)
        for table in tables
        for endpoint in table.endpoints
    )


def _is_on(endpoint: Endpoint, route: Route) -> bool:
    """Whether requests of an endpoint can be on a route; a `{name}` in it matches an id and no fixed word."""
    if route.path is None or endpoint.path.accepts(route.path):
        return True
    variables = route.variables_in(endpoint.example_path)
    if variables is None:
        return False
    return not endpoint.path.is_literal or all(_DIGIT.search(value) for value in variables)
