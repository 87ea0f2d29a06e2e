"""Checks that the mock's matcher decides like the official engine."""

import json
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from bff_contracts.pact.file import Interaction, Pact, read_pact
from bff_mock_server.matching.match import Matched, Unmatched, find_endpoints, match_first
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import Table, compile_pact
from bff_mock_server.serving.http import header_map, query_of
from tests.agreement.contracts import contracts
from tests.agreement.engine import EngineServers, OfficialMatcher
from tests.agreement.requests import Wire, near_misses

REQUESTS_EACH = 6
"""Requests for each contract that is drawn."""


@dataclass(frozen=True, repr=False)
class Contest:
    """One interaction, as both sides know it."""

    interaction: Interaction
    table: Table
    official: OfficialMatcher

    def __repr__(self) -> str:
        return self.interaction.description


@contextmanager
def contests(pacts: Sequence[Pact]) -> Generator[list[Contest]]:
    """Every interaction of these contracts, alone."""
    with ExitStack() as stack:
        yield [
            Contest(
                interaction,
                compile_pact(replace(pact, interactions=(interaction,))),
                stack.enter_context(OfficialMatcher(document)),
            )
            for pact in pacts
            for interaction, document in zip(pact.interactions, pact.document["interactions"], strict=True)
        ]


def matches(table: Table, wire: Wire) -> bool:
    """The decision of the mock's matcher."""
    query = wire.target.partition("?")[2]
    headers = header_map([(name.encode(), value.strip().encode("latin-1")) for name, value in wire.headers])
    asked = Asked(wire.method, wire.path, query_of(query), headers, query, wire.body)
    found = find_endpoints(table, asked)
    return not isinstance(found, Unmatched) and isinstance(match_first(found, asked)[1], Matched)


def agree(contest: Contest, data: st.DataObject, counts: Counter[str]) -> None:
    """Generate a request for an interaction, or one that misses it, and see that both sides agree."""
    changed, wire = data.draw(near_misses(contest.interaction.request), label="request")
    official = contest.official.accepts(wire.method, wire.target, wire.headers)
    ours = matches(contest.table, wire)
    assert ours == official, f"the engine says {official}, the mock {ours}; changed: {changed}; {wire}"
    counts["allowed" if official else "forbidden"] += 1


def agree_on_any_contract(servers: EngineServers, data: st.DataObject, counts: Counter[str]) -> None:
    """Generate a contract of any kind and some requests; the engine reads the file itself, so reading is held too."""
    drawn = data.draw(contracts(), label="contract")
    table = compile_pact(read_pact(json.dumps(drawn.document), source="drawn.json"))
    asked = data.draw(st.lists(drawn.requests, min_size=REQUESTS_EACH, max_size=REQUESTS_EACH), label="requests")
    with servers.serving(drawn.document) as official:
        for changed, wire in asked:
            expected = official.accepts(wire.method, wire.target, wire.headers, wire.body)
            ours = matches(table, wire)
            assert ours == expected, f"the engine says {expected}, the mock {ours}; changed: {changed}; {wire}"
            counts["allowed" if expected else "forbidden"] += 1
