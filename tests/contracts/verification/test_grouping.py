"""One cause is reported once, with its count and the names of the interactions that have it."""

from dataclasses import replace
from typing import Any

import pytest

from bff_contracts.platform import CMS
from bff_contracts.states import KINDS
from bff_contracts.verification import (
    Difference,
    NotVerified,
    Outcome,
    Verification,
    interactions_of,
    running_provider,
    verify_provider,
)
from tests.providers.small import SEEDED, SmallCms, raises, states_with
from tests.support.golden import Golden
from tests.support.hypercorn_server import on_hypercorn

SHARED = "interactions have this cause"
B1, B2 = "26b9045a-e947-5833-ab3e-161507389763", "8232d49d-8ace-5fcf-bc17-5fc74acfda47"


def report_of(app: Any, **options: Any) -> str:
    with pytest.raises(NotVerified) as caught:
        verify_provider(app, provider=CMS, **options)
    return str(caught.value)


def assert_reported_once(reported: str, cause: str, names: list[str] | tuple[str, ...]) -> None:
    assert reported.count(cause) == 1, reported
    assert f"{len(names)} {SHARED}" in reported
    assert all(f"    {name}" in reported for name in names[1:])


def test_a_wrong_key_is_one_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HULEEDU_INTERNAL_API_KEY", raising=False)
    cms = SmallCms("real-4711")

    assert_reported_once(report_of(cms, states=cms.states), "the provider refused the key", SEEDED)


def test_a_provider_that_is_down_is_one_cause(cms: SmallCms) -> None:
    with on_hypercorn(cms) as url:
        context = running_provider(url=url, provider=CMS, states=cms.states)
        running = context.__enter__()
    outcomes = tuple(running.outcomes())
    context.__exit__(None, None, None)
    reported = str(Verification(CMS, outcomes, len(outcomes)))

    assert_reported_once(reported, "gave no response: ConnectError", interactions_of(CMS))


def test_an_exception_of_the_application_is_one_cause(cms: SmallCms) -> None:
    cms.before = raises

    assert_reported_once(report_of(cms, states=cms.states), "RuntimeError: no such table", interactions_of(CMS))


def test_a_handler_that_fails_is_one_cause_for_each_state(cms: SmallCms) -> None:
    def fails(_: Any) -> None:
        raises()

    reported = report_of(cms, states=states_with(fails))

    assert reported.count("its handler raised RuntimeError") == len(KINDS)
    assert reported.count(SHARED) == len(KINDS)


def outcome(name: str, *differences: Difference, request: str = "GET /a", **fields: Any) -> Outcome:
    return replace(Outcome(name, (), request, 0.0, differences), **fields)


def status(expected: str, actual: str) -> Difference:
    return Difference("status", expected, actual, f"expected {expected} but was {actual}")


def missing(where: str, rule: str = "Actual map is missing the following keys: class_name") -> Difference:
    return Difference(where, '["class_id","class_name"]', '["class_id"]', rule)


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        pytest.param([status("200", "500")], [status("401", "500")], True, id="it-is-broken"),
        pytest.param([status("200", "500")], [status("200", "404")], False, id="two-statuses"),
        pytest.param([missing(f"body $['{B1}']")], [missing(f"body $['{B2}']")], True, id="a-key-of-each-batch"),
        pytest.param([missing("body $[0].a")], [missing("body $[1].a")], True, id="each-row"),
        pytest.param([missing("body $.a")], [missing("body $.b")], False, id="two-places"),
        pytest.param([missing("body $.a")], [missing("body $.a", "another rule")], False, id="two-rules"),
    ],
)
def test_differences_have_one_cause_if_they_are_of_one_kind(
    first: list[Difference], second: list[Difference], *, is_one: bool
) -> None:
    verification = Verification(CMS, (outcome("a", *first), outcome("b", *second)), 2)

    assert (f"2 {SHARED}" in str(verification)) is is_one


@pytest.mark.parametrize(("actual", "is_one"), [("404", False), ("500", True)])
def test_each_missing_route_is_a_separate_cause_and_a_broken_service_is_one(actual: str, *, is_one: bool) -> None:
    one = outcome("a", status("200", actual), request=f"GET /batches/{B1}/status?x=1")
    same = outcome("b", status("200", actual), request=f"GET /batches/{B2}/status")
    other = outcome("c", status("200", actual), request="GET /batches/class-info")

    assert f"2 {SHARED}" in str(Verification(CMS, (one, same), 2))
    assert (f"2 {SHARED}" in str(Verification(CMS, (one, other), 2))) is is_one


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        pytest.param(f"KeyError: '{B1}'", f"KeyError: '{B2}'", True, id="ids"),
        pytest.param("<Pool at 0x7f01>", "<Pool at 0x7f02>", True, id="addresses"),
        pytest.param("held the event loop for 2.6 s", "held the event loop for 2.1 s", True, id="times"),
        pytest.param("answered 404", "answered 500", False, id="statuses"),
    ],
)
def test_a_message_may_name_what_it_is_about(first: str, second: str, *, is_one: bool) -> None:
    verification = Verification(CMS, (outcome("a", troubles=(first,)), outcome("b", troubles=(second,))), 2)

    assert (f"2 {SHARED}" in str(verification)) is is_one


def test_one_test_after_another_refers_to_the_first_with_the_same_cause(cms: SmallCms, golden: Golden) -> None:
    with running_provider(cms, provider=CMS) as running:
        reported: list[str] = []
        for name in (SEEDED[0], SEEDED[1], SEEDED[0]):
            with pytest.raises(NotVerified) as caught:
                running.verify(name)
            reported.append(str(caught.value))

    assert len(reported[1].splitlines()) == 2
    assert reported[0] == reported[2]
    golden.check(reported[1])
