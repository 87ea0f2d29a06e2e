"""A pact as a table that requests are looked up in: built once at start, never changed.

Whatever the mock could not honour later is refused here, as a `PactError` that names the file, the interaction and
the JSON path: a mock that starts keeps every rule of its contract.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bff_contracts.pact.file import Interaction, Pact, Request, Response, Rule
from bff_contracts.pact.text_rules import Check
from bff_contracts.platform import SHAPE
from bff_mock_server.matching.bodies import BodyCheck
from bff_mock_server.matching.paths import PathIndex, anchors
from bff_mock_server.matching.rules import RulePlace, check_of, header_check

UNAUTHORISED: Final = 401
_STATUSES: Final = (200, 599)
_INDEX: Final = re.compile(r"^(?:\$\.?)?(?P<name>[^\[\]]+)(?:\[(?P<at>[0-9*]+)\])?$")
_BRACKETED: Final = re.compile(r"^\$\[['\"](?P<name>.+)['\"]\](?:\[(?P<at>[0-9*]+)\])?$")

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CompiledInteraction:
    """An interaction with its rules compiled.

    Attributes:
        interaction: As it is in the file.
        path: Decides about the percent-encoded path.
        query: A check per value of each parameter; a request has these parameters and no others.
        headers: A check per header, lower-case names; a request may have others.
        body: Decides about the body; `None` when any will do.
        weight: How much the interaction asks of a request: the heaviest of several that match is the most specific.
    """

    interaction: Interaction
    path: Check
    query: Mapping[str, tuple[Check, ...]]
    headers: tuple[tuple[str, Check], ...]
    body: BodyCheck | None
    weight: int

    def __repr__(self) -> str:
        return f"<interaction {self.interaction.description!r}>"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The interactions that ask the same of a request: they differ in their provider states and examples only.

    Attributes:
        entries: The preferred one first.
        at_example: They by the path and the query of their own examples.
        weight: As in `CompiledInteraction`.
        path: What is left to check of a path that its endpoint accepts; `None` when that is nothing.
        query: What is left to check of a query for which it is a candidate.
        headers: As in `CompiledInteraction`.
        body: As in `CompiledInteraction`.
    """

    entries: tuple[CompiledInteraction, ...]
    at_example: Mapping[str, Mapping[object, CompiledInteraction]]
    weight: int
    path: Check | None
    query: tuple[tuple[str, tuple[Check, ...]], ...]
    headers: tuple[tuple[str, Check], ...]
    body: BodyCheck | None

    def own(self, path: str, query: Query) -> CompiledInteraction | None:
        """The interaction whose own example is asked for: by path and query, or by a path that could be another."""
        here = self.at_example.get(path)
        if here is None:
            return None
        return here.get(frozenset(query.items())) or here.get(None)


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """The interactions of one method and path pattern.

    Attributes:
        method: In upper case.
        path: Decides about the percent-encoded path.
        example_path: A path of the endpoint, for messages.
        shape: The template of its answers, if the contract marks one.
        entries: What a request is matched with, most specific first.
        cases: The same, those that ask the same taken together.
        refusals: The answers to wrong credentials; empty when nothing judges credentials before the rules do.
    """

    method: str
    path: Check
    example_path: str
    shape: CompiledInteraction | None
    entries: tuple[CompiledInteraction, ...]
    cases: tuple[Case, ...]
    refusals: tuple[CompiledInteraction, ...]
    _by_query: "_QueryIndex"

    def candidates(self, query: Query) -> Sequence[Case]:
        """The cases that a query with these parameters can belong to, most specific first."""
        return self._by_query.candidates(query)

    @property
    def route(self) -> str:
        """Method and path, `*` for what varies in it."""
        begin, end = anchors(self.path)
        return f"{self.method} {self.path.expected if self.path.is_literal else f'{begin}*{end}'}"

    def with_status(self, status: int) -> CompiledInteraction | None:
        """The first interaction, refusals included, that answers `status`."""
        known = (*self.refusals, *self.entries)
        return next((entry for entry in known if entry.interaction.response.status == status), None)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """All endpoints of one provider.

    Attributes:
        provider: The participant's name.
        endpoints: In file order, those with a shape first.
        at: Finds the endpoints of a percent-encoded path, whatever their method.
    """

    provider: str
    endpoints: tuple[Endpoint, ...]
    at: Callable[[str], tuple[Endpoint, ...]]


def compile_pact(pact: Pact, *, credentials: frozenset[str] = frozenset()) -> Table:
    """Build the table of a pact.

    Args:
        pact: The contract.
        credentials: Headers (lower case) that a simulator judges before anything else, as the real provider does: no
            check is compiled for them, and interactions that answer 401 become refusals.

    Raises:
        PactError: Something in the file cannot be honoured.
    """
    if all(interaction.response.status != UNAUTHORISED for interaction in pact.interactions):
        # Without a refusal to answer with, the rules of the headers have to do the judging.
        credentials = frozenset()
    entries = [
        _compile(interaction, RulePlace(pact.source, interaction, at), credentials)
        for at, interaction in enumerate(pact.interactions)
    ]
    drafts: dict[tuple[str, str, str], _Draft] = {}
    # Shapes first: whatever else is about their path belongs to their endpoint, wherever it stands in the file.
    for entry in sorted(entries, key=lambda entry: entry.interaction.role != SHAPE):
        request = entry.interaction.request
        draft = drafts.get((request.method, *entry.path.identity))
        if draft is None and entry.path.is_literal and entry.interaction.role != SHAPE:
            draft = next((draft for draft in drafts.values() if draft.covers(request)), None)
        if draft is None:
            draft = drafts[request.method, *entry.path.identity] = _Draft(entry)
        draft.add(entry, is_refusal=bool(credentials) and entry.interaction.response.status == UNAUTHORISED)
    endpoints = tuple(draft.build() for draft in drafts.values())
    return Table(pact.provider, endpoints, PathIndex(endpoints).at)


@dataclass(slots=True)
class _Draft:
    """An endpoint that is still being collected."""

    first: CompiledInteraction
    entries: list[CompiledInteraction] = field(default_factory=list[CompiledInteraction])
    refusals: list[CompiledInteraction] = field(default_factory=list[CompiledInteraction])

    def covers(self, request: Request) -> bool:
        """Whether an interaction with one literal path is a case of this pattern."""
        pattern = self.first
        return (
            pattern.interaction.request.method == request.method
            and not pattern.path.is_literal
            and bool(pattern.path.accepts(request.path))
        )

    def add(self, entry: CompiledInteraction, *, is_refusal: bool) -> None:
        if is_refusal:
            self.refusals.append(entry)
        else:
            self.entries.append(entry)

    def build(self) -> Endpoint:
        request = self.first.interaction.request
        entries = tuple(sorted(self.entries, key=_preference))
        grouped = list(_grouped(entries))
        cases = tuple(_case(same, self.first.path) for same in grouped)
        return Endpoint(
            method=request.method,
            path=self.first.path,
            example_path=request.path,
            shape=next((entry for entry in self.entries if entry.interaction.role == SHAPE), None),
            entries=entries,
            cases=cases,
            refusals=tuple(self.refusals),
            _by_query=_QueryIndex([(same[0], case) for same, case in zip(grouped, cases, strict=True)]),
        )


def _preference(entry: CompiledInteraction) -> tuple[int, bool]:
    # A refusal that asks for less also matches requests that are right: among equals, an answer beats an error.
    return -entry.weight, entry.interaction.response.status >= 400  # noqa: PLR2004


def _grouped(entries: Iterable[CompiledInteraction]) -> Iterable[Sequence[CompiledInteraction]]:
    alike: dict[object, list[CompiledInteraction]] = {}
    for entry in entries:
        query = frozenset((name, *(check.identity for check in checks)) for name, checks in entry.query.items())
        headers = frozenset((name, check.identity) for name, check in entry.headers)
        body = entry.body.identity if entry.body is not None else None
        alike.setdefault((entry.path.identity, query, headers, body), []).append(entry)
    return alike.values()


def _case(same: Sequence[CompiledInteraction], endpoint_path: Check) -> Case:
    first = same[0]
    at_example: dict[str, dict[object, CompiledInteraction]] = {}
    for entry in same:
        request = entry.interaction.request
        here = at_example.setdefault(request.path, {})
        here.setdefault(frozenset(request.query.items()), entry)
        if request.path_rule is not None:
            here.setdefault(None, entry)  # its path alone tells it from others
    return Case(
        entries=tuple(same),
        at_example=at_example,
        weight=first.weight,
        path=None if first.path.identity == endpoint_path.identity else first.path,
        query=tuple((name, checks) for name, checks in first.query.items() if not _is_spelled_out(checks)),
        headers=first.headers,
        body=first.body,
    )


def _is_spelled_out(checks: Sequence[Check]) -> bool:
    return all(check.is_literal for check in checks)


class _QueryIndex:
    """Cases by the names of their parameters and by the values that they spell out.

    So a filter with a hundred spelled-out values costs a request as much as one with two.
    """

    def __init__(self, cases: Sequence[tuple[CompiledInteraction, Case]]) -> None:
        self._order = {case: at for at, (_, case) in enumerate(cases)}
        self._by_names: dict[frozenset[str], dict[tuple[str, ...], dict[tuple[tuple[str, ...], ...], list[Case]]]] = {}
        for entry, case in cases:
            spelled_out = {
                name: tuple(check.expected for check in checks)
                for name, checks in entry.query.items()
                if _is_spelled_out(checks)
            }
            by_literals = self._by_names.setdefault(frozenset(entry.query), {})
            by_values = by_literals.setdefault(tuple(spelled_out), {})
            by_values.setdefault(tuple(spelled_out.values()), []).append(case)

    def candidates(self, query: Query) -> Sequence[Case]:
        found: list[list[Case]] = []
        for names, by_values in self._by_names.get(frozenset(query), {}).items():
            if not names:
                found += by_values.values()
                continue
            cases = by_values.get(tuple([tuple(query[name]) for name in names]))
            if cases is not None:
                found.append(cases)
        if len(found) == 1:
            return found[0]
        return sorted((case for cases in found for case in cases), key=self._order.__getitem__)


def _compile(interaction: Interaction, place: RulePlace, credentials: frozenset[str]) -> CompiledInteraction:
    request = interaction.request
    _check_answer(interaction.response, place)
    if request.rules and not request.has_body:
        raise place.error("request.matchingRules.body", "rules for a body that the request does not have")
    path = check_of(request.path_rule, request.path, place, "request.matchingRules.path")
    query = dict(_query_checks(request, place))
    headers = tuple((name, check) for name, check in _header_checks(request, place) if name not in credentials)
    checks = [path, *(check for values in query.values() for check in values), *(check for _, check in headers)]
    body = BodyCheck(request, place) if request.has_body else None
    weight = sum(2 if check.is_literal else 1 for check in checks) + (body is not None)
    return CompiledInteraction(interaction, path, query, headers, body, weight)


def _check_answer(response: Response, place: RulePlace) -> None:
    if not _STATUSES[0] <= response.status <= _STATUSES[1]:
        raise place.error("response.status", f"{response.status} is no status of HTTP")
    for name, values in response.headers.items():
        if not all(f"{name}{value}".isprintable() and f"{name}{value}".isascii() for value in values):
            raise place.error(f"response.headers.{name}", "a header has visible ASCII characters alone")


def _query_checks(request: Request, place: RulePlace) -> Iterator[tuple[str, tuple[Check, ...]]]:
    rules = _by_name(request.query_rules, request.query, place, "query")
    for name, values in request.query.items():
        where = f"request.matchingRules.query.{name}"
        yield (
            name,
            tuple(
                check_of(rules.get((name, at)) or rules.get((name, None)), value, place, where)
                for at, value in enumerate(values)
            ),
        )


def _header_checks(request: Request, place: RulePlace) -> Iterator[tuple[str, Check]]:
    rules = _by_name(request.header_rules, request.headers, place, "header")
    for name, values in request.headers.items():
        where = f"request.matchingRules.header.{name}"
        rule = rules.get((name, None)) or rules.get((name, 0))
        yield name, header_check(name, values) if rule is None else check_of(rule, ", ".join(values), place, where)


def _by_name(
    rules: Mapping[str, Rule], known: Mapping[str, object], place: RulePlace, category: str
) -> Mapping[tuple[str, int | None], Rule]:
    # Writers differ in how they spell a rule's key: limit, limit[0], $.limit[0], $['x-id'][0].
    named: dict[tuple[str, int | None], Rule] = {}
    for key, rule in rules.items():
        found = _BRACKETED.match(key) or _INDEX.match(key)
        is_whole = key in known or found is None
        name = key if is_whole or found is None else found["name"]
        at = None if is_whole or found is None or not (found["at"] or "").isdecimal() else int(found["at"])
        if name not in known:
            raise place.error(
                f"request.matchingRules.{category}.{key}", "a rule for something the request does not have"
            )
        named[name, at] = rule
    return named
