"""What a new contract demands that the old one did not, by example.

The comparison makes responses and requests that differ from the examples of both sides in one place each, and asks the
official engine which side allows them. If only the old side allows a response, the provider may send it today and not
any more: the change is *stricter*. If only the new side allows it, the change is *looser*. For requests it is the
reverse: a request that only the new side sends is *stricter*, because the provider has to accept it. Changed provider
states count as stricter, because no example shows whether a provider derives the response from them. A changed rule
that no example distinguishes from the old one is *unclear*, never equivalent.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bff_contracts.comparison.variants import WHOLE, Candidate, candidates, normal, unlike
from bff_contracts.http import MEDIA_TYPE_HEADERS, media_type
from bff_contracts.judge import mismatches
from bff_contracts.pact.file import Interaction, Pact, Request, Response, Rule
from bff_contracts.pact.json_path import is_array, is_object, steps_of


class ComparisonError(Exception):
    """The official engine cannot judge a contract; the message says which interaction and why."""


class Verdict(StrEnum):
    """What a change means for the provider."""

    STRICTER = "stricter"
    NEW = "new"
    LOOSER = "looser"
    REMOVED = "removed"
    UNCLEAR = "unclear"
    EQUIVALENT = "equivalent"

    @property
    def demands(self) -> bool:
        """Whether a provider that keeps the old contract may not keep the new one."""
        return self in {Verdict.STRICTER, Verdict.NEW}


@dataclass(frozen=True, slots=True)
class Change:
    """How an interaction or a provider state changed.

    Attributes:
        provider: Whose contract it is.
        what: `interaction` or `provider state`.
        name: The description of the interaction, the name of the state.
        verdict: What it means for the provider.
        examples: Examples that show it, the clearest first.
    """

    provider: str
    what: str
    name: str
    verdict: Verdict
    examples: tuple[str, ...] = ()


def diff(old: Sequence[Pact], new: Sequence[Pact]) -> list[Change]:
    """Compare contracts, provider by provider; the result is the same each time.

    Raises:
        ComparisonError: A contract does not allow its own example, or the engine cannot read it.
    """
    before, after = ({pact.provider: pact for pact in side} for side in (old, new))
    return [
        change
        for provider in sorted(before.keys() | after.keys())
        for change in _contract_changes(provider, before.get(provider), after.get(provider))
    ]


def _contract_changes(provider: str, old: Pact | None, new: Pact | None) -> Iterator[Change]:
    before, after = _interactions(old), _interactions(new)
    yield from _state_changes(provider, before.values(), after.values())
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Change(provider, "interaction", name, Verdict.NEW)
        elif name not in after:
            yield Change(provider, "interaction", name, Verdict.REMOVED)
        else:
            try:
                verdict, examples = _compared(before[name], after[name])
            except (
                ComparisonError,
                RuntimeError,
            ) as error:  # the engine raises the latter for rules that it cannot read
                message = f"{provider}: interaction {name!r}: {error}"
                raise ComparisonError(message) from error
            yield Change(provider, "interaction", name, verdict, examples)


def _interactions(pact: Pact | None) -> dict[str, Interaction]:
    """Interactions by their description, and by their states where they share one."""
    found: dict[str, Interaction] = {}
    shared = [interaction.description for interaction in (pact.interactions if pact else ())]
    for interaction in pact.interactions if pact else ():
        name = interaction.description
        if shared.count(name) > 1:
            name += f" given {', '.join(state.name for state in interaction.states) or 'nothing'}"
        found[name if name not in found else f"{name} ({_canonical(_states(interaction))})"] = interaction
    return found


def _state_changes(provider: str, old: Iterable[Interaction], new: Iterable[Interaction]) -> Iterator[Change]:
    before, after = _params(old), _params(new)
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Change(provider, "provider state", name, Verdict.NEW)
        elif name not in after:
            yield Change(provider, "provider state", name, Verdict.REMOVED)
        elif before[name] != after[name]:
            reasons = [f"param {param!r} is new" for param in sorted(after[name] - before[name])]
            reasons += [f"param {param!r} is gone" for param in sorted(before[name] - after[name])]
            yield Change(provider, "provider state", name, Verdict.STRICTER, tuple(reasons))


def _params(interactions: Iterable[Interaction]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for interaction in interactions:
        for state in interaction.states:
            found[state.name] = found.get(state.name, frozenset()) | frozenset(state.params)
    return found


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of an exchange as a single JSON document, with the rules that hold in it."""

    example: Any
    rules: Mapping[str, Rule]
    _judged: dict[str, list[tuple[str, str]]] = field(default_factory=dict[str, list[tuple[str, str]]], repr=False)

    def objections(self, document: Any) -> list[tuple[str, str]]:
        """Paths and reasons, sorted: the engine's order varies."""
        text = json.dumps(document)
        if text not in self._judged:  # both examples have many variants in common
            found = mismatches(self.example, self.rules, text)
            self._judged[text] = sorted((each.path, each.message) for each in found)
        return self._judged[text]


def _compared(old: Interaction, new: Interaction) -> tuple[Verdict, tuple[str, ...]]:
    responses = _findings(_response_side(old.response), _response_side(new.response))
    requests = _findings(_request_side(old.request), _request_side(new.request))
    stricter = [f"response no longer allowed: {text}" for text in responses.only_old]
    stricter += [f"request newly sent: {text}" for text in requests.only_new]
    looser = [f"response newly allowed: {text}" for text in responses.only_new]
    looser += [f"request no longer sent: {text}" for text in requests.only_old]
    unclear = [f"rule changed, without an example that shows it: {text}" for text in responses.rules + requests.rules]
    stricter += _without_an_example(old, new, "response no longer allowed", "request newly sent")
    looser += _without_an_example(new, old, "response newly allowed", "request no longer sent")
    before, after = old.response.status_rule, new.response.status_rule
    if before is not None and after is not None and before != after:
        unclear.append(f"rule changed, without an example that shows it: {_text(before)} became {_text(after)}")
    if _canonical(_states(old)) != _canonical(_states(new)):
        stricter.append("provider states changed, and with them the data of the response")
    if stricter:
        return Verdict.STRICTER, (*stricter, *looser, *unclear)
    if unclear:
        return Verdict.UNCLEAR, (*unclear, *looser)
    return (Verdict.LOOSER if looser else Verdict.EQUIVALENT), tuple(looser)


def _without_an_example(old: Interaction, new: Interaction, response: str, request: str) -> Iterator[str]:
    """What only the old responses and only the new requests can be, of what the engine is not asked about."""
    rule = old.response.status_rule
    if rule is not None and new.response.status_rule is None:
        yield f"{response}: another status than {new.response.status} ({_text(rule)})"
    if new.response.wants_no_body and not old.response.wants_no_body:
        yield f"{response}: one with a body"
    if old.request.wants_no_body and not (new.request.wants_no_body or new.request.has_body):
        yield f"{request}: one with a body"


def _states(interaction: Interaction) -> list[Any]:
    return [[state.name, dict(state.params)] for state in interaction.states]


def _canonical(value: Any) -> str:
    """Values that are equal to Python, such as 1, 1.0 and true, are not the same in JSON."""
    return json.dumps(value, sort_keys=True)


def _response_side(response: Response) -> _Side:
    example: dict[str, Any] = {"status": response.status, "headers": _headers(response.headers)}
    example |= _body(response)
    return _Side(example, {**_below("$.headers", response.header_rules), **_in_body(response)})


def _request_side(request: Request) -> _Side:
    example: dict[str, Any] = {
        "method": request.method,
        "path": request.path,
        "query": {name: list(values) for name, values in request.query.items()},
        "headers": _headers(request.headers),
        # The engine lets keys be added to what it compares; to a request nothing may be added.
        "parameters": sorted(request.query),
        "fields": sorted(set(_fields(request.body))) if request.has_body else None,
    }
    example |= _body(request)
    rules = {
        **_below("$.headers", request.header_rules),
        **{f"$.query['{name}'][*]": rule for name, rule in request.query_rules.items()},
        **_in_body(request),
    }
    return _Side(example, {**rules, "$.path": request.path_rule} if request.path_rule else rules)


def _fields(value: Any, at: str = "") -> Iterator[str]:
    if is_object(value):
        for name, child in value.items():
            yield f"{at}.{name}"
            yield from _fields(child, f"{at}.{name}")
    elif is_array(value):
        for child in value:
            yield from _fields(child, f"{at}[]")


def _headers(headers: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        name: _media_type(values[0]) if name in MEDIA_TYPE_HEADERS else ", ".join(values)
        for name, values in headers.items()
    }


def _media_type(text: str) -> dict[str, Any]:
    """A media type with its parameters: a response may have more of these, and their spelling does not matter."""
    kind, parameters = media_type(text)
    return {
        "type": kind,
        "parameters": {name: value for name, _, value in (each.partition("=") for each in sorted(parameters))},
    }


def _below(at: str, rules: Mapping[str, Rule]) -> dict[str, Rule]:
    return {f"{at}['{name}']": rule for name, rule in rules.items()}


def _body(side: Request | Response) -> dict[str, Any]:
    """The body as JSON: that of other forms with its type, unless a header has it; bytes with a rule may be any."""
    content = side.content
    if content is None:
        return {}
    if content.is_json:
        return {"body": content.value}
    found: dict[str, Any] = {"form": "text"}
    if content.content_type is not None and "content-type" not in side.headers:
        found["type"] = _media_type(content.content_type)
    if not isinstance(content.value, bytes):
        return {**found, "body": content.value}
    found["form"] = "bytes"
    return found if side.rules else {**found, "body": base64.b64encode(content.raw).decode()}


def _in_body(side: Request | Response) -> dict[str, Rule]:
    if isinstance(side.body, bytes):
        return {}  # the engine can compare bytes with bytes alone
    return {f"$.body{path.removeprefix('$')}": rule for path, rule in side.rules.items()}


@dataclass(frozen=True, slots=True)
class _Findings:
    """Examples that only one side allows, and changed rules that have no such example."""

    only_old: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


def _findings(old: _Side, new: _Side) -> _Findings:
    differing = {path for path in old.rules.keys() | new.rules.keys() if _rule(old, path) != _rule(new, path)}
    if not differing and not any(unlike(old.example, new.example)):
        return _Findings()
    for side, name in ((old, "old"), (new, "new")):
        if found := side.objections(side.example):
            message = f"the {name} contract does not allow its own example: {found[0][0]}: {found[0][1]}"
            raise ComparisonError(message)
    only_old: dict[str, tuple[Candidate, tuple[str, str]]] = {}
    only_new: dict[str, tuple[Candidate, tuple[str, str]]] = {}
    for candidate in candidates((old.example, old.rules), (new.example, new.rules)):
        before, after = old.objections(candidate.document), new.objections(candidate.document)
        if bool(before) == bool(after):
            continue
        why = next((each for each in before or after if candidate.concerns(steps_of(each[0]))), None)
        if why is not None:
            (only_new if before else only_old).setdefault(candidate.place, (candidate, why))
    reasons = [*only_old.values(), *only_new.values()]
    rules = tuple(
        f"{path}: {_rule_text(old, path)} became {_rule_text(new, path)}"
        for path in sorted(differing)
        if not any(_explains(path, candidate, why) for candidate, why in reasons)
    )
    return _Findings(_shown(only_old), _shown(only_new), rules)


def _explains(path: str, candidate: Candidate, why: tuple[str, str]) -> bool:
    """Whether an example shows that the rule at this place changed."""
    steps = steps_of(path)
    # Only the steps that both have are compared: a rule above or below the place is about it too.
    return candidate.is_below(steps) or all(
        "*" in {ours, theirs} or ours == theirs for ours, theirs in zip(steps, steps_of(why[0]), strict=False)
    )


def _rule(side: _Side, path: str) -> object:
    rule = side.rules.get(path)
    return None if rule is None else normal(rule)


def _rule_text(side: _Side, path: str) -> str:
    rule = side.rules.get(path)
    return "no rule" if rule is None else _text(rule)


def _text(rule: Rule) -> str:
    return json.dumps(rule.as_json(), sort_keys=True, ensure_ascii=False)


def _shown(examples: Mapping[str, tuple[Candidate, tuple[str, str]]]) -> tuple[str, ...]:
    """What the examples show; the whole example only where no place in it shows the same."""
    shown = {place: found for place, found in examples.items() if place != WHOLE}
    whole = examples.get(WHOLE)
    if whole is not None and not any(candidate.concerns(steps_of(whole[1][0])) for candidate, _ in shown.values()):
        shown = {WHOLE: whole, **shown}
    return tuple(f"{candidate.label} ({path}: {message})" for candidate, (path, message) in shown.values())
