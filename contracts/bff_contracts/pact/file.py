"""A pact file as data: read once, checked while it is read, never changed.

HTTP interactions of specification versions 2 to 4 are read; places in messages are those of version 4, which is what
the consumer tests write. Everything else is a `PactError` that says where in which file the trouble is.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.pact.text_rules import UnknownMatcherError, compiled
from bff_contracts.pact.upgrade import UPGRADABLE, upgraded

_HTTP: Final = "Synchronous/HTTP"
_COMBINATIONS: Final = ("AND", "OR")
_NEEDED: Final[Mapping[str, str]] = {"regex": "regex", "include": "value"}
"""What a matcher cannot do without."""


class PactError(ValueError):
    """A pact file that cannot be used; the message names the file, the interaction and the JSON path."""


@dataclass(frozen=True, slots=True)
class State:
    """What has to be true at the provider before the request is sent."""

    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value may be: its matchers, and whether all (`AND`) or any (`OR`) of them have to agree."""

    combine: str
    matchers: tuple[Mapping[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """The rule as a pact file spells it."""
        return {"combine": self.combine, "matchers": [dict(matcher) for matcher in self.matchers]}


@dataclass(frozen=True, slots=True)
class Request:
    """The request of the consumer; path and query are percent-encoded and decoded respectively, as in the file."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, tuple[str, ...]]
    path_rule: Rule | None
    query_rules: Mapping[str, Rule]
    header_rules: Mapping[str, Rule]
    body: Any = None
    has_body: bool = False
    rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule])


@dataclass(frozen=True, slots=True)
class Response:
    """The answer of the provider: an example, and the rules that say how far another answer may differ from it."""

    status: int
    headers: Mapping[str, tuple[str, ...]]
    body: Any
    has_body: bool
    rules: Mapping[str, Rule]
    header_rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule])


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request, the answer to it, and the states it needs."""

    description: str
    states: tuple[State, ...]
    role: str | None
    request: Request
    response: Response

    def is_for(self, method: str, raw_path: str) -> bool:
        """Whether this is an interaction of the endpoint that `method` and the percent-encoded path name.

        Raises:
            PactError: The path has a rule that cannot be honoured.
        """
        request = self.request
        if request.method != method:
            return False
        if request.path_rule is None:
            return request.path == raw_path
        try:
            check = compiled(request.path_rule.matchers, request.path_rule.combine, request.path)
        except UnknownMatcherError as error:
            message = f"interaction {self.description!r}: path: {error}"
            raise PactError(message) from error
        return bool(check.accepts(raw_path))


@dataclass(frozen=True, slots=True)
class Pact:
    """What one consumer needs from one provider; `source` names the file in messages.

    `document` is the file as it is, its interactions in the same order, for tools that read pacts themselves.
    """

    consumer: str
    provider: str
    interactions: tuple[Interaction, ...]
    source: str
    document: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False, repr=False)


def load_pact(path: Path | str) -> Pact:
    """Read the pact file at `path`.

    Raises:
        PactError: The file is not a usable pact.
        OSError: The file cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"{path}: $: not UTF-8 text ({error.reason} at byte {error.start})"
        raise PactError(message) from error
    return read_pact(text, source=str(path))


def shipped_pacts() -> tuple[Pact, ...]:
    """The pacts that this package brings, in the order of their file names."""
    folder = files("bff_contracts") / "pacts"
    entries = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda entry: entry.name
    )
    return tuple(read_pact(entry.read_text(encoding="utf-8"), source=entry.name) for entry in entries)


def read_pact(text: str, *, source: str) -> Pact:
    """Read a pact out of the text of its file; `source` is what messages call that file.

    Raises:
        PactError: The text is not JSON, not a pact of version 2 to 4, or holds something other than HTTP interactions.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:  # not JSON, a number of thousands of digits, or nested without end
        message = f"{source}: $: not JSON ({error})"
        raise PactError(message) from error
    root = _Node(value, "$", source)
    version = _version(root)
    if version in UPGRADABLE:
        root = _Node(upgraded(value, version), "$", source)
    interactions = tuple(_interaction(node) for node in root.key("interactions").items())
    _check_unique(interactions, source)
    return Pact(
        consumer=root.key("consumer").key("name").text(),
        provider=root.key("provider").key("name").text(),
        interactions=interactions,
        source=source,
        document=value,
    )


@dataclass(frozen=True, slots=True)
class _Node:
    """A value in a pact file that knows where it stands."""

    value: Any
    path: str
    source: str
    description: str | None = None

    def error(self, expected: str) -> PactError:
        place = f"{self.source}: " + (f"interaction {self.description!r}: " if self.description is not None else "")
        return PactError(f"{place}{self.path}: {expected}")

    def child(self, value: object, step: str) -> "_Node":
        return _Node(value, self.path + step, self.source, self.description)

    def get(self, name: str) -> "_Node | None":
        members = self.members()
        return members.get(name)

    def key(self, name: str) -> "_Node":
        node = self.get(name)
        if node is None:
            raise self.child(None, _step(name)).error("is missing")
        return node

    def members(self) -> "dict[str, _Node]":
        if not is_object(self.value):
            raise self.error(f"expected an object, found {_kind(self.value)}")
        return {name: self.child(value, _step(name)) for name, value in self.value.items()}

    def items(self) -> "list[_Node]":
        if not is_array(self.value):
            raise self.error(f"expected an array, found {_kind(self.value)}")
        return [self.child(value, f"[{at}]") for at, value in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.error(f"expected a string, found {_kind(self.value)}")
        return self.value

    def texts(self) -> tuple[str, ...]:
        if isinstance(self.value, str):
            return (self.value,)
        return tuple(node.text() for node in self.items())


def _version(root: _Node) -> str:
    """The major version of the specification that the file keeps to."""
    metadata = root.get("metadata")
    specification = (metadata.get("pactSpecification") or metadata.get("pact-specification")) if metadata else None
    version = specification.get("version") if specification else None
    if version is None and metadata is not None:
        version = metadata.get("pactSpecificationVersion")
    if version is None:
        raise root.error("not a pact: no $.metadata.pactSpecification.version")
    major = version.text().partition(".")[0]
    if major not in {"4", *UPGRADABLE}:
        raise version.error(f"expected a pact of specification version 2, 3 or 4, found version {version.text()}")
    return major


def _check_unique(interactions: tuple[Interaction, ...], source: str) -> None:
    seen: set[str] = set()
    for at, interaction in enumerate(interactions):
        states = [[state.name, dict(state.params)] for state in interaction.states]
        identity = json.dumps([interaction.description, states], sort_keys=True)
        if identity in seen:
            node = _Node(None, f"$.interactions[{at}]", source, interaction.description)
            raise node.error("another interaction has the same description and states")
        seen.add(identity)


def _interaction(bare: _Node) -> Interaction:
    description = bare.key("description").text()
    node = _Node(bare.value, bare.path, bare.source, description)
    kind = node.key("type")
    if kind.text() != _HTTP:
        raise kind.error(f"expected {_HTTP!r}, found {kind.text()!r}")
    comments = node.get("comments")
    role = comments.get("role") if comments else None
    states = node.get("providerStates")
    return Interaction(
        description=description,
        states=tuple(_state(item) for item in states.items()) if states else (),
        role=role.text() if role else None,
        request=_request(node.key("request")),
        response=_response(node.key("response")),
    )


def _state(node: _Node) -> State:
    params = node.get("params")
    return State(
        node.key("name").text(),
        {name: member.value for name, member in params.members().items()} if params else {},
    )


def _request(node: _Node) -> Request:
    rules = node.get("matchingRules")
    path_rule = rules.get("path") if rules else None
    body, has_body, _ = _body(node)
    return Request(
        method=node.key("method").text().upper(),
        path=node.key("path").text(),
        query=_lists(node.get("query"), str),
        headers=_lists(node.get("headers"), str.lower),
        path_rule=_rule(path_rule) if path_rule and path_rule.members() else None,
        query_rules=_rules(rules, "query", str),
        header_rules=_rules(rules, "header", str.lower),
        body=body,
        has_body=has_body,
        rules=_rules(rules, "body", str),
    )


def _response(node: _Node) -> Response:
    status = node.get("status")
    if status is not None and (not isinstance(status.value, int) or isinstance(status.value, bool)):
        raise status.error(f"expected an integer, found {_kind(status.value)}")
    rules = node.get("matchingRules")
    body, has_body, content_type = _body(node)
    headers = _lists(node.get("headers"), str.lower)
    if content_type is not None and "content-type" not in headers:
        headers = {**headers, "content-type": (content_type,)}
    return Response(
        status=status.value if status else 200,
        headers=headers,
        body=body,
        has_body=has_body,
        rules=_rules(rules, "body", str),
        header_rules=_rules(rules, "header", str.lower),
    )


def _body(node: _Node) -> tuple[Any, bool, str | None]:
    body = node.get("body")
    if body is None or body.value is None or not body.members():
        return None, False, None
    content = body.key("content")
    content_type = body.get("contentType")
    declared = content_type.text() if content_type else None
    encoded = body.get("encoded")
    if encoded is None or encoded.value is False:
        return content.value, True, declared
    given = content.text()
    try:
        text = base64.b64decode(given, validate=True).decode() if encoded.value != "JSON" else given
        is_json = declared is not None and "json" in declared
        return (json.loads(text) if is_json else text), True, declared
    except ValueError as error:
        raise content.error(f"cannot be decoded ({error})") from error


def _lists(node: _Node | None, name_of: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
    return {name_of(name): member.texts() for name, member in node.members().items()} if node else {}


def _rules(node: _Node | None, category: str, name_of: Callable[[str], str]) -> dict[str, Rule]:
    rules = node.get(category) if node else None
    return {name_of(name): _rule(member) for name, member in rules.members().items()} if rules else {}


def _rule(node: _Node) -> Rule:
    combine = node.get("combine")
    if combine is not None and combine.value not in _COMBINATIONS:
        raise combine.error(f"expected one of {', '.join(_COMBINATIONS)}, found {combine.value!r}")
    matchers = node.key("matchers").items()
    for matcher in matchers:
        needed = _NEEDED.get(matcher.key("match").text())
        if needed is not None:
            matcher.key(needed).text()
        pattern = matcher.get("regex")
        if pattern is not None:
            _compiled(pattern)
    return Rule(combine.value if combine else "AND", tuple(matcher.value for matcher in matchers))


def _compiled(node: _Node) -> None:
    try:
        re.compile(node.text())
    except re.error as error:
        raise node.error(f"not a regular expression ({error})") from error


def _step(name: str) -> str:
    return f".{name}" if re.fullmatch(r"[A-Za-z_][\w-]*", name) else f"[{name!r}]"


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
