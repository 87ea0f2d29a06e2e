"""Decides about the bodies of requests with the official engine, and without its mock server where that is enough."""

import json
from typing import Final

from bff_contracts.engine import EngineMismatch, RequestJudge, Sent, Yardstick, rules_for_body
from bff_contracts.pact.content import is_json_type
from bff_contracts.pact.file import Request
from bff_contracts.pact.json_path import is_array, is_object

_ABOUT_VALUES: Final = frozenset(
    {"boolean", "date", "datetime", "decimal", "equality", "include", "integer", "notEmpty", "null", "number", "regex",
     "semver", "time", "timestamp", "type"}
)  # fmt: skip
"""Rules that compare a value with the one at its place in the example, and let no other member of an object pass."""


class BodyJudge:
    """Decides whether bodies match the body of one interaction's request.

    The engine matches a message's body with the same function as a request's, in a thirtieth of the time that its mock
    server takes. One thing differs: it lets members pass that the example does not have. So a JSON body without such
    members is matched as a message, and every other body by a mock server.

    Once a process has had a mock server, the engine compiles its regular expressions for content types again for each
    body, which takes half a millisecond: so a server is started only when it is needed.

    Args:
        request: The interaction's, without anything but its body and, if it has one, the header with the body's type.
    """

    def __init__(self, request: Request) -> None:
        self._by_server = RequestJudge(request)
        self._needs_header = "content-type" in request.headers
        self._content_type = _content_type(request)
        self._example = request.body
        self._as_message = _message(request, self._content_type)

    def allows(self, types: tuple[str, ...], body: bytes) -> bool:
        """Whether a body is the interaction's.

        Args:
            types: The values of the `Content-Type` lines.
            body: The body.
        """
        found = self._mismatches_as_message(types, body)
        return self._by_server.allows(_sent(types, body)) if found is None else not found

    def mismatches(self, types: tuple[str, ...], body: bytes) -> list[EngineMismatch]:
        """Where a body differs from the interaction's; the arguments are those of `allows`."""
        found = self._mismatches_as_message(types, body)
        return self._by_server.mismatches(_sent(types, body)) if found is None else found

    def _mismatches_as_message(self, types: tuple[str, ...], body: bytes) -> list[EngineMismatch] | None:
        """The mismatches of a body that can be matched as a message; `None` for any other."""
        if self._as_message is None or not self._is_of_the_type(types, body):
            return None
        try:
            text = body.decode()
            is_known = "\0" not in text and _has_only_members_of(self._example, json.loads(text))
        except (ValueError, RecursionError):
            return None
        return self._as_message.mismatches(text, self._content_type) if is_known else None

    def _is_of_the_type(self, types: tuple[str, ...], body: bytes) -> bool:
        """Whether a body has the type of the example; saying that its text is UTF-8 makes no difference."""
        if len(types) > 1 or (self._needs_header and not types):
            return False
        declared = types[0] if types else _sent(types, body).content_type
        kind, _, parameter = declared.partition(";")
        return kind == self._content_type and parameter.strip().lower() in {"", "charset=utf-8"}


def _sent(types: tuple[str, ...], body: bytes) -> Sent:
    return Sent("POST", "/", tuple(("content-type", kind) for kind in types), body)


def _content_type(request: Request) -> str:
    """What the header, or else the body, says that the example is."""
    declared = request.content.content_type if request.content is not None else None
    return ", ".join(request.headers.get("content-type", (declared or "",)))


def _message(request: Request, content_type: str) -> Yardstick | None:
    """The example as a message's body; `None` unless it is plain JSON, and no rule lets other members pass."""
    content = request.content
    if content is None or not content.is_json or not is_json_type(content_type) or {",", ";"} & set(content_type):
        return None
    text = content.raw.decode()
    names = {matcher["match"] for rule in request.rules.values() for matcher in rule.matchers}
    if '"pact:' in text or not names <= _ABOUT_VALUES:  # a message's example may hold rules of its own
        return None
    return Yardstick(text, content_type, rules_for_body(request.rules))


def _has_only_members_of(example: object, value: object) -> bool:
    """Whether no object in a JSON value has a member that the object at its place in the example does not have.

    The engine may compare an item of a list with any item of the example's list.
    """
    if is_object(value) and is_object(example):
        return all(name in example and _has_only_members_of(example[name], one) for name, one in value.items())
    if is_array(value) and is_array(example):
        if not example:
            return not value
        return all(_has_only_members_of(item, one) for item in example for one in value)
    return True
