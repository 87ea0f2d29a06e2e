"""Does the contract allow this answer? The official engine says, in this process.

A `Judge` holds one pact. What an answer is measured against is an interaction filled in for its request
(`template.fill`): for the status of an endpoint's shape the shape alone, because the pinned interactions hold only in
their provider states; for any other status every interaction of the endpoint with that status.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

# The engine reports usage to its makers unless this is set before it starts.
os.environ["PACT_DO_NOT_TRACK"] = "true"

import pact_ffi

from bff_contracts.http import media_type
from bff_contracts.pact.binding import asked_for, fill
from bff_contracts.pact.file import Interaction, Pact, Response, Rule
from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.platform import BY_NAME, SHAPE


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One way in which an answer leaves the contract.

    Attributes:
        where: The part of the exchange: `request`, `status`, `content type` or `body`.
        path: The JSON path in the body, or the name of the parameter; empty for the part as a whole.
        message: What was expected and what was found.
    """

    where: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.where} {self.path}: {self.message}" if self.path else f"{self.where}: {self.message}"


@dataclass(frozen=True, slots=True)
class _Judged:
    path: str
    query: Mapping[str, Sequence[str]]
    content_type: str | None
    body: bytes


class Judge:
    """Says of each answer whether one pact allows it."""

    def __init__(self, pact: Pact) -> None:
        self.pact = pact
        known = BY_NAME.get(pact.provider)
        self._defaults = {name: [value] for name, value in known.query_defaults.items()} if known else {}

    def violations(
        self, *, method: str, target: str, status: int, content_type: str | None, body: bytes
    ) -> list[Mismatch]:
        """How an answer leaves the contract; empty if the contract allows it.

        Args:
            method: The method of the request.
            target: Its path and query, percent-encoded, as on the request line.
            status: The status of the answer.
            content_type: Its `Content-Type`, if it has one.
            body: Its body, as received.
        """
        path, _, query = target.partition("?")
        endpoint = [interaction for interaction in self.pact.interactions if interaction.is_for(method, path)]
        if not endpoint:
            return [Mismatch("request", "", f"no interaction is about {method} {path}")]
        yardsticks = _yardsticks(endpoint, status)
        if not yardsticks:
            known = ", ".join(map(str, sorted({interaction.response.status for interaction in endpoint})))
            return [Mismatch("status", "", f"expected one of {known}, found {status}")]
        values = {**self._defaults, **parse_qs(query, keep_blank_values=True)}
        exchange = _Judged(path, values, content_type, body)
        return min((_against(interaction, exchange) for interaction in yardsticks), key=len)


def _yardsticks(endpoint: Sequence[Interaction], status: int) -> list[Interaction]:
    same = [interaction for interaction in endpoint if interaction.response.status == status]
    return [interaction for interaction in same if interaction.role == SHAPE] or same


def _against(interaction: Interaction, exchange: _Judged) -> list[Mismatch]:
    found = [*_request_mismatches(interaction, exchange.query)]
    if not interaction.response.has_body:
        return found
    found += _content_type_mismatches(interaction.response, exchange.content_type)
    try:
        text = exchange.body.decode()
        answer = json.loads(text)
    except ValueError as error:
        return [*found, Mismatch("body", "$", f"expected JSON ({error})")]
    filled = fill(interaction, path=exchange.path, query=exchange.query, answer=answer)
    found += mismatches(filled.response.body, filled.response.rules, text)
    for asked in asked_for(interaction, exchange.query):
        found += _key_mismatches(filled.response.body, answer, asked, "$")
    return found


def _request_mismatches(interaction: Interaction, query: Mapping[str, Sequence[str]]) -> Iterable[Mismatch]:
    """Why the interaction does not speak for the request: parameters it names that are absent or other ones."""
    for name, expected in interaction.request.query.items():
        rule = interaction.request.query_rules.get(name)
        values = query.get(name)
        if not values:
            yield Mismatch("request", name, "is missing")
        elif rule is None:
            if list(values) != list(expected):
                yield Mismatch("request", name, f"expected {', '.join(expected)!r}, found {', '.join(values)!r}")
        elif found := mismatches({"value": expected[0]}, {"$.value": rule}, json.dumps({"value": values[0]})):
            yield Mismatch("request", name, found[0].message)


def _content_type_mismatches(response: Response, content_type: str | None) -> Iterable[Mismatch]:
    expected, _ = media_type(next(iter(response.headers.get("content-type", ())), ""))
    found, _ = media_type(content_type or "")
    if expected and found != expected:
        yield Mismatch("content type", "", f"expected {expected}, found {found or 'none'}")


def _key_mismatches(expected: object, actual: object, asked: frozenset[str], path: str) -> Iterable[Mismatch]:
    """Keys that nobody asked for, in a map keyed by what was asked for: the engine lets additional keys pass."""
    if is_object(expected) and is_object(actual):
        if expected and expected.keys() == asked:
            for key in sorted(actual.keys() - asked):
                yield Mismatch("body", path, f"has the key {key!r}, which was not asked for")
        for key in expected.keys() & actual.keys():
            yield from _key_mismatches(expected[key], actual[key], asked, f"{path}[{key!r}]")
    elif is_array(expected) and is_array(actual):
        # Lists of different lengths are the engine's to report.
        for at, (inner, value) in enumerate(zip(expected, actual, strict=False)):
            yield from _key_mismatches(inner, value, asked, f"{path}[{at}]")


def mismatches(example: object, rules: Mapping[str, Rule], text: str) -> list[Mismatch]:
    """How a JSON text differs from an example beyond what the rules allow, in the official engine's words."""
    by_path = {path: rule.as_json() for path, rule in rules.items()}
    yardstick = _yardstick(json.dumps(example, sort_keys=True), json.dumps({"body": by_path}, sort_keys=True))
    return yardstick.mismatches(text)


class _Yardstick:
    """One example and its rules inside the engine, for as long as this object lives."""

    def __init__(self, example: str, rules: str) -> None:
        self._pact = pact_ffi.new_pact("consumer", "provider")
        pact_ffi.with_specification(self._pact, pact_ffi.PactSpecification.V4)
        self._message = pact_ffi.new_sync_message_interaction(self._pact, "answer")
        response = pact_ffi.InteractionPart.RESPONSE
        pact_ffi.with_body(self._message, pact_ffi.InteractionPart.REQUEST, "application/json", "{}")
        pact_ffi.with_body(self._message, response, "application/json", example)
        pact_ffi.with_matching_rules(self._message, response, rules)

    def mismatches(self, text: str) -> list[Mismatch]:
        found = pact_ffi.sync_message_match_response_contents(self._message, 0, "application/json", text)
        return [_mismatch(entry) for entry in found]


@lru_cache(maxsize=128)
def _yardstick(example: str, rules: str) -> _Yardstick:
    return _Yardstick(example, rules)


def _mismatch(entry: Mapping[str, Any]) -> Mismatch:
    return Mismatch("body", str(entry.get("path", "$")), str(entry.get("mismatch", entry)))
