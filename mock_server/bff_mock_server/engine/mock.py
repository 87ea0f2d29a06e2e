"""Mocked backends together: over the same worlds, with one journal, disturbed by the faults that are armed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import unquote

from bff_contracts.states import SHORT_NAMES
from bff_mock_server._suggest import meant
from bff_mock_server.engine.backend import Backend, Outcome
from bff_mock_server.engine.journal import Journal, Use, Violation
from bff_mock_server.engine.mock_headers import FAULT, SESSION, STATE, DirectiveError, WantedState, read_directives
from bff_mock_server.faults.apply import disturb
from bff_mock_server.faults.spec import Armed, Fault, FaultError, Route, parse_faults, parse_route
from bff_mock_server.matching.match import NOT_ALLOWED
from bff_mock_server.matching.request import Asked
from bff_mock_server.responses.refusal import complain
from bff_mock_server.responses.reply import Reply
from bff_mock_server.world.rows import StateError
from bff_mock_server.world.scenarios.model import Scenario
from bff_mock_server.world.sessions import SessionError, Worlds
from bff_mock_server.world.world import World


class UnknownProviderError(ValueError):
    """A name that means no provider."""


_NO_ANSWER: Final = frozenset({"reset", "empty"})


class Mock:
    """What every way of using the mock shares: sockets, a test in the same process, the control API.

    Args:
        backends: Who is mocked.
        scenario: What the worlds begin as.
        seed: What chance begins with: a run with the same seed and the same requests repeats exactly.
        log_requests: Log a line per request.

    Attributes:
        backends: Who is mocked.
        worlds: What the answers are about.
        journal: What was asked.
        urls: Where each provider is reached, as far as somebody serves it.
        proxied: Where those providers really are that requests are passed on to.
        problem: What people should know about; empty when there is nothing.

    Raises:
        StateError: The scenario has a state that is not in the catalogue, or wrong params.
    """

    def __init__(
        self, backends: Iterable[Backend], scenario: Scenario, *, seed: int = 0, log_requests: bool = False
    ) -> None:
        self.backends = tuple(backends)
        self._loaded = scenario
        self.worlds = Worlds(scenario, seed=seed)
        self.journal = Journal(log_requests=log_requests)
        self.urls: dict[str, str] = {}
        self.proxied: dict[str, str] = {}
        self.problem = ""

    @property
    def providers(self) -> Mapping[str, str]:
        """The names of the providers that are mocked, the short ones too, and which provider each means."""
        full = {backend.provider: backend.provider for backend in self.backends}
        return {**full, **{short: name for short, name in SHORT_NAMES.items() if name in full}}

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

    def handle(self, backend: Backend, asked: Asked) -> Reply:
        """Answer a request, or refuse it and say why; it is written down either way."""
        headers = asked.headers
        if STATE in headers or FAULT in headers or SESSION in headers:
            try:
                wish = self.wish_of(asked)
                outcome = backend.answer_in(wish.states, asked, wish.world.rows)
            except (DirectiveError, SessionError, StateError) as error:
                return self.refuse(backend, asked, NOT_ALLOWED, str(error))
            return self.finish(backend, asked, outcome, wish)
        world = self.worlds.default
        outcome = backend.answer(asked, world.rows)
        if world.faults:
            return self.finish(backend, asked, outcome, Wish(world))
        self.journal.record(backend.provider, asked, outcome)
        return outcome.reply

    def wish_of(self, asked: Asked) -> "Wish":
        """What a request asks of the mock itself.

        Raises:
            DirectiveError: It is written in no known way.
            SessionError: There can be no such session.
        """
        directives = read_directives(asked.headers)
        world = self.worlds.of(directives.session)
        return Wish(world, directives.session, directives.states, directives.faults)

    def refuse(self, backend: Backend, asked: Asked, status: int, detail: str) -> Reply:
        """Say on the mock's own behalf why there is no answer, and write it down."""
        reply = complain(status, detail, asked)
        self.journal.record(backend.provider, asked, Outcome(reply), reason=detail)
        return reply

    def finish(
        self, backend: Backend, asked: Asked, outcome: Outcome, wish: "Wish", *, violations: Sequence[Violation] = ()
    ) -> Reply:
        """Let happen to an answer what is to happen to it, and write it down."""
        # What the mock says of itself arrives whatever is armed: whoever reads it wants to know what is wrong.
        struck = tuple(wish.strike(backend, asked)) if outcome.endpoint is not None else ()
        reply = outcome.reply
        if struck:
            reply = disturb(
                reply,
                struck,
                wish.world.random,
                known=lambda status: backend.with_status(outcome, status, asked),
                expected=lambda: backend.expected(outcome, asked),
            )
        lost = reply.delivery is not None and reply.delivery.form in _NO_ANSWER
        self.journal.record(
            backend.provider,
            asked,
            outcome,
            status=0 if lost else reply.status,
            session=wish.session,
            fault="; ".join(fault.text for fault in struck),
            violations=violations,
        )
        return reply

    def set_state(
        self,
        backend: Backend,
        name: str,
        params: Mapping[str, Any],
        *,
        teardown: bool = False,
        session: str | None = None,
    ) -> None:
        """Make a provider state true, or take it back.

        A provider whose states the catalogue does not know is served by its examples: they need no state.

        Raises:
            StateError: The provider has no such state, or the params are wrong.
            SessionError: There can be no such session.
        """
        if backend.has_states:
            world = self.worlds.of(session)
            (world.teardown if teardown else world.apply)(name, params, provider=backend.provider)

    def arm(self, route: str, faults: str, *, about: Iterable[str] = (), session: str | None = None) -> Armed:
        """Let things go wrong on a route from now on, beside what is armed already.

        Args:
            route: Such as `*`, `cms` or `ras GET /internal/v1/batches/user/*`.
            faults: Such as `status=503 rate=0.1; latency=200ms`.
            about: Only for requests that name one of these ids.
            session: In whose world; the default one for `None`.

        Raises:
            FaultError: Route or faults are written in no known way, or no endpoint is on the route.
            SessionError: There can be no such session.
        """
        world = self.worlds.of(session)
        armed = Armed(parse_route(route, self.providers, about), parse_faults(faults))
        if not armed.faults:
            message = f"{faults!r} arms nothing; disarm what is armed instead"
            raise FaultError(message)
        if not self.has_route(armed.route):
            routes = ", ".join(
                f"{backend.provider} {one.route}" for backend in self.backends for one in backend.table.endpoints
            )
            message = f"no endpoint is on the route {route!r}; there are: {routes}"
            raise FaultError(message)
        world.arm(armed)
        return armed

    def has_route(self, route: Route) -> bool:
        """Whether an endpoint of the contracts is on a route."""
        return any(
            route.provider in {None, backend.provider}
            and route.method in {None, endpoint.method}
            and (
                route.path is None
                or endpoint.path.accepts(route.path)
                or fnmatchcase(endpoint.example_path, route.path)
            )
            for backend in self.backends
            for endpoint in backend.table.endpoints
        )

    def reload(self, backends: Iterable[Backend], scenario: Scenario) -> None:
        """Replace the contracts, and the scenario if it is another one, between two requests."""
        self.backends = tuple(backends)
        self.journal.forget_uses()
        if not scenario.is_like(self._loaded):
            # Another one may have been chosen meanwhile: only a change of the file is a reason to begin anew.
            self._loaded = scenario
            self.worlds.restart(scenario)
        self.problem = ""

    def coverage(self) -> list[Use]:
        """How often each interaction of the contracts was used."""
        return self.journal.coverage(backend.table for backend in self.backends)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks of the mock itself.

    Attributes:
        world: What the answer is about.
        session: Whose world that is; `None` for the default one.
        states: What has to be true for this answer alone.
        faults: What happens to this answer instead of what is armed; `None` to leave that as it is.
    """

    world: World
    session: str | None = None
    states: Sequence[WantedState] = ()
    faults: Sequence[Fault] | None = None

    def strike(self, backend: Backend, asked: Asked) -> Iterable[Fault]:
        """What happens to the answer; each time it is asked for, chance decides anew."""
        random = self.world.random
        if self.faults is not None:
            yield from Armed(Route(), self.faults).strike(random)
            return
        is_spoilt = False
        for armed in self.world.faults:
            if armed.route.covers(backend.provider, asked.method, asked.path, lambda: _named(asked)):
                for fault in armed.strike(random, is_spoilt=is_spoilt):
                    is_spoilt = is_spoilt or fault.kind != "latency"
                    yield fault


def _named(asked: Asked) -> set[str]:
    """The ids that a request names: in its path, and between the commas of its query."""
    values = (part for sent in asked.query.values() for value in sent for part in value.split(","))
    return {*map(unquote, asked.path.split("/")), *values}
