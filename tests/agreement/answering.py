"""Checks that the official engine allows each answer of the mock."""

from collections import Counter
from collections.abc import Callable
from typing import Final

import httpx
from hypothesis import strategies as st

from bff_contracts.judge import Judge
from bff_contracts.pact.file import Pact, shipped_pacts
from bff_mock_server import Backend, Mock, MockApp, Scenario
from bff_mock_server.matching.request import Asked
from bff_mock_server.serving.http import header_map, query_of
from bff_mock_server.serving.in_process import respond
from bff_mock_server.world.world import World
from tests.agreement.requests import requests
from tests.agreement.worlds import STATES

PACTS: Final = shipped_pacts()
JUDGES: Final = {pact.provider: Judge(pact) for pact in PACTS}
BACKENDS: Final = tuple(map(Backend, PACTS))


def apps(scenario: Scenario) -> dict[str, MockApp]:
    """Mocks of both providers over one scenario, without its faults."""
    mock = Mock(BACKENDS, scenario)
    mock.sessions.default = World(mock.sessions.default.rows)
    return {backend.provider: MockApp(mock, backend) for backend in mock.backends}


def answering(app: MockApp) -> Callable[[httpx.Request], object]:
    """A transport between an httpx client and a mock, instead of the network."""
    return lambda request: respond(app, "", request)


def agree(app: MockApp, pact: Pact, data: st.DataObject, counts: Counter[str]) -> None:
    """Send requests that the contract allows, to any world, and check that the engine allows the answers."""
    interaction = data.draw(st.sampled_from(pact.interactions), label="interaction")
    wire = data.draw(requests(interaction.request), label="request")
    headers = header_map([(name.encode(), value.encode()) for name, value in wire.headers])
    query = wire.target.partition("?")[2]
    reply = app.reply(Asked(wire.method, wire.path, query_of(query), headers, query))
    found = JUDGES[pact.provider].violations(
        method=wire.method,
        target=wire.target,
        status=reply.status,
        content_type=header_map([*reply.headers]).get("content-type"),
        body=reply.body,
    )
    assert not found, f"{wire}: {reply.status} {reply.body.decode()}: {', '.join(map(str, found))}"
    counts[str(reply.status)] += 1


def disturb(app: MockApp, data: st.DataObject) -> None:
    """Set up some provider states, in addition to the present ones."""
    for state, params in data.draw(st.lists(STATES, max_size=4), label="states"):
        app.mock.sessions.default.apply(state.name, params, provider=state.provider)
