"""A pact file as data: read once, checked while it is read, never changed.

HTTP interactions of specification versions 1 to 4 are read; places in messages are those of version 4, which is what
the consumer tests write. Messages beside them are left out, and `Pact.notes` says so. Where writers differ (`null` for
what is absent, no method, numbers as header values, a byte order mark), this module reads as the official engine does.
A `PactError` names the file and the place of anything unusable.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from bff_contracts.pact.content import Content, content_of
from bff_contracts.pact.document import read_document
from bff_contracts.pact.node import Node, PactError, kind_of
from bff_contracts.pact.text_rules import UnknownMatcherError, compiled
from bff_contracts.pact.upgrade import UPGRADABLE, upgraded
from bff_contracts.text_files import read_text

__all__ = [
    "SHIPPED",
    "Interaction",
    "Pact",
    "PactError",
    "Request",
    "Response",
    "Rule",
    "State",
    "load_pact",
    "read_pact",
    "read_shipped_pacts",
    "shipped_pacts",
]

SHIPPED: Final = Path(__file__).parent.parent / "pacts"
"""The folder of the pacts that this package brings."""

_HTTP: Final = "Synchronous/HTTP"
_COMBINATIONS: Final = ("AND", "OR")
_MESSAGES: Final = frozenset({"Asynchronous/Messages", "Synchronous/Messages"})
_NEEDED: Final[Mapping[str, str]] = {"regex": "regex", "include": "value"}
"""The members that a matcher must have."""

_KINDS: Final = frozenset(
    {
        *("type", "equality", "regex", "include", "integer", "decimal", "number", "boolean", "null", "values"),
        *("date", "time", "datetime", "timestamp", "min", "max", "contentType", "content-type", "semver"),
        *("arrayContains", "array-contains", "eachKey", "each-key", "eachValue", "each-value", "notEmpty", "not-empty"),
        "statusCode",
        "status-code",
    }
)
"""The names of the matchers that the official engine knows."""

_IMPLIED: Final = ("regex", "date", "time", "timestamp", "datetime")
"""Members of a matcher without a name that say which one it is; any other is `type`."""


@dataclass(frozen=True, slots=True)
class State:
    """A condition of the provider's data before the request is sent."""

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


class _WithBody:
    """A request or a response.

    Attributes:
        content: The body with its type; `None` if there is none.
    """

    __slots__ = ()
    content: Content | None

    @property
    def has_body(self) -> bool:
        """Whether there is a body, which may be `null`."""
        return self.content is not None

    @property
    def body(self) -> Any:
        """The value of the body; `None` if there is none."""
        return self.content.value if self.content is not None else None


@dataclass(frozen=True, slots=True)
class Request(_WithBody):
    """The request of the consumer; path and query are percent-encoded and decoded respectively, as in the file."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, tuple[str, ...]]
    path_rule: Rule | None
    query_rules: Mapping[str, Rule]
    header_rules: Mapping[str, Rule]
    content: Content | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule])
    wants_no_body: bool = False
    """Whether the file declares the body as empty; without a declaration, any body matches."""


@dataclass(frozen=True, slots=True)
class Response(_WithBody):
    """The response of the provider: an example, and the rules that say how far another response may differ from it."""

    status: int
    headers: Mapping[str, tuple[str, ...]]
    content: Content | None
    rules: Mapping[str, Rule]
    header_rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule])
    wants_no_body: bool = False
    has_type_header: bool = False
    """Whether a header declares the content type; otherwise a response may omit it."""
    status_rule: Rule | None = None
    generators: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request, the response to it, and the states it needs."""

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
    """The interactions of one consumer with one provider; `source` names the file in messages.

    `document` is the file as it is, for tools that read pacts themselves; `notes` say what was left out or assumed.
    """

    consumer: str
    provider: str
    interactions: tuple[Interaction, ...]
    source: str
    document: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False, repr=False)
    notes: tuple[str, ...] = ()


def load_pact(path: Path | str) -> Pact:
    """Read the pact file at `path`.

    Raises:
        PactError: The file is not a usable pact.
        OSError: The file cannot be read, or is none (a pipe, a device).
    """
    path = Path(path)
    try:
        text = read_text(path)
    except UnicodeDecodeError as error:
        message = f"{path}: $: not UTF-8 text ({error.reason} at byte {error.start})"
        raise PactError(message) from error
    return read_pact(text, source=str(path))


@cache  # half of what a short verification computes
def shipped_pacts() -> tuple[Pact, ...]:
    """The pacts that this package brings, in the order of their file names; read once in a process."""
    return read_shipped_pacts()


def read_shipped_pacts() -> tuple[Pact, ...]:
    """The same, read from their files now, for a process that outlives a change of them.

    Raises:
        PactError: A file is not a usable pact.
        OSError: A file cannot be read.
    """
    files = sorted(SHIPPED.glob("*.json"))
    return tuple(read_pact(file.read_text(encoding="utf-8"), source=file.name) for file in files)


def read_pact(text: str, *, source: str) -> Pact:
    """Read a pact out of the text of its file; `source` is what messages call that file.

    Raises:
        PactError: The text is not JSON, not a pact of version 1 to 4, or holds what cannot be honoured.
    """
    value = read_document(text.removeprefix("\N{BYTE ORDER MARK}"), source)
    root = Node(value, source)
    version, assumed = _version(root)
    listed = root.get("interactions")
    messages = root.get("messages")
    if listed is None and messages is None:
        raise root.child(None, "interactions").error("is missing")
    notes = [*assumed]
    if messages is not None:
        notes.append(f"{source}: {len(messages.items())} messages are left out: only HTTP is served")
    document = upgraded(value, version)
    nodes = Node(document, source).key("interactions").items() if listed is not None else []
    interactions = [_interaction(node, at, notes) for at, node in enumerate(nodes)]
    return Pact(
        consumer=_name(root, "consumer"),
        provider=_name(root, "provider"),
        interactions=tuple(interaction for interaction in interactions if interaction is not None),
        source=source,
        document=value,
        notes=tuple(notes),
    )


def _name(root: Node, participant: str) -> str:
    return root.key(participant).key("name").text()


def _version(root: Node) -> tuple[str, list[str]]:
    """The major version of the specification that the file keeps to, and the notes about what was assumed."""
    metadata = root.get("metadata")
    specification = (metadata.get("pactSpecification") or metadata.get("pact-specification")) if metadata else None
    version = specification.get("version") if specification else None
    if version is None and metadata is not None:
        version = metadata.get("pactSpecificationVersion")
    if version is None:
        _check_that_it_is_a_pact(root)
        return "3", [f"{root.source}: no $.metadata.pactSpecification.version; read as version 3"]
    major = version.scalar().partition(".")[0]
    if major not in {"4", *UPGRADABLE}:
        raise version.error(f"expected a pact of specification version 1 to 4, found version {version.scalar()}")
    return major, []


def _check_that_it_is_a_pact(root: Node) -> None:
    if not {"interactions", "messages"} & root.members().keys():
        raise root.error("not a pact: no $.metadata.pactSpecification.version, no $.interactions")


def _interaction(bare: Node, at: int, notes: list[str]) -> Interaction | None:
    """An interaction; `None`, and a note, for a message."""
    given = bare.text_of("description")
    description = f"interaction {at}" if given is None else given
    node = bare._replace(description=description)
    kind = node.text_of("type")
    if kind in _MESSAGES:
        notes.append(f"{bare.source}: {description!r} is left out: it is a message, and only HTTP is served")
        return None
    if kind not in {None, _HTTP}:
        raise node.key("type").error(f"expected {_HTTP!r}, found {kind!r}")
    comments = node.get("comments")
    states = node.get("providerStates")
    absent = node._replace(value={})
    return Interaction(
        description=description,
        states=tuple(_state(item) for item in states.items()) if states else (),
        role=comments.text_of("role") if comments else None,
        request=_request(node.get("request") or absent),
        response=_response(node.get("response") or absent),
    )


def _state(node: Node) -> State:
    params = node.get("params")
    return State(
        node.key("name").text(),
        {name: member.value for name, member in params.members().items()} if params else {},
    )


def _request(node: Node) -> Request:
    rules = node.get("matchingRules")
    path_rule = rules.get("path") if rules else None
    headers = _lists(node.get("headers"), str.lower)
    content, is_said = _content(node, headers)
    method, path = node.text_of("method"), node.text_of("path")
    return Request(
        method="GET" if method is None else method.upper(),
        path="/" if path is None else path,
        query=_lists(node.get("query"), str),
        headers=headers,
        path_rule=_rule(path_rule) if path_rule and path_rule.members() else None,
        query_rules=_rules(rules, "query", str),
        header_rules=_rules(rules, "header", str.lower),
        content=content,
        rules=_rules(rules, "body", str),
        wants_no_body=is_said and content is None,
    )


def _response(node: Node) -> Response:
    status = node.get("status")
    if status is not None and (not isinstance(status.value, int) or isinstance(status.value, bool)):
        raise status.error(f"expected an integer, found {kind_of(status.value)}")
    rules, generators = node.get("matchingRules"), node.get("generators")
    headers = _lists(node.get("headers"), str.lower)
    content, is_said = _content(node, headers)
    has_type_header = "content-type" in headers
    if content is not None and content.content_type is not None and "content-type" not in headers:
        headers = {**headers, "content-type": (content.content_type,)}
    status_rule = rules.get("status") if rules else None
    return Response(
        status=status.value if status else 200,
        headers=headers,
        content=content,
        rules=_rules(rules, "body", str, is_response=True),
        header_rules=_rules(rules, "header", str.lower, is_response=True),
        wants_no_body=is_said and content is None,
        has_type_header=has_type_header,
        status_rule=_rule(status_rule, is_response=True) if status_rule and status_rule.members() else None,
        generators=generators.value if generators and generators.members() else {},
    )


def _content(node: Node, headers: Mapping[str, tuple[str, ...]]) -> tuple[Content | None, bool]:
    """The body, and whether the file declares one; a body declared as `null` is empty."""
    body = node.members().get("body")
    if body is None or (body.value is not None and not body.members()):
        return None, False
    if body.value is None:
        return None, True
    if body.get("content") is None and "content" not in body.members():
        return None, False
    header = headers.get("content-type")
    try:
        return content_of(body.value, ", ".join(header) if header else None), True
    except ValueError as error:
        raise body.key("content").error(f"cannot be decoded ({error})") from error


def _lists(node: Node | None, name_of: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
    """The values of headers or parameters; without any the engine asks for nothing."""
    found = {name_of(name): member.texts() for name, member in node.members().items()} if node else {}
    return {name: texts for name, texts in found.items() if texts}


def _rules(
    node: Node | None, category: str, name_of: Callable[[str], str], *, is_response: bool = False
) -> dict[str, Rule]:
    rules = node.get(category) if node else None
    if rules is None:
        return {}
    return {name_of(name): _rule(member, is_response=is_response) for name, member in rules.members().items()}


def _rule(node: Node, *, is_response: bool = False) -> Rule:
    """A rule. Those of responses are not compiled here: only the engine evaluates them."""
    combine = node.get("combine")
    if combine is not None and combine.value not in _COMBINATIONS:
        raise combine.error(f"expected one of {', '.join(_COMBINATIONS)}, found {combine.value!r}")
    listed = node.get("matchers")
    matchers = listed.items() if listed is not None else []
    return Rule(combine.value if combine else "AND", tuple(_matcher(matcher, is_response) for matcher in matchers))


def _matcher(node: Node, is_response: bool) -> Mapping[str, Any]:  # noqa: FBT001
    named = node.text_of("match")
    kind = next((name for name in _IMPLIED if name in node.value), "type") if named is None else named
    needed = _NEEDED.get(kind)
    if needed is not None:
        node.key(needed).text()
    if not is_response and kind not in _KINDS:
        raise node.child(kind, "match").error(f"{kind!r} is not a matching rule of Pact")
    return {"match": kind, **{name: value for name, value in node.value.items() if name != "match"}}
