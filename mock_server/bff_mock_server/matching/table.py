"""Compiles a pact into a table in which requests are looked up; built once at start, never changed.

A contract that the mock cannot honour is rejected here, with a `PactError` that names the file, the interaction and
the JSON path: a mock that starts keeps every rule of its contract.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from bff_contracts.pact.file import Interaction, Pact, Request
from bff_contracts.pact.text_rules import Check, is_exact
from bff_contracts.platform import SHAPE
from bff_mock_server._json import dumps
from bff_mock_server.matching.by_engine import EngineCheck, WholeCheck, path_check, whole_check
from bff_mock_server.matching.likeliest import MOST_COMPARED, Likeliest
from bff_mock_server.matching.paths import PathIndex, anchors
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.rules import RulePlace, by_name, check_of, header_check
from bff_mock_server.matching.sendable import check_answer, check_request

UNAUTHORISED: Final = 401

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CompiledInteraction:
    """An interaction with its rules compiled.

    Attributes:
        interaction: As it is in the file.
        path: Decides about the percent-encoded path.
        query: A check per value of each parameter; a request has these parameters and no others.
        headers: A check per header, lower-case names; a request may have others.
        whole: Decides about the parts that the other checks do not cover; `None` if there are none.
        weight: How specific the interaction is: of several that match, the heaviest answers.
    """

    interaction: Interaction
    path: Check
    query: Mapping[str, tuple[Check, ...]]
    headers: tuple[tuple[str, Check], ...]
    whole: WholeCheck | None
    weight: int

    def __repr__(self) -> str:
        return f"<interaction {self.interaction.description!r}>"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The interactions with the same request: they differ only in provider states and examples.

    Attributes:
        entries: The preferred one first.
        at_example: The same, by the path and the query of their own examples.
        weight: As in `CompiledInteraction`.
        path: The remaining check of a path that its endpoint accepts; `None` if there is none.
        query: The remaining checks of a query for which it is a candidate.
        headers: As in `CompiledInteraction`.
        whole: As in `CompiledInteraction`.
    """

    entries: tuple[CompiledInteraction, ...]
    at_example: Mapping[str, Mapping[object, CompiledInteraction]]
    weight: int
    path: Check | None
    query: tuple[tuple[str, tuple[Check, ...]], ...]
    headers: tuple[tuple[str, Check], ...]
    whole: WholeCheck | None

    def own(self, path: str, query: Query) -> CompiledInteraction | None:
        """The interaction whose own example is requested: by path and query, or by a path that a rule lets vary."""
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
        shape: The template of its responses, if the contract marks one.
        entries: The interactions that a request is matched with, the most specific first.
        cases: The same, grouped by their request.
        refusals: The responses to wrong credentials; empty if credentials are checked by the rules.
        needs_engine: Whether the official engine decides about more than bodies.
    """

    method: str
    path: Check
    example_path: str
    shape: CompiledInteraction | None
    entries: tuple[CompiledInteraction, ...]
    cases: tuple[Case, ...]
    refusals: tuple[CompiledInteraction, ...]
    needs_engine: bool
    _by_query: "_QueryIndex"
    _by_marks: Likeliest[CompiledInteraction]

    def candidates(self, query: Query) -> Sequence[Case]:
        """The cases that a query with these parameters can belong to, most specific first."""
        return self._by_query.candidates(query)

    def likeliest(self, asked: Asked) -> Sequence[CompiledInteraction]:
        """The entries that a refused request is compared with: all, or the most similar ones of many."""
        if len(self.entries) <= MOST_COMPARED:
            return self.entries
        fitting = (entry for case in self.candidates(asked.query) for entry in case.entries)
        return tuple(dict.fromkeys((*islice(fitting, MOST_COMPARED), *self._by_marks.among(_marks_of_request(asked)))))

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
        at: Finds the endpoints of a percent-encoded path, of any method.
    """

    provider: str
    endpoints: tuple[Endpoint, ...]
    at: Callable[[str], tuple[Endpoint, ...]]
    _by_segments: Likeliest[Endpoint]

    def likeliest(self, path: str) -> Sequence[Endpoint]:
        """The endpoints that an unknown path is compared with: all, or the most similar ones of many."""
        return self._by_segments.among(_marks_of_path(path))


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
    # Shapes first: other interactions with their path belong to their endpoint, wherever they are in the file.
    for entry in sorted(entries, key=lambda entry: entry.interaction.role != SHAPE):
        request = entry.interaction.request
        draft = drafts.get((request.method, *entry.path.identity))
        if draft is None and entry.path.is_literal and entry.interaction.role != SHAPE:
            draft = next((draft for draft in drafts.values() if draft.covers(request)), None)
        if draft is None:
            draft = drafts[request.method, *entry.path.identity] = _Draft(entry)
        draft.add(entry, is_refusal=bool(credentials) and entry.interaction.response.status == UNAUTHORISED)
    endpoints = tuple(draft.build() for draft in drafts.values())
    by_segments = Likeliest(
        (endpoint for endpoint in endpoints if endpoint.entries), lambda endpoint: _marks_of_path(endpoint.example_path)
    )
    return Table(pact.provider, endpoints, PathIndex(endpoints).at, by_segments)


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
            needs_engine=any(isinstance(entry.whole, EngineCheck) for entry in entries),
            _by_query=_QueryIndex([(same[0], case) for same, case in zip(grouped, cases, strict=True)]),
            _by_marks=Likeliest(entries, _marks_of_entry),
        )


def _preference(entry: CompiledInteraction) -> tuple[int, bool]:
    # A less specific refusal also matches valid requests: among equals, a success takes precedence.
    return -entry.weight, entry.interaction.response.status >= 400  # noqa: PLR2004


def _grouped(entries: Iterable[CompiledInteraction]) -> Iterable[Sequence[CompiledInteraction]]:
    alike: dict[object, list[CompiledInteraction]] = {}
    for entry in entries:
        query = frozenset((name, *(check.identity for check in checks)) for name, checks in entry.query.items())
        headers = frozenset((name, check.identity) for name, check in entry.headers)
        whole = entry.whole.identity if entry.whole is not None else None
        alike.setdefault((entry.path.identity, query, headers, whole), []).append(entry)
    return alike.values()


def _case(same: Sequence[CompiledInteraction], endpoint_path: Check) -> Case:
    first = same[0]
    at_example: dict[str, dict[object, CompiledInteraction]] = {}
    for entry in same:
        request = entry.interaction.request
        here = at_example.setdefault(request.path, {})
        here.setdefault(frozenset(request.query.items()), entry)
        if request.path_rule is not None:
            here.setdefault(None, entry)  # its path alone identifies it
    is_engines = isinstance(first.whole, EngineCheck)
    return Case(
        entries=tuple(same),
        at_example=at_example,
        weight=first.weight,
        path=None if first.path.identity == endpoint_path.identity else first.path,
        query=()
        if is_engines
        else tuple((name, checks) for name, checks in first.query.items() if not _is_spelled_out(checks)),
        headers=() if is_engines else first.headers,
        whole=first.whole,
    )


def _marks_of_entry(entry: CompiledInteraction) -> Iterator[Hashable]:
    """The features in which a request may resemble an interaction: its path, names of parameters, values, headers."""
    yield frozenset(entry.query)
    if entry.path.is_literal:
        yield "path", entry.path.expected
    for name, checks in entry.query.items():
        yield "query", name
        if _is_spelled_out(checks):
            yield "query", name, tuple(check.expected for check in checks)
    yield from (("header", name, check.expected) for name, check in entry.headers if check.is_literal)


def _marks_of_request(asked: Asked) -> Iterator[Hashable]:
    yield frozenset(asked.query)
    yield "path", asked.path
    for name, values in asked.query.items():
        yield "query", name
        yield "query", name, tuple(values)
    yield from (("header", name, value) for name, value in asked.headers.items())


def _marks_of_path(path: str) -> Iterator[Hashable]:
    segments = path.split("/")
    yield len(segments)
    yield from enumerate(segments)


def _is_spelled_out(checks: Sequence[Check]) -> bool:
    return all(check.is_literal for check in checks)


class _QueryIndex:
    """Cases by the names of their parameters and by their literal values.

    So a filter with a hundred literal values costs a request as much as one with two.
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
    check_request(request, place)
    check_answer(interaction.response, place)
    judged = replace(
        request,
        headers={name: values for name, values in request.headers.items() if name not in credentials},
        header_rules={name: rule for name, rule in request.header_rules.items() if name not in credentials},
    )
    whole = whole_check(judged, place)
    path = _path_check(judged, place)
    if isinstance(whole, EngineCheck):
        query: dict[str, tuple[Check, ...]] = {name: (_engines(name, values),) for name, values in judged.query.items()}
        headers = tuple((name, _engines(name, values)) for name, values in judged.headers.items())
    else:
        query = dict(_query_checks(judged, place))
        headers = tuple(_header_checks(judged, place))
    checks = [path, *(check for values in query.values() for check in values), *(check for _, check in headers)]
    weight = sum(2 if check.is_literal else 1 for check in checks) + (request.has_body or request.wants_no_body)
    return CompiledInteraction(interaction, path, query, headers, whole, weight)


def _path_check(request: Request, place: RulePlace) -> Check:
    rule = request.path_rule
    if rule is None or is_exact(rule.matchers):
        return check_of(rule, request.path, place, "request.matchingRules.path")
    names = " and ".join(str(matcher["match"]) for matcher in rule.matchers) or "no rule"
    return Check(names, f"like {request.path}, by {dumps(rule.as_json())}", path_check(request, place))


def _engines(name: str, values: Sequence[str]) -> Check:
    """A check that leaves the decision to the engine; used in the index and in messages."""
    return Check("engine", f"{name}: {', '.join(values)}", lambda _: True)


def _query_checks(request: Request, place: RulePlace) -> Iterator[tuple[str, tuple[Check, ...]]]:
    rules = by_name(request.query_rules, request.query)
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
    rules = by_name(request.header_rules, request.headers)
    for name, values in request.headers.items():
        where = f"request.matchingRules.header.{name}"
        rule = rules.get((name, None)) or rules.get((name, 0))
        value = ", ".join(values)
        yield name, header_check(name, value) if rule is None else check_of(rule, value, place, where)
