"""A pact as a table that requests are looked up in: built once at start, never changed.

Whatever the mock could not honour later is refused here, as a `PactError` that names the file, the interaction and
the JSON path: a mock that starts keeps every rule of its contract.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bff_contracts.pact_file import Interaction, Pact, PactError, Request, Rule

SHAPE: Final = "shape"
"""The role of an endpoint's one interaction that is its template."""

UNAUTHORISED: Final = 401
_INDEX: Final = re.compile(r"^(?:\$\.?)?(?P<name>[^\[\]]+)(?:\[[0-9*]+\])?$")
_BRACKETED: Final = re.compile(r"^\$\[['\"](?P<name>.+)['\"]\](?:\[[0-9*]+\])?$")
_WHOLE: Final = re.compile(r"-?[0-9]+")
_FRACTION: Final = re.compile(r"-?[0-9]+\.[0-9]+")

Accepts = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Check:
    """What one value of a request has to be.

    Attributes:
        rule: The matcher's name, as a pact file spells it; `equality` for a value without a rule.
        expected: What would be accepted, in words.
        accepts: Decides about one value.
    """

    rule: str
    expected: str
    accepts: Accepts

    @property
    def is_literal(self) -> bool:
        """Whether exactly one value is accepted."""
        return self.rule == "equality"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An interaction with its rules compiled.

    Attributes:
        interaction: As it is in the file.
        path: Decides about the percent-encoded path.
        query: A check per value of each parameter; a request has these parameters and no others.
        headers: A check per header, lower-case names; a request may have others.
        weight: How much the interaction asks of a request: the heaviest of several that match is the most specific.
    """

    interaction: Interaction
    path: Check
    query: Mapping[str, tuple[Check, ...]]
    headers: tuple[tuple[str, Check], ...]
    weight: int


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """The interactions of one method and path pattern.

    Attributes:
        method: In upper case.
        path: Decides about the percent-encoded path.
        example_path: A path of the endpoint, for messages.
        shape: The template of its answers, if the contract marks one.
        entries: What a request is matched with, most specific first.
        refusals: The answers to wrong credentials; empty when nothing judges credentials before the rules do.
    """

    method: str
    path: Check
    example_path: str
    shape: Entry | None
    entries: tuple[Entry, ...]
    refusals: tuple[Interaction, ...]

    def with_status(self, status: int) -> Interaction | None:
        """The first interaction that answers `status`."""
        interactions = (entry.interaction for entry in self.entries)
        return next((found for found in interactions if found.response.status == status), None)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """All endpoints of one provider.

    Attributes:
        provider: The participant's name.
        endpoints: In file order.
        literal: The endpoints of each path that the contract spells out, patterns that accept it last.
        patterns: The endpoints whose path has a rule; they are tried in file order.
    """

    provider: str
    endpoints: tuple[Endpoint, ...]
    literal: Mapping[str, tuple[Endpoint, ...]]
    patterns: tuple[Endpoint, ...]

    def at(self, path: str) -> tuple[Endpoint, ...]:
        """The endpoints of a percent-encoded path, whatever their method."""
        found = self.literal.get(path)
        if found is not None:
            return found
        return tuple(endpoint for endpoint in self.patterns if endpoint.path.accepts(path))


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
    drafts: list[_Draft] = []
    compiled = [
        (interaction, _compile(interaction, _Place(pact.source, interaction, at), credentials))
        for at, interaction in enumerate(pact.interactions)
    ]
    # Shapes first: whatever else is about their path belongs to their endpoint, wherever it stands in the file.
    for interaction, entry in sorted(compiled, key=lambda item: item[0].role != SHAPE):
        draft = next((draft for draft in drafts if draft.is_of(entry)), None)
        if draft is None and interaction.role != SHAPE:
            draft = next((draft for draft in drafts if draft.covers(entry)), None)
        if draft is None:
            drafts.append(draft := _Draft(entry))
        draft.add(entry, is_refusal=bool(credentials) and interaction.response.status == UNAUTHORISED)
    endpoints = tuple(draft.build() for draft in drafts)
    spelled_out = [endpoint for endpoint in endpoints if endpoint.path.is_literal]
    patterns = tuple(endpoint for endpoint in endpoints if not endpoint.path.is_literal)
    literal = {
        path: tuple(endpoint for endpoint in (*spelled_out, *patterns) if endpoint.path.accepts(path))
        for path in {endpoint.example_path for endpoint in spelled_out}
    }
    return Table(pact.provider, endpoints, literal, patterns)


@dataclass(slots=True)
class _Draft:
    """An endpoint that is still being collected."""

    first: Entry
    entries: list[Entry] = field(default_factory=list[Entry])
    refusals: list[Interaction] = field(default_factory=list[Interaction])

    def is_of(self, entry: Entry) -> bool:
        mine, theirs = self.first.interaction.request, entry.interaction.request
        return (mine.method, mine.path_rule) == (theirs.method, theirs.path_rule) and (
            mine.path_rule is not None or mine.path == theirs.path
        )

    def covers(self, entry: Entry) -> bool:
        """Whether an interaction with one literal path is a case of this pattern."""
        mine, theirs = self.first.interaction.request, entry.interaction.request
        return mine.method == theirs.method and theirs.path_rule is None and self.first.path.accepts(theirs.path)

    def add(self, entry: Entry, *, is_refusal: bool) -> None:
        if is_refusal:
            self.refusals.append(entry.interaction)
        else:
            self.entries.append(entry)

    def build(self) -> Endpoint:
        request = self.first.interaction.request
        return Endpoint(
            method=request.method,
            path=self.first.path,
            example_path=request.path,
            shape=next((entry for entry in self.entries if entry.interaction.role == SHAPE), None),
            entries=tuple(sorted(self.entries, key=_preference)),
            refusals=tuple(self.refusals),
        )


def _preference(entry: Entry) -> tuple[int, bool, bool]:
    # A refusal that asks for less also matches requests that are right: among equals, an answer beats an error.
    is_error = entry.interaction.response.status >= 400  # noqa: PLR2004
    return (-entry.weight, is_error, entry.interaction.role != SHAPE)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in which file something stands, for messages."""

    source: str
    interaction: Interaction
    at: int

    def error(self, path: str, problem: str) -> PactError:
        message = (
            f"{self.source}: interaction {self.interaction.description!r}: $.interactions[{self.at}].{path}: {problem}"
        )
        return PactError(message)


def _compile(interaction: Interaction, place: _Place, credentials: frozenset[str]) -> Entry:
    request = interaction.request
    if request.has_body or request.rules:
        raise place.error("request.body", "request bodies cannot be matched by this mock")
    path = _check(request.path_rule, request.path, place, "request.matchingRules.path")
    query = dict(_query_checks(request, place))
    headers = tuple((name, check) for name, check in _header_checks(request, place) if name not in credentials)
    checks = [path, *(check for values in query.values() for check in values), *(check for _, check in headers)]
    return Entry(interaction, path, query, headers, weight=sum(2 if check.is_literal else 1 for check in checks))


def _query_checks(request: Request, place: _Place) -> Iterator[tuple[str, tuple[Check, ...]]]:
    rules = _by_name(request.query_rules, request.query, place, "query")
    for name, values in request.query.items():
        where = f"request.matchingRules.query.{name}"
        yield name, tuple(_check(rules.get(name), value, place, where) for value in values)


def _header_checks(request: Request, place: _Place) -> Iterator[tuple[str, Check]]:
    rules = _by_name(request.header_rules, request.headers, place, "header")
    for name, values in request.headers.items():
        yield name, _check(rules.get(name), ", ".join(values), place, f"request.matchingRules.header.{name}")


def _by_name(
    rules: Mapping[str, Rule], known: Mapping[str, object], place: _Place, category: str
) -> Mapping[str, Rule]:
    # Writers differ in how they spell a rule's key: limit, limit[0], $.limit[0], $['x-id'][0].
    named: dict[str, Rule] = {}
    for key, rule in rules.items():
        found = _BRACKETED.match(key) or _INDEX.match(key)
        name = key if key in known or found is None else found["name"]
        if name not in known:
            raise place.error(
                f"request.matchingRules.{category}.{key}", "a rule for something the request does not have"
            )
        named[name] = rule
    return named


def _check(rule: Rule | None, example: str, place: _Place, where: str) -> Check:
    if rule is None:
        return _equality(example)
    if not rule.matchers:
        raise place.error(where, "a rule without a matcher")
    checks = [
        _matcher(dict(matcher), example, place, f"{where}.matchers[{at}]") for at, matcher in enumerate(rule.matchers)
    ]
    if len(checks) == 1:
        return checks[0]
    decide, word = (any, " or ") if rule.combine == "OR" else (all, " and ")
    accepts = [check.accepts for check in checks]
    return Check(
        rule=rule.combine,
        expected=word.join(check.expected for check in checks),
        accepts=lambda value: decide(accept(value) for accept in accepts),
    )


def _matcher(  # noqa: PLR0911  # one per matcher
    matcher: Mapping[str, Any], example: str, place: _Place, where: str
) -> Check:
    match matcher.get("match"):
        case "equality":
            return _equality(example)
        case "regex":
            return _regex(str(matcher.get("regex", "")), place, f"{where}.regex")
        case "include":
            part = str(matcher.get("value", ""))
            return Check("include", f"a text that contains {part!r}", lambda value: part in value)
        case "type":
            return Check("type", "any text", lambda _: True)
        case "integer":
            return Check("integer", "a whole number", lambda value: _WHOLE.fullmatch(value) is not None)
        case "decimal":
            return Check("decimal", "a decimal number", lambda value: _FRACTION.fullmatch(value) is not None)
        case "number":
            return Check(
                "number", "a number", lambda value: bool(_WHOLE.fullmatch(value) or _FRACTION.fullmatch(value))
            )
        case "boolean":
            return Check("boolean", "true or false", lambda value: value in {"true", "false"})
        case "null":
            return Check("null", "an empty value", lambda value: not value)
        case other:
            raise place.error(f"{where}.match", f"the matching rule {other!r} cannot be honoured on a request")


def _equality(example: str) -> Check:
    return Check("equality", example, example.__eq__)


def _regex(pattern: str, place: _Place, where: str) -> Check:
    try:
        fullmatch = re.compile(pattern).fullmatch
    except re.error as error:
        raise place.error(where, f"not a regular expression ({error})") from error
    return Check("regex", f"a text that matches {pattern}", lambda value: fullmatch(value) is not None)
