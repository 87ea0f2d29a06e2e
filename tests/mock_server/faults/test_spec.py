"""The syntax of faults: what is valid, what is rejected, and how randomness repeats."""

from random import Random
from statistics import median

import pytest

from bff_contracts.platform import CMS, RAS
from bff_mock_server import FaultError
from bff_mock_server.faults.spec import MAX_SECONDS, Armed, Route, parse_faults, parse_route
from tests.support.golden import Golden

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
        pytest.param("status=503 times=1; then html times=2; then reset", ["status", "html", "reset"], id="turns"),
        pytest.param("none", [], id="none"),
    ],
)  # fmt: skip
def test_faults_are_read_in_their_order(text: str, kinds: list[str]) -> None:
    assert [fault.kind for fault in parse_faults(text)] == kinds


def test_options_and_values_are_read() -> None:
    (fault,) = parse_faults("status=429 retry-after=5 rate=0.25 times=3")

    assert (fault.status, fault.retry_after, fault.rate, fault.times) == (429, 5, 0.25, 3)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("boom", id="unknown"),
        pytest.param("reset=1", id="value-too-many"),
        pytest.param("latency", id="no-duration"),
        pytest.param("latency=80", id="no-unit"),
        pytest.param("latency=-1s", id="negative"),
        pytest.param("latency=301s", id="too-long"),
        pytest.param("latency=300001ms", id="a-little-too-long"),
        pytest.param("latency=uniform(x,1s)", id="bad-bound"),
        pytest.param("latency=uniform(1s,x)", id="bad-second-bound"),
        pytest.param("latency=normal(1s,2s)", id="distribution"),
        pytest.param("drip=lognormal(80ms,x)", id="sigma"),
        pytest.param("latency=lognormal(0ms,1)", id="median-of-zero"),
        pytest.param("latency=uniform(1s)", id="one-bound"),
        pytest.param("latency=uniform(2s,1s)", id="bounds-in-disorder"),
        pytest.param("status=503; html", id="no-turn"),
        pytest.param("reset times=1; html; latency=1s; empty; truncate", id="no-turn-later"),
        pytest.param("reset; none", id="none-with-others"),
        pytest.param("status", id="no-status"),
        pytest.param("status=399", id="status-that-is-none"),
        pytest.param("html=abc", id="html-status"),
        pytest.param("status=05031", id="five-digits"),
        pytest.param("status=5٣٣", id="digits-of-another-script"),
        pytest.param("status=503 retry-after=000000000999", id="many-digits"),
        pytest.param("status=503 retry-after=86401", id="over-a-day"),
        pytest.param("latency=lognormal(80ms,5.1)", id="sigma-beyond-reason"),
        pytest.param("latency=lognormal(80ms,٣)", id="sigma-of-another-script"),
        pytest.param("reset rate=1.1", id="rate"),
        pytest.param("reset rate=-0.1", id="negative-rate"),
        pytest.param("reset rate=x", id="rate-that-is-none"),
        pytest.param("reset rate=nan", id="rate-not-a-number"),
        pytest.param("reset times=-1", id="times"),
        pytest.param("reset times=٣", id="times-of-another-script"),
        pytest.param("reset times=1000001", id="too-many-times"),
        pytest.param("reset sometimes=1", id="option"),
        pytest.param("reset rate=1=1", id="two-values"),
        pytest.param("reset rate=", id="option-without-a-value"),
        pytest.param("status=503 times=1 times=2", id="option-twice"),
        pytest.param("then status=503", id="then-first"),
        pytest.param("status=503; then reset", id="then-after-a-fault-without-times"),
        pytest.param("status=503 times=1; then", id="then-without-a-fault"),
    ],
)
def test_an_invalid_fault_is_rejected_with_what_is_valid(text: str, golden: Golden) -> None:
    with pytest.raises(FaultError) as refused:
        parse_faults(text)

    golden.check(str(refused.value))


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        pytest.param("status=400", "status", 400, id="least-status"),
        pytest.param("status=599", "status", 599, id="greatest-status"),
        pytest.param("html", "status", 502, id="html-without-a-status"),
        pytest.param("html=404", "status", 404, id="html-with-a-status"),
        pytest.param("reset", "status", 500, id="status-that-nobody-reads"),
        pytest.param("status=503", "retry_after", None, id="no-retry-after"),
        pytest.param("status=503 retry-after=86400", "retry_after", 86_400, id="a-day"),
        pytest.param("reset times=1000000", "times", 1_000_000, id="very-often"),
        pytest.param("reset times=0", "times", 0, id="never"),
        pytest.param("reset", "rate", 1.0, id="always"),
        pytest.param("reset rate=0", "rate", 0.0, id="at-no-rate"),
        pytest.param("reset rate=1", "rate", 1.0, id="at-every-rate"),
        pytest.param("  reset  rate=0.5  ; empty", "text", "reset  rate=0.5", id="as-it-was-written"),
    ],
)
def test_the_options_of_a_fault_are_read(text: str, field: str, value: object) -> None:
    assert getattr(parse_faults(text)[0], field) == value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("latency=0ms", 0.0, id="none"),
        pytest.param("latency=1.5s", 1.5, id="fraction"),
        pytest.param("latency=300s", 300.0, id="longest"),
        pytest.param("drip=50ms", 0.05, id="between-bytes"),
        pytest.param("latency=uniform(2s,2s)", 2.0, id="one-and-the-same"),
        pytest.param("latency=lognormal(2s,0)", 2.0, id="without-variance"),
        pytest.param("latency=lognormal(0.5ms,0.0)", 0.0005, id="little"),
    ],
)
def test_how_long_a_latency_takes_is_read(text: str, seconds: float) -> None:
    (fault,) = parse_faults(text)

    assert fault.seconds is not None
    assert fault.seconds(Random(0)) == pytest.approx(seconds)


def test_a_sigma_may_be_up_to_five() -> None:
    (fault,) = parse_faults("latency=lognormal(1ms,5)")

    assert fault.seconds is not None


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


class Fixed(Random):
    """A random source with a fixed value."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def random(self) -> float:
        return self.value


@pytest.mark.parametrize(
    ("rate", "drawn", "struck"),
    [(0, 0.0, 0), (0.5, 0.5, 0), (0.5, 0.49, 1), (1, 1.0, 1)],
    ids=["never", "not-quite", "struck", "always"],
)
def test_a_rate_is_the_share_that_is_struck(rate: float, drawn: float, struck: int) -> None:
    armed = Armed(Route(), parse_faults(f"reset rate={rate}"))

    assert len(list(armed.strike(Fixed(drawn)))) == struck


def test_a_certain_fault_draws_no_random_number() -> None:
    random = Random(7)
    list(Armed(Route(), parse_faults("reset")).strike(random))

    assert random.getstate() == Random(7).getstate()


def test_latencies_come_after_what_spoils_the_answer_too() -> None:
    armed = Armed(Route(), parse_faults("reset times=1; empty; latency=1ms; latency=2ms"))

    assert [fault.text for fault in armed.strike(Random(0))] == ["reset times=1", "latency=1ms", "latency=2ms"]


def test_times_are_counted_and_restart() -> None:
    armed = Armed(Route(), parse_faults("reset times=2; empty"))
    struck = [[fault.kind for fault in armed.strike(Random(0))] for _ in range(3)]

    assert struck == [["reset"], ["reset"], ["empty"]]
    assert [fault.kind for fault in armed.rearmed().strike(Random(0))] == ["reset"]


def test_a_fault_that_does_not_happen_is_not_counted() -> None:
    armed = Armed(Route(), parse_faults("latency=1ms; reset times=1; empty times=1"))
    random = Random(0)

    struck = [[fault.kind for fault in armed.strike(random)] for _ in range(3)]

    assert struck == [["latency", "reset"], ["latency", "empty"], ["latency"]]
    assert [fault.kind for fault in armed.rearmed().strike(random, is_spoilt=True)] == ["latency"]


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


@pytest.mark.parametrize(
    "text",
    ["grades GET /x", "GTE /x", "/a /b", "ras cms", "GET POST /healthz"],
    ids=["provider", "method", "second-path", "second-provider", "second-method"],
)
def test_an_invalid_route_is_rejected(text: str, golden: Golden) -> None:
    with pytest.raises(FaultError) as refused:
        parse_route(text, PROVIDERS)

    golden.check(str(refused.value))


@pytest.mark.parametrize(
    ("route", "text"),
    [
        pytest.param(Route(), "*", id="everything"),
        pytest.param(Route(RAS, "GET", "/a"), f"{RAS} GET /a", id="all-three"),
        pytest.param(Route(path="/a", about=frozenset({"x"})), "/a", id="ids-apart"),
    ],
)
def test_a_route_reads_as_it_is_written(route: Route, text: str) -> None:
    assert str(route) == text


def test_faults_with_the_same_text_on_the_same_route_are_the_same() -> None:
    route = parse_route("ras", PROVIDERS)
    first, second = (Armed(route, parse_faults("reset times=1")) for _ in range(2))

    assert first.identity == second.identity == (route, "reset times=1")


@pytest.mark.parametrize(
    ("route", "path", "is_on"),
    [
        pytest.param("/user/{id}", "/user/a", True, id="template"),
        pytest.param("/user/{id}", "/user/a/b", False, id="a-template-is-one-segment"),
        pytest.param("/{a}/:b/<int:c>", "/x/y/1", True, id="every-way-of-writing"),
        pytest.param("*/status", "/a/b/status", True, id="any-beginning"),
        pytest.param("*status", "/a/b/status", True, id="any-beginning-of-a-segment"),
        pytest.param("get /user", "/user", True, id="method-in-lower-case"),
    ],
)
def test_a_route_covers_paths_as_people_write_them(route: str, path: str, is_on: bool) -> None:  # noqa: FBT001
    assert parse_route(route, PROVIDERS).covers(RAS, "GET", path, list) is is_on


def test_faults_of_so_many_times_strike_one_after_the_other() -> None:
    armed = Armed(Route(), parse_faults("status=503 times=1; then status=429 times=2"))

    struck = [[fault.status for fault in armed.strike(Random(0))] for _ in range(4)]

    assert struck == [[503], [429], [429], []]


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        pytest.param("latency=1ms times=2; then reset", ["latency", "latency", "reset", "reset"], id="after-a-latency"),
        pytest.param("reset times=1; then latency=1ms times=1", ["reset", "latency", "", ""], id="a-latency-waits-too"),
        pytest.param(
            "reset times=1; latency=1ms; then empty times=1", ["reset latency", "empty", "", ""], id="together"
        ),
        pytest.param("reset times=0; then empty", ["empty"] * 4, id="no-times"),
    ],
)
def test_what_comes_after_then_waits(text: str, struck: list[str]) -> None:
    armed = Armed(Route(), parse_faults(text))

    assert [" ".join(fault.kind for fault in armed.strike(Random(0))) for _ in range(4)] == struck


def test_what_comes_after_then_waits_for_chance_too() -> None:
    armed = Armed(Route(), parse_faults("reset rate=0.1 times=1; then empty times=1"))
    random = Random(1)

    struck = [fault.kind for _ in range(200) for fault in armed.strike(random)]

    assert struck == ["reset", "empty"]
