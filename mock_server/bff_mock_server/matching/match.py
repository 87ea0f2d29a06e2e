"""Matches a request with the contract, or finds the closest interaction and the differences."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import islice
from operator import eq
from typing import Final, NamedTuple

from bff_contracts.pact.file import Interaction
from bff_contracts.pact.text_rules import Check
from bff_mock_server.matching.by_engine import EngineCheck
from bff_mock_server.matching.request import Asked, RepeatedHeaders, is_secret, lines_of
from bff_mock_server.matching.table import Case, CompiledInteraction, Endpoint, Table

NO_SUCH_PATH: Final = 404
WRONG_METHOD: Final = 405
NOT_ALLOWED: Final = 400

_HIDDEN: Final = "(not shown)"
MAX_DIFFERENCES: Final = 20
"""The most differences reported for one request: a longer list does not help."""


Predicate = Callable[[Interaction], bool]


class RequestDifference(NamedTuple):
    """One place where a request does not match an interaction.

    Attributes:
        where: The place: `path`, `method`, `query status`, `header x-service-id`, `body $.name`.
        rule: The matcher's name, or `present` and `absent` when the place itself is the difference.
        expected: What would have matched; `None` when nothing should be there.
        actual: What was sent; `None` when nothing was.
    """

    where: str
    rule: str
    expected: str | None
    actual: str | None

    @property
    def change(self) -> str:
        """The change that makes the request match at this place."""
        if self.expected is None:
            return f"leave out {self.where}"
        verb = "add" if self.actual is None else "set"
        return f"{verb} {self.where}: {self.expected}"


class Matched(NamedTuple):
    """The contract allows the request.

    Attributes:
        entry: The most specific interaction that does.
        case: All interactions with the same request as `entry`.
        own: The one of them whose own example is requested, if any.
    """

    entry: CompiledInteraction
    case: Case
    own: CompiledInteraction | None


class Unmatched(NamedTuple):
    """The contract does not allow the request.

    Attributes:
        status: 404 no such path, 405 wrong method, else 400.
        nearest: The closest interaction; `None` when the contract is empty.
        differences: Between the request and `nearest`; never empty when there is a nearest one.
        allow: The methods of the path, for a 405.
    """

    status: int
    nearest: CompiledInteraction | None
    differences: tuple[RequestDifference, ...]
    allow: tuple[str, ...] = ()


def match_first(
    endpoints: Sequence[Endpoint], asked: Asked, *, only: Predicate | None = None
) -> tuple[Endpoint, Matched | Unmatched]:
    """The match of the first endpoint that allows the request; if none does, the refusal of the first endpoint."""
    first = endpoints[0], match_endpoint(endpoints[0], asked, only=only)
    if len(endpoints) == 1 or isinstance(first[1], Matched):
        return first
    others = ((endpoint, match_endpoint(endpoint, asked, only=only)) for endpoint in endpoints[1:])
    return next((outcome for outcome in others if isinstance(outcome[1], Matched)), first)


def find_endpoints(table: Table, asked: Asked) -> tuple[Endpoint, ...] | Unmatched:
    """The endpoints of a request, by its method and path alone; more than one when patterns overlap."""
    here = table.at(asked.path)
    if len(here) == 1 and here[0].method == asked.method:
        return here
    found = tuple(endpoint for endpoint in here if endpoint.method == asked.method)
    if found:
        return found
    if here:
        allow = tuple(dict.fromkeys(endpoint.method for endpoint in here))
        difference = RequestDifference("method", "equality", _one_of(allow), asked.method)
        nearest = next((entry for endpoint in here for entry in endpoint.entries), None)
        return Unmatched(WRONG_METHOD, nearest, (difference,), allow)
    return _no_such_path(table, asked)


def match_endpoint(endpoint: Endpoint, asked: Asked, *, only: Predicate | None = None) -> Matched | Unmatched:
    """Match a request with the interactions of its endpoint; with `only`, with those that it accepts."""
    if only is not None:
        return _match_only(endpoint, asked, only)
    best: Case | None = None
    for case in endpoint.candidates(asked.query):
        if best is not None and case.weight < best.weight:
            break
        if _accepts(case, asked):
            # Rules cannot distinguish an unknown id from a known one, but the id of an example can.
            own = case.own(asked.path, asked.query)
            if own is not None:
                return Matched(own, case, own)
            best = best or case
    return Matched(best.entries[0], best, None) if best is not None else _not_allowed(endpoint, asked)


def _match_only(endpoint: Endpoint, asked: Asked, only: Predicate) -> Matched | Unmatched:
    cases = [case for case in endpoint.candidates(asked.query) if _accepts(case, asked)]
    owned = [(case, case.own(asked.path, asked.query)) for case in cases]
    matched = [Matched(entry, case, own) for case, own in owned for entry in case.entries if only(entry.interaction)]
    own = (found for found in matched if found.own is found.entry)
    best = next(own, None) or next(iter(matched), None)
    if best is not None:
        return best
    if not cases:
        return _not_allowed(endpoint, asked)
    states = [state.name for case in cases for entry in case.entries for state in entry.interaction.states]
    here = _one_of(list(dict.fromkeys(states))) if states else None
    difference = RequestDifference("header x-mock-state", "equality", here, asked.headers.get("x-mock-state"))
    return Unmatched(NOT_ALLOWED, cases[0].entries[0], (difference,))


def _accepts(case: Case, asked: Asked) -> bool:
    for name, checks in case.query:
        values = asked.query[name]
        is_single = len(checks) == len(values) == 1
        if not (checks[0].accepts(values[0]) if is_single else _accepts_values(checks, values)):
            return False
    for name, check in case.headers:
        sent = asked.headers.get(name)
        if sent is None or not (check.accepts(sent) or _accepts_lines(check, name, asked.headers)):
            return False
    if case.path is not None and not case.path.accepts(asked.path):
        return False
    if isinstance(asked.headers, RepeatedHeaders) and not all(
        _accepts_lines(check, name, asked.headers) for name, check in case.headers
    ):
        return False
    return case.whole is None or case.whole.accepts(asked)


def _accepts_values(checks: tuple[Check, ...], values: Sequence[str]) -> bool:
    if len(values) != len(checks):
        if not _can_repeat(checks):
            return False
        checks = checks[:1] * len(values)
    return all(check.accepts(value) for check, value in zip(checks, values, strict=True))


def _accepts_lines(check: Check, name: str, headers: Mapping[str, str]) -> bool:
    """Whether a header on several lines matches: a rule applies to each line; without one, they are a list."""
    lines = [value for other, value in lines_of(headers) if other == name]
    return all(check.accepts(line) for line in (lines if not check.is_literal else [", ".join(lines)]))


def _can_repeat(checks: Sequence[Check]) -> bool:
    """Whether a parameter may come more or less often than in the example: if one rule applies to all of its values."""
    return len({check.identity for check in checks}) == 1 and not checks[0].is_literal


def _not_allowed(endpoint: Endpoint, asked: Asked) -> Unmatched:
    comparison = Comparison(asked)
    compared = [(entry, tuple(comparison.differences(entry))) for entry in endpoint.likeliest(asked)]
    if not compared:
        return Unmatched(NOT_ALLOWED, None, ())
    distances = [_distance(found) for _, found in compared]
    least = min(distances)
    closest = [pair for pair, distance in zip(compared, distances, strict=True) if distance == least]
    nearest, found = closest[0]
    places = _places(found)
    ties = [other for _, other in closest if _places(other) == places]
    merged = tuple(_merged(same_place) for same_place in islice(zip(*ties, strict=True), MAX_DIFFERENCES))
    return Unmatched(NOT_ALLOWED, nearest, merged)


def _distance(found: Sequence[RequestDifference]) -> tuple[int, int]:
    # A wrong value is closer than a value too many or too few: the sender meant that parameter.
    return len(found), sum(difference.expected is None or difference.actual is None for difference in found)


def _places(found: Iterable[RequestDifference]) -> list[str]:
    return [difference.where for difference in found]


def _merged(same_place: Sequence[RequestDifference]) -> RequestDifference:
    first = same_place[0]
    expected = list(dict.fromkeys(found.expected for found in same_place if found.expected is not None))
    if first.expected is None:
        return first
    return RequestDifference(first.where, first.rule, _one_of(expected), first.actual)


def _one_of(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"one of {', '.join(values)}"


class Comparison:
    """Compares a request with interactions; rules that several of them have in common are applied once.

    Args:
        asked: The request.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._of_parameter = cache(partial(_differences_of_parameter, asked))
        self._of_header = cache(partial(_differences_of_header, asked))

    def differences(self, entry: CompiledInteraction) -> Iterator[RequestDifference]:
        """Every place where the request differs from an interaction, in a stable order: path, query, headers, body."""
        asked = self._asked
        if not entry.path.accepts(asked.path):
            yield RequestDifference("path", entry.path.rule, entry.path.expected, asked.path)
        if isinstance(entry.whole, EngineCheck):
            if entry.path.accepts(asked.path):
                found = islice(entry.whole.findings(asked), MAX_DIFFERENCES)
                yield from (_without_secrets(RequestDifference(*one)) for one in found)
            return
        by_table: list[RequestDifference] = []
        for name in dict.fromkeys([*entry.query, *asked.query]):
            by_table += self._of_parameter(name, entry.query.get(name))
        for name, check in entry.headers:
            by_table += self._of_header(name, check)
        yield from by_table
        if entry.whole is not None:
            reported = {difference.where for difference in by_table}
            found = islice(entry.whole.findings(asked), MAX_DIFFERENCES)
            yield from (RequestDifference(*one) for one in found if one.where not in reported)


def _differences_of_header(asked: Asked, name: str, check: Check) -> Sequence[RequestDifference]:
    sent = asked.headers.get(name)
    if sent is None:
        return (RequestDifference(f"header {name}", "present", check.expected, None),)
    if check.accepts(sent) or _accepts_lines(check, name, asked.headers):
        return ()
    return (RequestDifference(f"header {name}", check.rule, check.expected, _HIDDEN if is_secret(name) else sent),)


def _without_secrets(difference: RequestDifference) -> RequestDifference:
    if difference.where.startswith("body") or not difference.actual or not is_secret(difference.where):
        return difference
    expected = difference.expected
    return difference._replace(
        expected=expected and expected.replace(difference.actual, _HIDDEN),
        actual=_HIDDEN,
    )


def _differences_of_parameter(asked: Asked, name: str, checks: tuple[Check, ...] | None) -> Sequence[RequestDifference]:
    where, values, hides = f"query {name}", asked.query.get(name), is_secret(name)
    shown = None if values is None else _HIDDEN if hides else ", ".join(values)
    if checks is None:
        return (RequestDifference(where, "absent", None, shown),)
    if values is None:
        return (RequestDifference(where, "present", " and ".join(check.expected for check in checks), None),)
    if len(values) != len(checks) and not _can_repeat(checks):
        times = "once" if len(checks) == 1 else f"{len(checks)} times"
        return (RequestDifference(where, "equality", f"the parameter {times}", shown),)
    pairs = zip(checks if len(checks) == len(values) else checks[:1] * len(values), values, strict=True)
    return tuple(
        RequestDifference(where, check.rule, check.expected, _HIDDEN if hides else value)
        for check, value in pairs
        if not check.accepts(value)
    )


def _no_such_path(table: Table, asked: Asked) -> Unmatched:
    candidates = table.likeliest(asked.path)
    if not candidates:
        return Unmatched(NO_SUCH_PATH, None, ())
    segments = asked.path.split("/")
    nearest = max(candidates, key=lambda endpoint: _likeness(endpoint.example_path.split("/"), segments))
    difference = RequestDifference("path", nearest.path.rule, nearest.path.expected, asked.path)
    return Unmatched(NO_SUCH_PATH, nearest.entries[0], (difference,))


def _likeness(ours: Sequence[str], theirs: Sequence[str]) -> tuple[int, bool, int]:
    same = sum(map(eq, ours, theirs))  # paths of different lengths are never similar
    return same, len(ours) == len(theirs), -abs(len(ours) - len(theirs))
