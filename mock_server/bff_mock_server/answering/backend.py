"""Answers requests to one backend from its contract and the rows of a world, without a state of its own."""

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from bff_contracts.pact.binding import fill
from bff_contracts.pact.file import Pact, PactError
from bff_contracts.platform import BY_NAME
from bff_mock_server._json import json_or_none
from bff_mock_server._suggest import meant
from bff_mock_server.answering.attribution import Attributed, Attribution
from bff_mock_server.answering.credentials import Credentials
from bff_mock_server.answering.mock_headers import WantedState
from bff_mock_server.answering.simulators import CREDENTIALS, SIMULATORS, simulated_of
from bff_mock_server.matching.match import (
    Matched,
    Predicate,
    RequestDifference,
    Unmatched,
    find_endpoints,
    match_endpoint,
    match_first,
)
from bff_mock_server.matching.paths import anchors
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import CompiledInteraction, Endpoint, Table, compile_pact
from bff_mock_server.responses.example import Example
from bff_mock_server.responses.refusal import differences_header, explain
from bff_mock_server.responses.reply import AttributedReply, Reply, from_example
from bff_mock_server.world.rows import Rows, StateError
from bff_mock_server.world.world import rows_with

if TYPE_CHECKING:
    from bff_contracts.states import ProviderState

_LOG: Final = logging.getLogger("bff_mock_server")
_FAR: Final = 1000
"""Added to the distance of a request whose path or method the contract does not have."""


def with_http(pacts: Sequence[Pact]) -> list[Pact]:
    """The contracts that have something to serve; logs what is left out or assumed.

    Raises:
        PactError: None of them has an HTTP interaction.
    """
    for pact in pacts:
        for note in pact.notes:
            _LOG.warning("%s", note)
    found = [pact for pact in pacts if pact.interactions]
    if not found:
        names = ", ".join(pact.source for pact in pacts)
        message = f"{names}: no HTTP interaction to serve"
        raise PactError(message)
    return found


class Found(NamedTuple):
    """Where a request belongs in the contract of a backend.

    Attributes:
        backend: Whose contract it is.
        endpoint: Its endpoint; `None` when the contract has none for it.
        outcome: The interaction, or why there is none.
        overlooked: What a lenient mock overlooked to find the endpoint.
    """

    backend: "Backend"
    endpoint: Endpoint | None
    outcome: Matched | Unmatched
    overlooked: Sequence[RequestDifference] = ()

    @property
    def distance(self) -> int:
        """How many differences the request has to the closest interaction; 0 when the contract allows it."""
        differences = () if isinstance(self.outcome, Matched) else self.outcome.differences
        return len(self.overlooked) + len(differences) + (_FAR if self.endpoint is None else 0)


class Backend:
    """A provider that is mocked from its contract.

    Args:
        pact: The contract.
        keys: Keys to accept beside the contract's placeholder.
        elsewhere: Contracts of other providers, to recognise requests that were meant for them.
        lenient: Also answer requests that the contract does not allow, where possible.
        seed: The random seed of generators.

    Attributes:
        provider: The participant's name.
        pact: The contract.
        table: The contract as requests are looked up in it.
        has_states: Whether it is a provider of the platform, whose states are in the catalogue.

    Raises:
        PactError: The contract holds something that the mock cannot honour.
    """

    def __init__(
        self,
        pact: Pact,
        *,
        keys: frozenset[str] = frozenset(),
        elsewhere: Sequence[Pact] = (),
        lenient: bool = False,
        seed: int = 0,
    ) -> None:
        self.provider = pact.provider
        self.table = compile_pact(pact, credentials=CREDENTIALS if pact.provider in SIMULATORS else frozenset())
        self.pact = pact
        self.has_states = pact.provider in BY_NAME
        self._elsewhere = [other for other in elsewhere if other.provider != pact.provider]
        self._lenient = lenient
        self._credentials = Credentials(self.table, keys)
        self._random = Random(seed)  # noqa: S311  # chance that repeats, no secrets
        self._simulated = simulated_of(self.table, lenient=lenient)
        self._attribution = Attribution(
            self.table, {endpoint: simulated.kind_of_interaction for endpoint, simulated in self._simulated.items()}
        )
        self._examples: dict[CompiledInteraction, Example] = {}
        self._states = dict.fromkeys(state.name for one in pact.interactions for state in one.states)

    @cached_property
    def elsewhere(self) -> Sequence[Table]:
        """The tables of other providers, compiled for the first request that is not for this one."""
        return [compile_pact(other) for other in self._elsewhere]

    def find(self, asked: Asked, *, only: Predicate | None = None) -> Found:
        """Find the endpoint and interaction of a request; with `only`, among those interactions."""
        endpoints = find_endpoints(self.table, asked)
        overlooked: Sequence[RequestDifference] = ()
        if isinstance(endpoints, Unmatched):
            intended = self._intended(asked) if self._lenient else None
            if intended is None:
                return Found(self, None, endpoints)
            overlooked, endpoints = endpoints.differences, (intended,)
        endpoint, outcome = match_first(endpoints, asked, only=only)
        return Found(self, endpoint, outcome, overlooked)

    def given(self, states: Sequence[WantedState], found: Found, asked: Asked, rows: Rows) -> tuple[Found, Rows]:
        """The endpoint and interaction of a request, and the rows, with provider states set up for it alone.

        A provider whose states the catalogue does not know answers by the interactions that need these states.

        Raises:
            StateError: The provider has no such state, or its params are wrong.
        """
        if states and not self.has_states:
            return self.find(asked, only=self._needing(states)), rows
        for state in states:
            params = self._own_params(state.name, asked) if state.params is None else state.params
            rows = rows_with(rows, state.name, params, provider=self.provider)
        return found, rows

    def answer(self, found: Found, asked: Asked, rows: Rows) -> AttributedReply:
        """Answer a request from the rows, or refuse it with the reason."""
        _, endpoint, outcome, overlooked = found
        refusal = self._credentials.refusal(endpoint, asked.headers)
        if refusal is not None:
            reply = from_example(refusal.interaction, asked, self._credentials.hint)
            return AttributedReply(reply, endpoint, refusal, is_repeatable=True)
        if isinstance(outcome, Matched):
            entry, case, own = outcome
            if not overlooked:
                reply, is_repeatable = self._reply(endpoint, entry, asked, rows)
                entry, also = self._attribution.of(endpoint, case, entry, own, reply)
                return AttributedReply(reply, endpoint, entry, also, is_repeatable=is_repeatable)
        elif endpoint is None or outcome.nearest is None or not self._lenient:
            elsewhere = self._owner(asked) if endpoint is None else None
            refused = explain(outcome, asked, self.provider, elsewhere=elsewhere)
            nearest = outcome.nearest if elsewhere is None else None
            return AttributedReply(refused, differences=outcome.differences, nearest=nearest, is_repeatable=True)
        else:
            entry, overlooked = outcome.nearest, (*overlooked, *outcome.differences)
        reply, _ = self._reply(endpoint, entry, asked, rows)
        head = reply.head.plus(differences_header(overlooked))
        cases = endpoint.cases if endpoint is not None else ()
        attributed = (
            self._attribution.of(endpoint, one, entry, one.own(asked.path, asked.query), reply)
            for one in cases
            if entry in one.entries
        )
        answered = next(attributed, Attributed(entry)).entry
        return AttributedReply(Reply(head, reply.body), endpoint, answered, differences=overlooked, nearest=entry)

    def attribute(self, found: Found, asked: Asked, reply: Reply, text: bytes) -> AttributedReply:
        """The response of a real provider, and which interaction it belongs to, if the contract has one.

        If the contract does not allow the request, the differences say why, and the response is not judged.

        Args:
            found: Where the request belongs.
            asked: The request.
            reply: The response.
            text: Its body, without a content coding.
        """
        _, endpoint, outcome, _ = found
        if endpoint is None or isinstance(outcome, Unmatched):
            differences = outcome.differences if isinstance(outcome, Unmatched) else ()
            nearest = outcome.nearest if isinstance(outcome, Unmatched) else None
            return AttributedReply(reply, endpoint, differences=differences, nearest=nearest)
        refusals = [one for one in endpoint.refusals if one.interaction.response.status == reply.status]
        if refusals:
            refusal = self._credentials.refusal(endpoint, asked.headers)
            refusal = refusal if refusal in refusals else refusals[0]
            return AttributedReply(reply, endpoint, refusal)
        simulated = self._simulated.get(endpoint)
        if simulated is not None:
            reply = reply._replace(kind=simulated.kind_of(json_or_none(text), asked.query))
        entry, also = self._attribution_of_real.of(endpoint, outcome.case, outcome.entry, outcome.own, reply)
        return AttributedReply(reply, endpoint, entry, also)

    @cached_property
    def _attribution_of_real(self) -> Attribution:
        """The interaction of a real provider's response, which shows less than the rows of a world."""
        return Attribution(
            self.table, {endpoint: simulated.kind_of_answer for endpoint, simulated in self._simulated.items()}
        )

    def _reply(
        self, endpoint: Endpoint | None, entry: CompiledInteraction, asked: Asked, rows: Rows
    ) -> tuple[Reply, bool]:
        """The reply, and whether the same request gets the same one as long as the rows last."""
        simulated = self._simulated.get(endpoint) if endpoint is not None else None
        if simulated is not None:
            return simulated.render(asked, rows), simulated.is_repeatable
        example = self._examples.get(entry)
        if example is None:
            example = self._examples[entry] = Example(entry.interaction)
        return example.reply(asked, self._random), not example.generates

    def _intended(self, asked: Asked) -> Endpoint | None:
        """The endpoint whose path matches except for the value of its one variable segment."""
        for endpoint in self.table.endpoints:
            if endpoint.method != asked.method or endpoint.path.is_literal:
                continue
            begin, end = anchors(endpoint.path)
            varying = asked.path[len(begin) : len(asked.path) - len(end)]
            if asked.path == f"{begin}{varying}{end}" and varying and "/" not in unquote(varying):
                return endpoint
        return None

    def _owner(self, asked: Asked) -> str | None:
        """The other provider that has this path, in case the base URLs are swapped."""
        return next((table.provider for table in self.elsewhere if table.at(asked.path)), None)

    def _needing(self, states: Sequence[WantedState]) -> Predicate:
        unknown = next((state.name for state in states if state.name not in self._states), None)
        if unknown is not None:
            message = f"unknown provider state {unknown!r}; {meant(unknown, self._states)}"
            raise StateError(message)
        names = {state.name for state in states}
        return lambda interaction: names <= {state.name for state in interaction.states}

    def _own_params(self, name: str, asked: Asked) -> Mapping[str, Any]:
        """The params that the contract itself gives a state, filled in for the request."""
        endpoints = find_endpoints(self.table, asked)
        state = self._known_states().get(name)
        if state is None or isinstance(endpoints, Unmatched):
            return {}  # setting the state up reports the error
        for endpoint in endpoints:
            matched = match_endpoint(endpoint, asked, only=lambda one: any(state.name == name for state in one.states))
            if isinstance(matched, Matched):
                filled = fill(matched.entry.interaction, path=asked.path, query=asked.query)
                return next(state.params for state in filled.states if state.name == name)
        message = (
            f"the contract has no params of {name!r} for {asked.method} {asked.path};"
            f" give them: X-Mock-State: {name}; {{…}} with {', '.join(state.params.model_fields)}"
        )
        raise StateError(message)

    def _known_states(self) -> Mapping[str, "ProviderState"]:
        from bff_mock_server.world.states import known_states  # noqa: PLC0415  # Pydantic, as in `state_of`

        return {state.name: state for state in known_states(self.provider)}


def closest(backends: Sequence[Backend], asked: Asked) -> Found:
    """The backend for a request among those of one port: its contract allows the request, or is closest to it."""
    if len(backends) == 1:
        return backends[0].find(asked)
    having = [backend for backend in backends if backend.table.at(asked.path)] or backends
    return min((backend.find(asked) for backend in having), key=lambda found: found.distance)
