"""The bodies that a pact file can hold: JSON, text or bytes, as the official engine reads them out of each version."""

import base64
import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from bff_contracts.http import media_type
from bff_contracts.pact.strict_json import strict_loads

JSON_TYPE: Final = "application/json"
TEXT_TYPE: Final = "text/plain"
_JSON_SUBTYPES: Final = frozenset({"json", "json-rpc", "jsonrequest"})
_TEXTUAL: Final = re.compile(
    r"text/.*|multipart/.*|.*[+/]xml|application/(?:x-www-form-urlencoded|.*json.*|.*yaml|javascript|graphql)"
)
_LOOKS_LIKE: Final = (
    (re.compile(r"\s*<\?xml\s*version"), "application/xml"),
    (re.compile(r"\s*(?:<!DOCTYPE|<HTML>)", re.IGNORECASE), "text/html"),
    (re.compile(r'\s*(?:true|false|null|[0-9]+|"\w*|\{\s*(?:\}|"\w+)|\[\s*)'), JSON_TYPE),
    (re.compile(r"\s*<\w+"), "application/xml"),
)
"""How the engine guesses the type of a text without one (`detect_content_type_from_string` of pact_models)."""


class Content(NamedTuple):
    """A body.

    Attributes:
        value: A JSON value, a text, or bytes.
        content_type: What it is; `None` when nothing says so.
        is_json: Whether `value` is a JSON value: a text may be one, too.
    """

    value: Any
    content_type: str | None
    is_json: bool

    @property
    def raw(self) -> bytes:
        """The bytes that go over the wire."""
        if self.is_json:
            return json.dumps(self.value, ensure_ascii=False, separators=(",", ":")).encode()
        return self.value if isinstance(self.value, bytes) else str(self.value).encode()


def is_json_type(content_type: str | None) -> bool:
    """Whether a content type means one JSON document: `application/json` and `+json` do, `x-ndjson` does not."""
    kind, _ = media_type(content_type or "")
    main, _, sub = kind.partition("/")
    return sub.endswith("+json") or (main == "application" and sub in _JSON_SUBTYPES)


def is_textual(content_type: str) -> bool:
    """Whether bodies of this type are texts; others are bytes."""
    kind, _ = media_type(content_type)
    return _TEXTUAL.fullmatch(kind) is not None


def guessed_type(text: str) -> str:
    """The content type that the official engine assumes for a text without one."""
    return next((kind for pattern, kind in _LOOKS_LIKE if pattern.match(text)), TEXT_TYPE)


def content_of(body: Mapping[str, Any], header: str | None) -> Content | None:
    """The body that version 4 spells as content, type and encoding; `None` for an empty one.

    Raises:
        ValueError: It cannot be decoded.
    """
    value, encoded = body.get("content"), body.get("encoded", False)
    declared = body.get("contentType")
    content_type = declared if isinstance(declared, str) else header
    if value is None or value == "":
        return None
    if encoded is False or not isinstance(value, str):
        if not isinstance(value, str):
            return Content(value, content_type or JSON_TYPE, is_json=True)
        content_type = content_type or guessed_type(value)
        return Content(value, content_type, is_json=is_json_type(content_type))
    if isinstance(encoded, str) and encoded.lower() == "json":
        return _of_text(value, content_type or JSON_TYPE)
    if not isinstance(encoded, str) or encoded.lower() != "base64":
        return _of_text(value, content_type or guessed_type(value))  # the engine knows no such encoding either
    data = base64.b64decode(value, validate=True)
    return _of_bytes(data, content_type or guessed_type(data.decode("latin-1")))


def _of_bytes(data: bytes, content_type: str) -> Content:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return Content(data, content_type, is_json=False)
    return _of_text(text, content_type) if is_textual(content_type) else Content(data, content_type, is_json=False)


def _of_text(text: str, content_type: str) -> Content:
    if is_json_type(content_type):
        with contextlib.suppress(ValueError, RecursionError):  # what is not JSON is served and compared unchanged
            return Content(strict_loads(text), content_type, is_json=True)
    return Content(text, content_type, is_json=False)
