"""A refused request is compared with few of the interactions of a large contract, and with all of the shipped ones."""

from functools import cache

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_mock_server.matching.likeliest import MOST_COMPARED, Likeliest
from bff_mock_server.matching.match import Unmatched
from bff_mock_server.matching.table import Table, compile_pact
from tests.mock_server.building import interaction, pact, regex, request
from tests.mock_server.tables import match


@cache
def large() -> Table:
    """Filters of one endpoint, a header value and a parameter for each; and as many paths."""
    filters = (
        interaction(
            f"filter {number}",
            query={"limit": ["20"], "filter": [f"value-{number}"]},
            headers={"X-Kind": [f"kind-{number}"]},
            rules={"query": {"limit": regex("[0-9]+")}},
        )
        for number in range(300)
    )
    alone = interaction("sorted", query={"limit": ["20"], "sort": ["up"]}, rules={"query": {"limit": regex("[0-9]+")}})
    paths = (interaction(f"path {number}", f"/a/{number}/b") for number in range(300))
    return compile_pact(pact(*filters, alone, *paths))


@pytest.mark.parametrize(
    ("target", "headers", "nearest", "places"),
    [
        pytest.param(
            "/things?limit=x&filter=value-299", {"X-Kind": "kind-299"}, "filter 299", ["query limit"], id="value-alike"
        ),
        pytest.param(
            "/things?limit=5&filter=value-299", {"X-Kind": "?"}, "filter 299", ["header x-kind"], id="query-allowed"
        ),
        pytest.param(
            "/things?limit=5&filter=?", {"X-Kind": "kind-299"}, "filter 299", ["query filter"], id="header-alike"
        ),
        pytest.param("/things?limit=5&sort=down", {}, "sorted", ["query sort"], id="names-alike"),
        pytest.param("/things?limit=5&sort=up&q=1", {}, "sorted", ["query q"], id="one-name-too-many"),
        pytest.param("/a/299/c", {}, "path 299", ["path"], id="segments-alike"),
        pytest.param("/a/x/b", {}, "path 0", ["path"], id="the-first-of-equals"),
    ],
)
def test_the_nearest_of_a_large_contract_is_found(
    target: str, headers: dict[str, str], nearest: str, places: list[str]
) -> None:
    outcome = match(large(), request(target, headers=headers))

    assert isinstance(outcome, Unmatched)
    assert outcome.nearest is not None
    assert outcome.nearest.interaction.description == nearest
    assert [difference.where for difference in outcome.differences] == places


@pytest.mark.parametrize("target", ["/things?limit=5&filter=?", "/things?limit=5&filter=value-7", "/things"])
def test_what_a_request_is_compared_with_is_bounded(target: str) -> None:
    asked = request(target, headers={})
    endpoint = max(large().endpoints, key=lambda endpoint: len(endpoint.entries))

    assert len(endpoint.entries) == 301
    assert len(endpoint.likeliest(asked)) <= 2 * MOST_COMPARED
    assert len(large().likeliest("/a/x/b")) == MOST_COMPARED


def test_common_marks_do_not_crowd_out_rare_ones() -> None:
    numbers = Likeliest(range(1000), lambda number: ("any", f"half {number % 2}", f"number {number}"))

    found = numbers.among(["any", "half 1", "number 998", "unknown"])

    assert list(found) == sorted(found)
    assert {998, 1, 3, 0} <= set(found)
    assert len(found) == MOST_COMPARED


def test_the_rarest_of_many_marks_counts_first() -> None:
    numbers = Likeliest(range(1000), lambda number: (f"hundred {number // 100}", f"number {number}"))

    found = numbers.among([*(f"hundred {at}" for at in range(9)), "number 998"])

    assert 998 in found


def test_every_endpoint_of_the_shipped_contracts_is_compared_in_full() -> None:
    tables = [compile_pact(contract) for contract in shipped_pacts()]

    assert all(table.likeliest("/nowhere") == tuple(table.endpoints) for table in tables)
    assert all(
        endpoint.likeliest(request("/nowhere")) == endpoint.entries for table in tables for endpoint in table.endpoints
    )
