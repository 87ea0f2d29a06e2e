"""For any request, the mock's matcher and the official engine decide alike."""

import json
from collections import Counter
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bff_contracts.pact.file import Pact, read_pact, shipped_pacts
from tests.agreement.engine import engine_servers
from tests.agreement.matching import agree, agree_on_any_contract, contests
from tests.agreement.operations import QUICK, TO_BE_FOUND
from tests.support.lanes import few_or_many


def searched(*pacts: Pact, how: settings) -> Counter[str]:
    counts: Counter[str] = Counter()
    with contests(pacts) as known:

        @how
        @given(st.data())
        def search(data: st.DataObject) -> None:
            agree(data.draw(st.sampled_from(known), label="interaction"), data, counts)

        search()
    return counts


@few_or_many(100, 500)
def test_the_mock_matches_requests_as_the_official_engine_does(examples: int) -> None:
    counts = searched(*shipped_pacts(), how=settings(QUICK, max_examples=examples))

    assert min(counts["allowed"], counts["forbidden"]) > examples / 5, counts


def test_a_matcher_that_allows_too_much_is_found() -> None:
    """The engine gets the contract as it is, the mock one whose limit goes up to 999."""
    pact = next(pact for pact in shipped_pacts() if pact.provider.startswith("result"))
    wider = read_pact(json.dumps(pact.document).replace("[0-9]?|100)", "[0-9]{0,2})"), source="wider.json")
    other = Pact(pact.consumer, pact.provider, wider.interactions, pact.source, pact.document)

    with pytest.raises(AssertionError, match="the engine says False, the mock True"):
        searched(other, how=settings(TO_BE_FOUND, max_examples=2000))


def searched_contracts(how: settings) -> Counter[str]:
    counts: Counter[str] = Counter()
    with engine_servers() as servers:

        @how
        @given(st.data())
        def search(data: st.DataObject) -> None:
            agree_on_any_contract(servers, data, counts)

        search()
    return counts


@few_or_many(12, 60)
def test_contracts_of_every_kind_are_matched_as_the_official_engine_does(examples: int) -> None:
    counts = searched_contracts(settings(QUICK, max_examples=examples))

    assert min(counts["allowed"], counts["forbidden"]) > examples * 0.8, counts


def test_an_unchecked_body_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mock accepts everything that the engine would have to decide."""
    monkeypatch.setattr("bff_contracts.engine.RequestJudge.allows", Mock(return_value=True))

    with pytest.raises(AssertionError, match="the engine says False, the mock True"):
        searched_contracts(settings(TO_BE_FOUND, max_examples=200))
