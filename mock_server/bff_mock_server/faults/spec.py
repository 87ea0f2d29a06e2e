"""Parses faults: slow, broken, cut off and false responses, armed for routes, for rows, or by a header.

A fault is a word with a value and options; several faults are separated by `;`:

    latency=200ms    latency=uniform(10ms,2s)    latency=lognormal(80ms,0.4)
    status=503       status=429 retry-after=5    html=502
    reset  empty     truncate    malformed       drip=50ms    violation

`rate=0.1` applies the fault to one in ten responses, `times=2` to the first two. A fault after `then` waits until the
one before it has happened `times` times: `status=503 times=1; then status=429 times=1`, and then the normal response.
The world's seed decides which responses are hit, so a run repeats exactly. Durations are in `ms` or `s`; a lognormal
latency has its median and its sigma.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache
from math import log
from random import Random
from typing import Final, Literal, NamedTuple, NoReturn, get_args

MAX_SECONDS: Final = 300.0
"""The longest that a client may be kept waiting by one latency: the longest deadline that the clients can be set to."""

Kind = Literal["latency", "reset", "empty", "truncate", "malformed", "html", "drip", "status", "violation"]
_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_OPTIONS: Final = ("rate", "times", "retry-after")
_DURATION: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s)")
_CALL: Final = re.compile(r"(?P<name>[a-z]+)\((?P<first>[^,()]*),(?P<second>[^,()]*)\)")
_NUMBERS: Final = itertools.count(1)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TEMPLATED: Final = re.compile(r"\{[^{}/]*\}|<[^<>/]*>|(?<=/):[A-Za-z_]\w*")
"""A segment that varies, as frameworks and documents write it: `{user_id}`, `<user_id>`, `:user_id`."""
_VARIABLE: Final = "\ue000"
"""Takes the place of such a segment while the rest of a path is translated; no path has it, paths are ASCII."""
_MAX_SIGMA: Final = 5.0
_BARE: Final = frozenset({"reset", "empty", "truncate", "malformed", "violation"})
_THEN: Final = "then"
_TURN: Final = "needs a fault with `times` before it, such as status=503 times=1; then status=429"
NONE: Final = "none"
"""In place of faults: no fault, even if some are armed."""
_KNOWN: Final = f"one of: {', '.join(_KINDS)}; or {NONE} alone"
_LATENCIES: Final = "80ms, uniform(10ms,80ms) or lognormal(80ms,0.4) (its median and sigma)"

Seconds = Callable[[Random], float]


class FaultError(ValueError):
    """An invalid fault, or an invalid route of one."""


class Fault(NamedTuple):
    """One fault.

    Attributes:
        kind: Its kind.
        text: As it was written.
        seconds: How long a latency takes, or the pause between two bytes that drip.
        status: Of an error response.
        retry_after: Seconds that the error asks the client to wait.
        rate: The share of responses that it happens to.
        times: How often it happens at most; `None` for always.
        step: How many `then` are before it.
    """

    kind: Kind
    text: str
    seconds: Seconds | None = None
    status: int = 500
    retry_after: int | None = None
    rate: float = 1.0
    times: int | None = None
    step: int = 0


class Route(NamedTuple):
    """The requests that a fault applies to; `None` or empty matches all.

    Attributes:
        provider: The provider's name.
        method: In upper case.
        path: The percent-encoded path, `*` for any part of it, `{name}` for a segment.
        about: The request has one of these ids in its path or query.
    """

    provider: str | None = None
    method: str | None = None
    path: str | None = None
    about: frozenset[str] = frozenset()

    def covers(self, provider: str, method: str, path: str, named: Callable[[], Iterable[str]]) -> bool:
        """Whether a request is on the route; `named` gives the ids that it names."""
        return (
            self.provider in {None, provider}
            and self.method in {None, method}
            and (self.path is None or self.variables_in(path) is not None)
            and (not self.about or not self.about.isdisjoint(named()))
        )

    def variables_in(self, path: str) -> tuple[str, ...] | None:
        """What each `{name}` of the route is in a path; `None` for a path that is not on it."""
        found = _pattern(self.path or "*").match(path)
        return None if found is None else found.groups()

    def __str__(self) -> str:
        return " ".join(part for part in (self.provider, self.method, self.path) if part) or "*"


class Armed:
    """Faults on a route, and how often each has happened.

    Attributes:
        number: Unique in this process.
        route: The requests that they apply to.
        faults: In the order in which they take turns.
        place: File, line and field where they are written; empty for those of a program.
    """

    __slots__ = ("_left", "faults", "number", "place", "route")

    def __init__(self, route: Route, faults: Sequence[Fault], *, place: str = "") -> None:
        self.number = next(_NUMBERS)
        self.route = route
        self.faults = tuple(faults)
        self.place = place
        self._left = [fault.times for fault in self.faults]

    @property
    def identity(self) -> tuple[object, ...]:
        """Its route and text: equal for two that do the same."""
        return (self.route, *(fault.text for fault in self.faults))

    def rearmed(self) -> "Armed":
        """The same faults with all counts reset."""
        return Armed(self.route, self.faults, place=self.place)

    def strike(self, random: Random, *, is_spoilt: bool = False) -> Iterator[Fault]:
        """The faults that happen to the next response; once something has spoilt it, latencies alone."""
        step = self._step()
        for at, fault in enumerate(self.faults):
            left = self._left[at]
            if fault.step != step or (is_spoilt and fault.kind != "latency"):
                continue
            if left == 0 or (fault.rate < 1.0 and random.random() >= fault.rate):
                continue
            if left is not None:
                self._left[at] = left - 1
            is_spoilt = is_spoilt or fault.kind != "latency"
            yield fault

    def _step(self) -> int:
        """The current step: the first one with a fault that can still happen, else the last."""
        waiting = (fault.step for fault, left in zip(self.faults, self._left, strict=True) if left)
        last = self.faults[-1].step if self.faults else 0
        return min(waiting, default=last)


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read faults from their text.

    Raises:
        FaultError: The text is invalid; the message says where, and what would be valid.
    """
    parts = [part for part in (part.strip() for part in text.split(";")) if part]
    if not parts:
        message = f"no fault in {text!r}; {_KNOWN}"
        raise FaultError(message)
    if parts == [NONE]:
        return ()
    steps = itertools.accumulate(part.split()[0] == _THEN for part in parts)
    faults = tuple(_fault(part, step) for part, step in zip(parts, steps, strict=True))
    for step, several in itertools.groupby(faults, key=lambda fault: fault.step):
        together = tuple(several)
        _check_that_they_go_together(together)
        if step != faults[-1].step and all(fault.times is None for fault in together):
            _refuse_turn(faults, step + 1)
    if faults[0].step:
        _refuse_turn(faults, 1)
    return faults


def parse_route(text: str, providers: Mapping[str, str], about: Iterable[str] = ()) -> Route:
    """Read a route such as `*`, `cms`, `GET /internal/v1/batches/*`, `ras GET /healthz` or `/batches/user/{user_id}`.

    Args:
        text: The route.
        providers: The names of providers, short ones too, and which provider each means.
        about: Only requests that name one of these ids.

    Raises:
        FaultError: A word is neither a provider nor a method nor a path.
    """
    provider = method = path = None
    for word in text.split():
        if word.startswith(("/", "*")) and word != "*" and path is None:
            path = word
        elif word.lower() in providers and provider is None:
            provider = providers[word.lower()]
        elif word.upper() in _METHODS and method is None:
            method = word.upper()
        elif word != "*":
            known = ", ".join(sorted(providers))
            is_second = word.lower() in providers or word.upper() in _METHODS
            problem = f"{'a second' if is_second else 'unknown word'} {word!r}"
            message = f"route {text!r}: {problem}; expected a provider ({known}), a method or a path, or * alone"
            raise FaultError(message)
    return Route(provider, method, path, frozenset(about))


def _check_that_they_go_together(faults: Sequence[Fault]) -> None:
    """Latencies add up, but only one other fault can happen: none could after one that always happens."""
    others = [fault for fault in faults if fault.kind != "latency"]
    certain = next((at for at, fault in enumerate(others) if fault.rate == 1.0 and fault.times is None), None)
    if certain is not None and certain + 1 < len(others):
        message = f"{others[certain + 1].text!r} would never happen: {others[certain].text!r} always happens before it"
        raise FaultError(message)


def _refuse_turn(faults: Sequence[Fault], step: int) -> NoReturn:
    text = next(fault.text for fault in faults if fault.step == step)
    message = f"{text!r} {_TURN}"
    raise FaultError(message)


@lru_cache(maxsize=256)
def _pattern(path: str) -> re.Pattern[str]:
    """Matches the paths of a route; its groups are the segments that vary."""
    text = translate(_TEMPLATED.sub(_VARIABLE, path))
    return re.compile(text.replace(_VARIABLE, "([^/]+)"))


def _fault(part: str, step: int) -> Fault:
    word, *options = part.split()
    if word == _THEN:
        if not options:
            message = f"{part!r} {_TURN}"
            raise FaultError(message)
        word, *options = options
    name, _, value = word.partition("=")
    if name not in _KINDS:
        message = f"unknown fault {name!r} in {part!r}; {_KNOWN}"
        raise FaultError(message)
    kind = name
    if kind in _BARE and value:
        message = f"{kind!r} takes no value, in {part!r}"
        raise FaultError(message)
    given: dict[str, str] = {}
    for option in options:
        option_name, option_value = _option(option, part)
        if option_name in given:
            message = f"{option_name}=… comes twice in {part!r}"
            raise FaultError(message)
        given[option_name] = option_value
    return Fault(
        kind=kind,
        text=part,
        seconds=_seconds(value, part) if kind in {"latency", "drip"} else None,
        status=_status(kind, value, part),
        retry_after=_whole(given.get("retry-after"), "retry-after", part, 86_400),
        rate=_rate(given.get("rate"), part),
        times=_whole(given.get("times"), "times", part, 1_000_000),
        step=step,
    )


def _option(option: str, part: str) -> tuple[str, str]:
    name, _, value = option.partition("=")
    if name not in _OPTIONS or not value:
        message = f"unknown option {option!r} in {part!r}; one of: {', '.join(f'{known}=…' for known in _OPTIONS)}"
        raise FaultError(message)
    return name, value


def _status(kind: Kind, value: str, part: str) -> int:
    if kind == "html" and not value:
        return 502
    if kind not in {"html", "status"}:
        return 500
    if not (re.fullmatch(r"[45]\d\d", value, re.ASCII)):
        message = f"{kind} takes a status of 400 to 599, such as {kind}=503, in {part!r}"
        raise FaultError(message)
    return int(value)


def _rate(value: str | None, part: str) -> float:
    if value is None:
        return 1.0
    try:
        rate = float(value)
    except ValueError:
        rate = -1.0
    if not 0.0 <= rate <= 1.0:
        message = f"rate is a share of 0 to 1, such as rate=0.1, in {part!r}"
        raise FaultError(message)
    return rate


def _whole(value: str | None, name: str, part: str, most: int) -> int | None:
    if value is None:
        return None
    if not (re.fullmatch(r"\d{1,9}", value, re.ASCII) and int(value) <= most):
        message = f"{name} is a whole number up to {most}, in {part!r}"
        raise FaultError(message)
    return int(value)


def _seconds(value: str, part: str) -> Seconds:
    found = _CALL.fullmatch(value)
    if found is None:
        fixed = _duration(value, part)
        return lambda _: fixed
    first = _duration(found["first"], part)
    match found["name"]:
        case "uniform" if (last := _duration(found["second"], part)) >= first:
            return lambda random: random.uniform(first, last)
        case "lognormal" if first > 0 and _is_sigma(found["second"]):
            sigma, mu = float(found["second"]), log(first)
            return lambda random: min(MAX_SECONDS, random.lognormvariate(mu, sigma))
        case _:
            message = f"expected {_LATENCIES}, found {value!r} in {part!r}"
            raise FaultError(message)


def _is_sigma(text: str) -> bool:
    return re.fullmatch(r"\d{1,2}(?:\.\d{1,6})?", text, re.ASCII) is not None and float(text) <= _MAX_SIGMA


def _duration(text: str, part: str) -> float:
    found = _DURATION.fullmatch(text)
    seconds = float(found["number"]) / (1000 if found["unit"] == "ms" else 1) if found else -1.0
    if not 0.0 <= seconds <= MAX_SECONDS:
        message = f"expected a duration, such as {_LATENCIES}, at most {MAX_SECONDS:g}s, found {text!r} in {part!r}"
        raise FaultError(message)
    return seconds
