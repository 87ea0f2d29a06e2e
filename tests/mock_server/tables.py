"""Compiles small contracts, and finds the interaction of a request."""

from bff_mock_server.matching.match import Matched, Predicate, Unmatched, find_endpoints, match_first
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import Table, compile_pact
from tests.mock_server.building import interaction, pact, regex

GOOD = {"X-Key": "secret", "X-Service": "bff"}
THING = {"path": regex("^/things/[a-z]$")}
LETTERS = [
    ("one", "a-c", "1"),
    ("two", "a-d", "2"),
    ("three", "a-e", "3"),
    ("four", "a-f", "4"),
    ("five", "a-a", "1"),
    ("six", "a-b", "3"),
]


def things() -> Table:
    return compile_pact(
        pact(
            interaction(
                "a page",
                query={"limit": ["20"]},
                headers={"X-Key": ["k"], "X-Service": ["bff"]},
                rules={"query": {"limit": regex("^[0-9]+$")}, "header": {"X-Key": regex(r"^\S+$")}},
                role="shape",
            ),
            interaction("refused: no key", status=401, query={"limit": ["20"]}, headers={"X-Service": ["bff"]},
                        rules={"query": {"limit": regex("^[0-9]+$")}}),
            interaction("only red ones", query={"limit": ["20"], "colour": ["red"]}, headers={"X-Service": ["bff"]},
                        rules={"query": {"limit": regex("^[0-9]+$")}}),
            interaction("only blue ones", query={"limit": ["20"], "colour": ["blue"]}, headers={"X-Service": ["bff"]},
                        rules={"query": {"limit": regex("^[0-9]+$")}}),
            interaction("make one", method="POST"),
            interaction("one", "/things/a", rules={"path": regex("^/things/[a-z]$")}),
            interaction("not there", "/things/z", status=404, rules={"path": regex("^/things/[a-z]$")}),
        )
    )  # fmt: skip


def match(table: Table, asked: Asked, *, only: Predicate | None = None) -> Matched | Unmatched:
    found = find_endpoints(table, asked)
    return found if isinstance(found, Unmatched) else match_first(found, asked, only=only)[1]


def overlapping() -> Table:
    """Patterns of which several take the same path, but with other queries."""
    return compile_pact(
        pact(
            *(
                interaction(
                    name,
                    "/things/a",
                    query={"q": [value]},
                    rules={"path": regex(f"^/things/[{letters}]$")},
                    states=[{"name": f"{name} is there"}],
                )
                for name, letters, value in LETTERS
            )
        )
    )


def one_and_any() -> Table:
    return compile_pact(
        pact(
            interaction("any", "/things/b", rules=THING | {"header": {"X-Key": regex("k")}}, headers={"X-Key": ["k"]}),
            interaction("one", "/things/a"),
        )
    )
