"""One mocked backend: what its contract, over the rows of a world, answers to a request. No state of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from bff_contracts.pact.binding import fill
from bff_contracts.pact.file import Interaction, Pact, Response
from bff_mock_server._suggest import meant
from bff_mock_server.engine.credentials import Credentials
from bff_mock_server.engine.mock_headers import WantedState
from bff_mock_server.engine.simulators import CREDENTIALS, SIMULATED, answers_of
from bff_mock_server.matching.match import (
    Difference,
    Matched,
    Predicate,
    Unmatched,
    find_endpoints,
    match_endpoint,
    match_first,
)
from bff_mock_server.matching.paths import anchors
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import Case, Endpoint, compile_pact
from bff_mock_server.responses.refusal import differences_header, explain
from bff_mock_server.responses.reply import Head, Reply, from_example
from bff_mock_server.world.rows import Rows, StateError, known_states, rows_with

_FAR: Final = 1000
"""Added when it is another path or method that the contract has."""


class Outcome(NamedTuple):
    """An answer and where it comes from.

    Attributes:
        reply: The answer.
        endpoint: Whose it is; `None` for a refusal.
        interaction: What answered; `None` for a refusal.
        case: All interactions that ask the same as `interaction`, when requests are told apart by rules.
        differences: Why the request was refused, or what a lenient mock overlooked.
    """

    reply: Reply
    endpoint: Endpoint | None = None
    interaction: Interaction | None = None
    case: Case | None = None
    differences: Sequence[Difference] = ()


class Backend:
    """A provider as its contract says it is.

    Args:
        pact: The contract.
        keys: Keys to accept beside the contract's placeholder.
        elsewhere: Contracts of other providers, to say so when a request was meant for one of them.
        lenient: Answer also what the contract does not allow, as far as that can be done.

    Attributes:
        provider: The participant's name.
        pact: The contract.
        table: The contract as requests are looked up in it.
        has_states: Whether the catalogue knows provider states of it.

    Raises:
        PactError: The contract holds something that the mock cannot honour.
    """

    def __init__(
        self, pact: Pact, *, keys: frozenset[str] = frozenset(), elsewhere: Sequence[Pact] = (), lenient: bool = False
    ) -> None:
        self.provider = pact.provider
        self.table = compile_pact(pact, credentials=CREDENTIALS if pact.provider in SIMULATED else frozenset())
        self.pact = pact
        self.has_states = bool(known_states(pact.provider))
        self._elsewhere = [compile_pact(other) for other in elsewhere if other.provider != pact.provider]
        self._lenient = lenient
        self._credentials = Credentials(self.table, keys)
        self._answers = answers_of(self.table)
        self._constant = {
            id(interaction): from_example(interaction, Asked("", interaction.request.path, {}, {}))
            for interaction in pact.interactions
            if interaction.request.path_rule is None and not interaction.request.query_rules
        }
        self._states = dict.fromkeys(state.name for one in pact.interactions for state in one.states)

    def answer(self, asked: Asked, rows: Rows, *, only: Predicate | None = None) -> Outcome:
        """Answer a request, or refuse it and say why; with `only`, by none but certain interactions."""
        endpoints = find_endpoints(self.table, asked)
        if isinstance(endpoints, Unmatched):
            meant = self._meant(asked) if self._lenient else None
            if meant is None:
                return self._refused(endpoints, asked, elsewhere=self._owner(asked))
            overlooked, endpoints = endpoints.differences, (meant,)
        else:
            overlooked = ()
        refusal = self._credentials.refusal(endpoints[0], asked.headers)
        if refusal is not None:
            return Outcome(from_example(refusal, asked, self._credentials.hint), endpoints[0], refusal)
        endpoint, outcome = match_first(endpoints, asked, only=only)
        if isinstance(outcome, Matched):
            interaction, case = outcome
            if overlooked:
                return self._overlook(endpoint, interaction, overlooked, asked, rows)
            return Outcome(self._reply(endpoint, interaction, asked, rows), endpoint, interaction, case)
        if self._lenient and outcome.nearest is not None:
            differences = (*overlooked, *outcome.differences)
            return self._overlook(endpoint, outcome.nearest, differences, asked, rows)
        return self._refused(outcome, asked)

    def distance(self, asked: Asked) -> int:
        """How many differences a request has to the closest interaction; 0 when the contract allows it."""
        endpoints = find_endpoints(self.table, asked)
        outcome = endpoints if isinstance(endpoints, Unmatched) else match_first(endpoints, asked)[1]
        if isinstance(outcome, Matched):
            return 0
        return len(outcome.differences) + (_FAR if isinstance(endpoints, Unmatched) else 0)

    def answer_in(self, states: Sequence[WantedState], asked: Asked, rows: Rows) -> Outcome:
        """Answer a request as if provider states were true.

        A provider whose states the catalogue does not know answers by the interactions that need these states.

        Raises:
            StateError: The provider has no such state, or its params are wrong.
        """
        if states and not self.has_states:
            return self.answer(asked, rows, only=self._needing(states))
        for state in states:
            params = self._own_params(state.name, asked) if state.params is None else state.params
            rows = rows_with(rows, state.name, params, provider=self.provider)
        return self.answer(asked, rows)

    def recognise(self, asked: Asked, reply: Reply) -> Outcome:
        """The outcome that the answer of a real provider is: which interaction it belongs to, if the contract has one.

        Differences say why the contract does not allow the request; then it says nothing about the answer either.
        """
        endpoints = find_endpoints(self.table, asked)
        if isinstance(endpoints, Unmatched):
            return Outcome(reply, differences=endpoints.differences)
        endpoint, outcome = match_first(endpoints, asked)
        if isinstance(outcome, Unmatched):
            return Outcome(reply, endpoint, differences=outcome.differences)
        refusal = next((one for one in endpoint.refusals if one.response.status == reply.status), None)
        if refusal is not None:
            return Outcome(reply, endpoint, refusal)
        return Outcome(reply, endpoint, outcome.interaction, outcome.case)

    def expected(self, outcome: Outcome, asked: Asked) -> Response | None:
        """The answer that the contract expects, filled in for the request; `None` for a refusal."""
        if outcome.endpoint is None or outcome.interaction is None:
            return None
        shape = outcome.endpoint.shape
        is_shape = shape is not None and shape.interaction.response.status == outcome.reply.status
        interaction = shape.interaction if shape is not None and is_shape else outcome.interaction
        return fill(interaction, path=asked.path, query=asked.query).response

    def with_status(self, outcome: Outcome, status: int, asked: Asked) -> Reply | None:
        """The contract's own answer of a status at the same endpoint."""
        if outcome.endpoint is None:
            return None
        refusals = (refusal for refusal in outcome.endpoint.refusals if refusal.response.status == status)
        own = next(refusals, None) or outcome.endpoint.with_status(status)
        return from_example(own, asked) if own is not None else None

    def _reply(self, endpoint: Endpoint, interaction: Interaction, asked: Asked, rows: Rows) -> Reply:
        simulated = self._answers.get(endpoint)
        if simulated is not None:
            return simulated(asked, rows)
        return self._constant.get(id(interaction)) or from_example(interaction, asked)

    def _refused(self, unmatched: Unmatched, asked: Asked, *, elsewhere: str | None = None) -> Outcome:
        reply = explain(unmatched, asked, self.provider, elsewhere=elsewhere)
        return Outcome(reply, differences=unmatched.differences)

    def _overlook(
        self,
        endpoint: Endpoint,
        nearest: Interaction,
        differences: Sequence[Difference],
        asked: Asked,
        rows: Rows,
    ) -> Outcome:
        """Answer what the contract does not allow, and say in a header what was overlooked."""
        reply = self._reply(endpoint, nearest, asked, rows)
        head = Head(reply.status, (*reply.head.headers, differences_header(differences)))
        return Outcome(Reply(head, reply.body), endpoint, nearest, differences=differences)

    def _meant(self, asked: Asked) -> Endpoint | None:
        """The endpoint whose rule for the path refuses no more than the one segment that varies."""
        for endpoint in self.table.endpoints:
            if endpoint.method != asked.method or endpoint.path.is_literal:
                continue
            begin, end = anchors(endpoint.path)
            varying = asked.path[len(begin) : len(asked.path) - len(end)]
            if asked.path == f"{begin}{varying}{end}" and varying and "/" not in unquote(varying):
                return endpoint
        return None

    def _owner(self, asked: Asked) -> str | None:
        """The other provider whose path was asked for: base URLs are easily swapped."""
        return next((table.provider for table in self._elsewhere if table.at(asked.path)), None)

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
        if name not in {state.name for state in known_states(self.provider)} or isinstance(endpoints, Unmatched):
            return {}  # whoever sets the state up says what is wrong
        for endpoint in endpoints:
            matched = match_endpoint(endpoint, asked, only=lambda one: any(state.name == name for state in one.states))
            if isinstance(matched, Matched):
                filled = fill(matched.interaction, path=asked.path, query=asked.query)
                return next(state.params for state in filled.states if state.name == name)
        message = (
            f"the contract knows {name!r} for other requests than {asked.method} {asked.path}, so it has no params for"
            f" this one; give them: X-Mock-State: {name}; {{…}} with {self._param_names(name)}"
        )
        raise StateError(message)

    def _param_names(self, name: str) -> str:
        return ", ".join(
            field for state in known_states(self.provider) if state.name == name for field in state.params.model_fields
        )
