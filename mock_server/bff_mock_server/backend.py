"""One mocked backend as a function from requests to replies; no sockets here."""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from bff_contracts.pact_file import Pact
from bff_mock_server.contract import Endpoint, compile_pact
from bff_mock_server.credentials import Credentials
from bff_mock_server.matching import Asked, Matched, Unmatched, find_endpoints, match_first
from bff_mock_server.replies import Reply, explain, from_example
from bff_mock_server.simulators import CREDENTIALS, SIMULATED, Answer, simulator_for
from bff_mock_server.world import World, known_states


class Backend:
    """A provider as its contract says it is, over a world that several backends share.

    Args:
        pact: The contract.
        world: What the answers are about.
        keys: Keys to accept beside the contract's placeholder.
        elsewhere: Contracts of other providers, to say so when a request was meant for one of them.

    Raises:
        PactError: The contract holds something that the mock cannot honour.
    """

    def __init__(
        self, pact: Pact, world: World, *, keys: frozenset[str] = frozenset(), elsewhere: Sequence[Pact] = ()
    ) -> None:
        self.provider = pact.provider
        self.table = compile_pact(pact, credentials=CREDENTIALS if pact.provider in SIMULATED else frozenset())
        self._elsewhere = [compile_pact(other) for other in elsewhere if other.provider != pact.provider]
        self._world = world
        self._credentials = Credentials(self.table, keys)
        simulator = simulator_for(self.table, world)
        answers = ((endpoint, simulator.answer_for(endpoint)) for endpoint in self.table.endpoints) if simulator else ()
        self._answers: dict[Endpoint, Answer] = {endpoint: answer for endpoint, answer in answers if answer}

    def handle(self, asked: Asked) -> Reply:
        """Answer a request, or refuse it and say why."""
        endpoints = find_endpoints(self.table, asked)
        if isinstance(endpoints, Unmatched):
            return explain(endpoints, asked, self.provider, elsewhere=self._owner(asked))
        refusal = self._credentials.refusal(endpoints[0], asked.headers)
        if refusal is not None:
            return from_example(refusal, asked)
        endpoint, outcome = match_first(endpoints, asked)
        match outcome:
            case Matched(interaction):
                answer = self._answers.get(endpoint)
                return answer(asked) if answer is not None else from_example(interaction, asked)
            case Unmatched() as unmatched:
                return explain(unmatched, asked, self.provider)
            case _ as unreachable:
                assert_never(unreachable)

    def _owner(self, asked: Asked) -> str | None:
        """The other provider whose path was asked for: base URLs are easily swapped."""
        return next((table.provider for table in self._elsewhere if table.at(asked.path)), None)

    def set_state(self, name: str, params: Mapping[str, Any], *, teardown: bool = False) -> None:
        """Make a provider state true, or take it back.

        A provider whose states the catalogue does not know is served by its examples: they need no state.

        Raises:
            StateError: The provider has no such state, or the params are wrong.
        """
        if not known_states(self.provider):
            return
        change = self._world.teardown if teardown else self._world.apply
        change(name, params, provider=self.provider)
