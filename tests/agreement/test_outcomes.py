import pytest

from tests.agreement import outcomes
from tests.agreement.outcomes import PAGE, Case, cases, holes, outcomes_of, page


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_a_call_ends_as_it_should(case: Case) -> None:
    assert outcomes_of(case.operation, case.arguments, case.answer) == {case.outcome}


def test_every_outcome_of_every_method_is_pinned() -> None:
    assert holes() == [], "outcomes that neither an interaction nor a test pins"


def test_a_hole_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    impossible = {key: why for key, why in outcomes.IMPOSSIBLE.items() if key != ("ping", "empty")}
    monkeypatch.setattr(outcomes, "IMPOSSIBLE", impossible)

    assert {(name, outcome) for _, name, outcome in holes()} == {("ping", "empty")}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "a stale page: write it with `pdm run contracts`"
