"""Faults as they are written: what is understood, what is refused, and how chance repeats."""

from __future__ import annotations

from random import Random
from statistics import median

import pytest

from bff_contracts.states import CMS, RAS
from bff_mock_server import FaultError
from bff_mock_server.faults import MAX_SECONDS, Armed, Route, parse_faults, parse_route

PROVIDERS = {RAS: RAS, CMS: CMS, "ras": RAS, "cms": CMS}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        pytest.param("latency=80ms", ["latency"], id="one"),
        pytest.param("latency=lognormal(80ms,0.4); status=503 rate=0.1", ["latency", "status"], id="documented"),
        pytest.param(" reset times=1 ;; empty rate=0.5;truncate times=1;malformed rate=0;violation ",
                     ["reset", "empty", "truncate", "malformed", "violation"], id="bare-words"),
        pytest.param("html rate=0.1; html=503 times=1; drip=1s; latency=1ms", ["html", "html", "drip", "latency"],
                     id="with-and-without-a-value"),
        pytest.param("none", [], id="none"),
    ],
)  # fmt: skip
def test_faults_are_read_in_their_order(text: str, kinds: list[str]) -> None:
    assert [fault.kind for fault in parse_faults(text)] == kinds


def test_options_and_values_are_read() -> None:
    (fault,) = parse_faults("status=429 retry-after=5 rate=0.25 times=3")

    assert (fault.status, fault.retry_after, fault.rate, fault.times) == (429, 5, 0.25, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "no fault in ''; one of: latency, reset", id="nothing"),
        pytest.param("boom", "unknown fault 'boom' in 'boom'; one of: latency", id="unknown"),
        pytest.param("reset=1", "'reset' takes no value", id="value-too-many"),
        pytest.param("latency", "expected how long, such as 80ms", id="no-duration"),
        pytest.param("latency=80", "expected how long, such as 80ms, uniform", id="no-unit"),
        pytest.param("latency=-1s", "expected how long", id="negative"),
        pytest.param("latency=301s", "at most 300s", id="too-long"),
        pytest.param("latency=normal(1s,2s)", "expected 80ms, uniform(10ms,80ms) or lognormal", id="distribution"),
        pytest.param("latency=lognormal(80ms,x)", "its median and sigma", id="sigma"),
        pytest.param("latency=lognormal(0ms,1)", "its median and sigma", id="median-of-zero"),
        pytest.param("latency=uniform(1s)", "uniform(10ms,80ms)", id="one-bound"),
        pytest.param("latency=uniform(2s,1s)", "expected 80ms, uniform(10ms,80ms)", id="bounds-in-disorder"),
        pytest.param("status=503; html", "'html' would never happen: 'status=503' comes before it", id="no-turn"),
        pytest.param("reset; none", "unknown fault 'none' in 'none'; one of: latency", id="none-with-others"),
        pytest.param("status", "status takes a status of 400 to 599", id="no-status"),
        pytest.param("status=200", "status takes a status of 400 to 599", id="status-that-is-none"),
        pytest.param("html=abc", "html takes a status of 400 to 599", id="html-status"),
        pytest.param("status=05031", "status takes a status of 400 to 599", id="five-digits"),
        pytest.param("status=503 retry-after=000000000999", "retry-after is a whole number", id="many-digits"),
        pytest.param("latency=lognormal(80ms,1000)", "its median and sigma", id="sigma-beyond-reason"),
        pytest.param("reset rate=2", "rate is a share of 0 to 1", id="rate"),
        pytest.param("reset rate=x", "rate is a share of 0 to 1", id="rate-that-is-none"),
        pytest.param("reset rate=nan", "rate is a share of 0 to 1", id="rate-not-a-number"),
        pytest.param("reset times=-1", "times is a whole number", id="times"),
        pytest.param("reset sometimes=1", "unknown option 'sometimes=1' in", id="option"),
        pytest.param("reset rate=", "unknown option 'rate='", id="option-without-a-value"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_would_be(text: str, message: str) -> None:
    with pytest.raises(FaultError) as refused:
        parse_faults(text)

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "least", "most", "middle"),
    [
        pytest.param("latency=80ms", 0.08, 0.08, (0.08, 0.08), id="fixed"),
        pytest.param("latency=uniform(10ms,2s)", 0.01, 2, (0.9, 1.1), id="uniform"),
        pytest.param("latency=lognormal(80ms,0.4)", 0.005, 1, (0.075, 0.085), id="lognormal"),
        pytest.param("latency=lognormal(200s,3)", 0, MAX_SECONDS, (0, MAX_SECONDS), id="bounded"),
    ],
)
def test_latencies_have_the_distribution_that_they_name(
    text: str, least: float, most: float, middle: tuple[float, float]
) -> None:
    (fault,) = parse_faults(text)
    assert fault.seconds is not None
    random = Random(1)
    drawn = [fault.seconds(random) for _ in range(3000)]

    assert least <= min(drawn)
    assert max(drawn) <= most
    assert middle[0] <= median(drawn) <= middle[1]


def test_a_rate_strikes_its_share_and_the_same_seed_strikes_the_same() -> None:
    def run(seed: int) -> list[int]:
        armed, random = Armed(Route(), parse_faults("reset rate=0.1")), Random(seed)
        return [len(list(armed.strike(random))) for _ in range(2000)]

    assert run(1) == run(1) != run(2)
    assert 150 < sum(run(1)) < 250


def test_times_are_counted_and_begin_anew() -> None:
    armed = Armed(Route(), parse_faults("reset times=2; empty"))
    struck = [[fault.kind for fault in armed.strike(Random(0))] for _ in range(3)]

    assert struck == [["reset"], ["reset"], ["empty"]]
    assert [fault.kind for fault in armed.anew().strike(Random(0))] == ["reset"]


def test_what_has_no_turn_is_not_used_up() -> None:
    armed = Armed(Route(), parse_faults("latency=1ms; reset times=1; empty times=1"))
    random = Random(0)

    struck = [[fault.kind for fault in armed.strike(random)] for _ in range(3)]

    assert struck == [["latency", "reset"], ["latency", "empty"], ["latency"]]
    assert [fault.kind for fault in armed.anew().strike(random, is_spoilt=True)] == ["latency"]


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        pytest.param("*", [True, True, True], id="everything"),
        pytest.param("", [True, True, True], id="nothing-said"),
        pytest.param("cms", [False, False, True], id="short-name"),
        pytest.param(RAS, [True, True, False], id="name"),
        pytest.param("POST", [False, False, False], id="method"),
        pytest.param("GET /a/*", [True, False, False], id="path"),
        pytest.param("ras GET /b", [False, True, False], id="all-three"),
        pytest.param("CMS", [False, False, True], id="in-capitals"),
    ],
)
def test_a_route_covers_what_it_names(text: str, covered: list[bool]) -> None:
    route = parse_route(text, PROVIDERS)
    requests = [(RAS, "GET", "/a/1"), (RAS, "GET", "/b"), (CMS, "GET", "/c")]

    assert [route.covers(*request, named=list) for request in requests] == covered


def test_a_route_about_ids_covers_requests_that_name_one() -> None:
    route = parse_route("*", PROVIDERS, ["a", "b"])

    assert [route.covers(RAS, "GET", "/", names.copy) for names in (["x", "b"], ["x"])] == [True, False]
    assert str(route) == "* about 2 ids"


@pytest.mark.parametrize(
    ("text", "word"),
    [("grades GET /x", "grades"), ("GTE /x", "GTE"), ("/a /b", "/b")],
    ids=["provider", "method", "path"],
)
def test_an_unknown_word_in_a_route_is_refused(text: str, word: str) -> None:
    with pytest.raises(FaultError, match=f"unknown word '{word}'"):
        parse_route(text, PROVIDERS)
