"""Does the contract allow a request? If not, what is closest to it, and where do they differ?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bff_contracts.pact_file import Interaction
from bff_mock_server.contract import Check, Endpoint, Entry, Table

NO_SUCH_PATH: Final = 404
WRONG_METHOD: Final = 405
NOT_ALLOWED: Final = 400

_SECRET_HEADERS: Final = frozenset({"x-internal-api-key", "authorization", "cookie"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as contracts are about it.

    Attributes:
        method: In upper case.
        path: Percent-encoded, as it was sent.
        query: Decoded values by name, in the order sent.
        headers: Values by lower-case name.
    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a request is not what an interaction asks for.

    Attributes:
        where: The place: `path`, `method`, `query status`, `header x-service-id`.
        rule: The matcher's name, or `present` and `absent` when the place itself is the difference.
        expected: What would have matched, in words; `None` when nothing should be there.
        actual: What was sent; `None` when nothing was.
    """

    where: str
    rule: str
    expected: str | None
    actual: str | None

    @property
    def change(self) -> str:
        """What to do about it."""
        if self.expected is None:
            return f"leave out {self.where}"
        verb = "add" if self.actual is None else "set"
        return f"{verb} {self.where}: {self.expected}"


@dataclass(frozen=True, slots=True)
class Matched:
    """The contract allows the request; `interaction` is the most specific one that does."""

    interaction: Interaction


@dataclass(frozen=True, slots=True)
class Unmatched:
    """The contract does not allow the request.

    Attributes:
        status: 404 no such path, 405 wrong method, else 400.
        nearest: The closest interaction; `None` when the contract is empty.
        differences: Between the request and `nearest`; never empty when there is a nearest one.
        allow: The methods of the path, for a 405.
    """

    status: int
    nearest: Interaction | None
    differences: tuple[Difference, ...]
    allow: tuple[str, ...] = ()


def match(table: Table, asked: Asked) -> Matched | Unmatched:
    """Look a request up in a contract."""
    found = find_endpoints(table, asked)
    return found if isinstance(found, Unmatched) else match_first(found, asked)[1]


def match_first(endpoints: Sequence[Endpoint], asked: Asked) -> tuple[Endpoint, Matched | Unmatched]:
    """The first of several endpoints that allows the request; if none does, what the first one says."""
    outcomes = [(endpoint, match_endpoint(endpoint, asked)) for endpoint in endpoints]
    return next((outcome for outcome in outcomes if isinstance(outcome[1], Matched)), outcomes[0])


def find_endpoints(table: Table, asked: Asked) -> tuple[Endpoint, ...] | Unmatched:
    """The endpoints of a request, by its method and path alone; more than one when patterns overlap."""
    here = table.at(asked.path)
    found = tuple(endpoint for endpoint in here if endpoint.method == asked.method)
    if found:
        return found
    if here:
        allow = tuple(dict.fromkeys(endpoint.method for endpoint in here))
        difference = Difference("method", "equality", _one_of(allow), asked.method)
        nearest = next((entry.interaction for endpoint in here for entry in endpoint.entries), None)
        return Unmatched(WRONG_METHOD, nearest, (difference,), allow)
    return _no_such_path(table, asked)


def match_endpoint(endpoint: Endpoint, asked: Asked) -> Matched | Unmatched:
    """Match a request with the interactions of its endpoint."""
    best: Entry | None = None
    for entry in endpoint.entries:
        if best is not None and entry.weight < best.weight:
            break
        if _accepts(entry, asked):
            # Rules alone cannot tell "unknown id" from "known id": the one whose own example was asked for can.
            if entry.interaction.request.path == asked.path:
                return Matched(entry.interaction)
            best = best or entry
    return Matched(best.interaction) if best is not None else _not_allowed(endpoint, asked)


def _accepts(entry: Entry, asked: Asked) -> bool:
    query = asked.query
    if len(query) != len(entry.query):
        return False
    for name, checks in entry.query.items():
        values = query.get(name)
        if values is None or len(values) != len(checks):
            return False
        for check, value in zip(checks, values, strict=True):
            if not check.accepts(value):
                return False
    headers = asked.headers
    for name, check in entry.headers:
        sent = headers.get(name)
        if sent is None or not check.accepts(sent):
            return False
    return entry.path.accepts(asked.path)


def _not_allowed(endpoint: Endpoint, asked: Asked) -> Unmatched:
    compared = [(entry, tuple(differences(entry, asked))) for entry in endpoint.entries]
    if not compared:
        return Unmatched(NOT_ALLOWED, None, ())
    nearest, found = min(compared, key=lambda pair: _distance(pair[1]))
    ties = [other for _, other in compared if _distance(other) == _distance(found) and _places(other) == _places(found)]
    merged = tuple(_merged(same_place) for same_place in zip(*ties, strict=True))
    return Unmatched(NOT_ALLOWED, nearest.interaction, merged)


def _distance(found: Sequence[Difference]) -> tuple[int, int]:
    # A wrong value is closer than a value too many or too few: whoever sent it meant that parameter.
    return len(found), sum(difference.expected is None or difference.actual is None for difference in found)


def _places(found: Iterable[Difference]) -> list[str]:
    return [difference.where for difference in found]


def _merged(same_place: Sequence[Difference]) -> Difference:
    first = same_place[0]
    expected = list(dict.fromkeys(found.expected for found in same_place if found.expected is not None))
    if first.expected is None or len(expected) <= 1:
        return first
    return Difference(first.where, first.rule, _one_of(expected), first.actual)


def _one_of(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"one of {', '.join(values)}"


def differences(entry: Entry, asked: Asked) -> Iterator[Difference]:
    """Every place where a request differs from an interaction, in a stable order: path, query, headers."""
    if not entry.path.accepts(asked.path):
        yield Difference("path", entry.path.rule, entry.path.expected, asked.path)
    for name in dict.fromkeys([*entry.query, *asked.query]):
        yield from _query_differences(f"query {name}", entry.query.get(name), asked.query.get(name))
    for name, check in entry.headers:
        sent = asked.headers.get(name)
        if sent is None:
            yield Difference(f"header {name}", "present", check.expected, None)
        elif not check.accepts(sent):
            shown = "(not shown)" if name in _SECRET_HEADERS else sent
            yield Difference(f"header {name}", check.rule, check.expected, shown)


def _query_differences(
    where: str, checks: tuple[Check, ...] | None, values: Sequence[str] | None
) -> Iterator[Difference]:
    shown = None if values is None else ", ".join(values)
    if checks is None:
        yield Difference(where, "absent", None, shown)
    elif values is None:
        yield Difference(where, "present", " and ".join(check.expected for check in checks), None)
    elif len(values) != len(checks):
        times = "once" if len(checks) == 1 else f"{len(checks)} times"
        yield Difference(where, "equality", f"the parameter {times}", shown)
    else:
        for check, value in zip(checks, values, strict=True):
            if not check.accepts(value):
                yield Difference(where, check.rule, check.expected, value)


def _no_such_path(table: Table, asked: Asked) -> Unmatched:
    candidates = [endpoint for endpoint in table.endpoints if endpoint.entries]
    if not candidates:
        return Unmatched(NO_SUCH_PATH, None, ())
    nearest = max(candidates, key=lambda endpoint: _likeness(endpoint.example_path, asked.path))
    difference = Difference("path", nearest.path.rule, nearest.path.expected, asked.path)
    return Unmatched(NO_SUCH_PATH, nearest.entries[0].interaction, (difference,))


def _likeness(example: str, path: str) -> tuple[int, bool, int]:
    ours, theirs = example.split("/"), path.split("/")
    same = sum(a == b for a, b in zip(ours, theirs, strict=False))
    return same, len(ours) == len(theirs), -abs(len(ours) - len(theirs))
