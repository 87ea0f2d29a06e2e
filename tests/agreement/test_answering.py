"""For any world and any request, the official engine allows the mock's answer."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bff_contracts.pact.content import JSON_TYPE, Content
from bff_contracts.pact.file import Pact
from bff_mock_server import Backend, Mock, MockApp, find_scenario
from bff_mock_server.testing import EMPTY
from bff_mock_server.world.scenarios import shipped_scenarios
from tests.agreement.answering import PACTS, agree, apps, disturb
from tests.agreement.operations import QUICK, TO_BE_FOUND
from tests.support.lanes import few_or_many, one_in


@few_or_many(6, 30)
@pytest.mark.parametrize("scenario", one_in(2, shipped_scenarios(), "searches in one more scenario"))
@pytest.mark.parametrize("pact", PACTS, ids=lambda pact: pact.provider)
def test_the_engine_allows_what_the_mock_answers(pact: Pact, scenario: str, examples: int) -> None:
    counts: Counter[str] = Counter()
    begun = find_scenario(scenario)

    @settings(QUICK, max_examples=examples)
    @given(st.data())
    def search(data: st.DataObject) -> None:
        app = apps(begun)[pact.provider]
        disturb(app, data)
        for _ in range(4):
            agree(app, pact, data, counts)

    search()

    assert min(counts["200"], counts["401"]) > examples / 8, counts


def test_a_mock_that_leaves_the_contract_is_found() -> None:
    """A mock of a contract with other refusals, compared with the real contract."""
    pact = PACTS[0]
    other = Content({"error": "Go away"}, JSON_TYPE, is_json=True)
    rude = [
        replace(
            one,
            response=replace(one.response, content=other) if one.response.status == 401 else one.response,
        )
        for one in pact.interactions
    ]
    mock = Mock([Backend(replace(pact, interactions=tuple(rude)))], EMPTY)

    @TO_BE_FOUND
    @given(st.data())
    def search(data: st.DataObject) -> None:
        agree(MockApp(mock, *mock.backends), pact, data, Counter())

    with pytest.raises(AssertionError, match="Go away"):
        search()
