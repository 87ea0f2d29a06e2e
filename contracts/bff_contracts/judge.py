"""Decides whether a contract allows a response, with the official engine in this process.

A `Judge` holds one pact. It compares a response with interactions filled in for its request (`binding.fill`): with the
endpoint's shape alone if the response has its status, because the pinned interactions apply only in their provider
states; otherwise with every interaction of the endpoint that has that status.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from bff_contracts.engine import EngineMismatch, RequestJudge, Sent, response_mismatches
from bff_contracts.http import media_type
from bff_contracts.pact.binding import asked_for, fill
from bff_contracts.pact.content import JSON_TYPE, Content, guessed_type
from bff_contracts.pact.file import Interaction, Pact, Request, Response, Rule
from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.pact.text_rules import is_exact
from bff_contracts.platform import BY_NAME, SHAPE

_STATUS_CLASSES: Final[Mapping[str, range]] = {
    "info": range(100, 200),
    "success": range(200, 300),
    "redirect": range(300, 400),
    "clientError": range(400, 500),
    "serverError": range(500, 600),
    "nonError": range(100, 400),
    "error": range(400, 600),
}
"""The words that a `statusCode` rule may have instead of a list of codes."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One way in which a response breaks the contract.

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
    headers: tuple[tuple[str, str], ...] | None


class Judge:
    """Decides for each response whether one pact allows it."""

    def __init__(self, pact: Pact) -> None:
        self.pact = pact
        known = BY_NAME.get(pact.provider)
        self._defaults = {name: [value] for name, value in known.query_defaults.items()} if known else {}

    def violations(
        self,
        *,
        method: str,
        target: str,
        status: int,
        content_type: str | None,
        body: bytes,
        headers: Sequence[tuple[str, str]] | None = None,
    ) -> list[Mismatch]:
        """How a response breaks the contract; empty if the contract allows it.

        Args:
            method: The method of the request.
            target: Its path and query, percent-encoded, as on the request line.
            status: The status of the response.
            content_type: Its `Content-Type`, if it has one.
            body: Its body, as received.
            headers: All its headers, to be judged as well; `None` when they are not known.
        """
        path, _, query = target.partition("?")
        endpoint = [interaction for interaction in self.pact.interactions if _is_for(interaction, method, path)]
        if not endpoint:
            return [Mismatch("request", "", f"no interaction for {method} {path}")]
        yardsticks = _yardsticks(endpoint, status)
        if not yardsticks:
            known = ", ".join(map(str, sorted({interaction.response.status for interaction in endpoint})))
            return [Mismatch("status", "", f"expected one of {known}, found {status}")]
        values = {**self._defaults, **parse_qs(query, keep_blank_values=True)}
        exchange = _Judged(path, values, content_type, body, None if headers is None else tuple(headers))
        return min((_against(interaction, exchange) for interaction in yardsticks), key=len)


def _is_for(interaction: Interaction, method: str, path: str) -> bool:
    rule = interaction.request.path_rule
    if interaction.request.method != method or rule is None or is_exact(rule.matchers):
        return interaction.is_for(method, path)
    alone = Request(method, interaction.request.path, {}, {}, rule, {}, {})
    return RequestJudge(alone).allows(Sent(method, path))


def _yardsticks(endpoint: Sequence[Interaction], status: int) -> list[Interaction]:
    same = [interaction for interaction in endpoint if _has_status(interaction.response, status)]
    return [interaction for interaction in same if interaction.role == SHAPE] or same


def _has_status(response: Response, status: int) -> bool:
    if response.status_rule is None:
        return response.status == status
    expected = [matcher.get("status") for matcher in response.status_rule.matchers]
    return any(status in (_STATUS_CLASSES.get(one, ()) if isinstance(one, str) else one or ()) for one in expected)


def _against(interaction: Interaction, exchange: _Judged) -> list[Mismatch]:
    response = interaction.response
    found = [*_request_mismatches(interaction, exchange.query), *_header_mismatches(response, exchange.headers)]
    if response.content is None:
        is_wrong = response.wants_no_body and bool(exchange.body)
        return [*found, Mismatch("body", "$", "expected no body")] if is_wrong else found
    found += _content_type_mismatches(response, exchange)
    if not response.content.is_json:
        return found + _differences(response.content, response.rules, exchange.body, exchange.content_type)
    try:
        actual = json.loads(exchange.body.decode())
    except ValueError as error:
        return [*found, Mismatch("body", "$", f"expected JSON ({error})")]
    about = _body_mismatches(interaction, exchange, actual)
    if about and interaction.role != SHAPE and not asked_for(interaction, exchange.query):
        # The contract's own response is right for every request.
        about = min(about, _differences(response.content, response.rules, exchange.body), key=len)
    return found + about


def _body_mismatches(interaction: Interaction, exchange: _Judged, actual: object) -> list[Mismatch]:
    """How a response differs from the example that is filled in for the request."""
    filled = fill(interaction, path=exchange.path, query=exchange.query, actual=actual).response
    if filled.content is None:
        return []
    found = _differences(filled.content, filled.rules, exchange.body)
    for asked in asked_for(interaction, exchange.query):
        found += _key_mismatches(filled.body, actual, asked, "$")
    return found


def _request_mismatches(interaction: Interaction, query: Mapping[str, Sequence[str]]) -> Iterable[Mismatch]:
    """Why the interaction does not apply to the request: parameters of the contract that are absent or differ."""
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


def _header_mismatches(response: Response, headers: tuple[tuple[str, str], ...] | None) -> Iterable[Mismatch]:
    """What is wrong with headers: the engine compares those of responses as it compares those of requests."""
    if headers is None:
        return
    wanted = {
        name: values for name, values in response.headers.items() if response.has_type_header or name != "content-type"
    }
    alone = Request("GET", "/", {}, wanted, None, {}, response.header_rules)
    for found in RequestJudge(alone).mismatches(Sent("GET", "/", headers)):
        yield Mismatch("header", found.place.lower(), found.text)


def _content_type_mismatches(response: Response, exchange: _Judged) -> Iterable[Mismatch]:
    expected, _ = media_type(next(iter(response.headers.get("content-type", ())), ""))
    # Without a required content type, the type is guessed from the body, as the engine does.
    guessed = "" if response.has_type_header else guessed_type(exchange.body.decode("utf-8", "replace"))
    found, _ = media_type(exchange.content_type or guessed)
    if expected and found != expected:
        yield Mismatch("content type", "", f"expected {expected}, found {(exchange.content_type and found) or 'none'}")


def _key_mismatches(expected: object, actual: object, asked: frozenset[str], path: str) -> Iterable[Mismatch]:
    """Unrequested keys in a map that is keyed by the requested ids: the engine allows additional keys."""
    if is_object(expected) and is_object(actual):
        if expected and expected.keys() == asked:
            for key in sorted(actual.keys() - asked):
                yield Mismatch("body", path, f"has the key {key!r}, which was not requested")
        for key in expected.keys() & actual.keys():
            yield from _key_mismatches(expected[key], actual[key], asked, f"{path}[{key!r}]")
    elif is_array(expected) and is_array(actual):
        # Lists of different lengths are the engine's to report.
        for at, (inner, value) in enumerate(zip(expected, actual, strict=False)):
            yield from _key_mismatches(inner, value, asked, f"{path}[{at}]")


def mismatches(example: object, rules: Mapping[str, Rule], text: str) -> list[Mismatch]:
    """How a JSON text differs from an example beyond what the rules allow, in the official engine's words."""
    return _differences(Content(example, JSON_TYPE, is_json=True), rules, text.encode())


def _differences(
    content: Content, rules: Mapping[str, Rule], body: bytes, content_type: str | None = None
) -> list[Mismatch]:
    return [_mismatch(found) for found in response_mismatches(content, rules, body, content_type)]


def _mismatch(found: EngineMismatch) -> Mismatch:
    return Mismatch("body", found.place or "$", found.text)
