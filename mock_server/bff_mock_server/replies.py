"""Answers as bytes: an interaction's own response, and the explained refusal of what no interaction allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from bff_contracts.pact_file import Interaction, Response
from bff_contracts.template import fill
from bff_mock_server.matching import Asked, Unmatched
from bff_mock_server.values import dumps

Headers = tuple[tuple[bytes, bytes], ...]

_JSON: Final = (b"content-type", b"application/json")
_PROBLEM: Final = (b"content-type", b"application/problem+json")


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; `headers` are lower case and include the length."""

    status: int
    headers: Headers
    body: bytes


def with_body(response: Response, body: bytes) -> Reply:
    """A body under the status and headers of the contract's response."""
    return Reply(response.status, (*fixed_headers(response), length(body)), body)


def fixed_headers(response: Response) -> Headers:
    """The headers of the contract's response without the length; JSON unless it says otherwise."""
    headers = tuple(
        (name.encode("latin-1"), ", ".join(values).encode("latin-1"))
        for name, values in response.headers.items()
        if name not in {"content-length", "transfer-encoding", "date"}
    )
    has_type = any(name == b"content-type" for name, _ in headers)
    return headers if has_type or not response.has_body else (*headers, _JSON)


def length(body: bytes) -> tuple[bytes, bytes]:
    """The header that says how long a body is."""
    return (b"content-length", b"%d" % len(body))


def from_example(interaction: Interaction, asked: Asked) -> Reply:
    """The example of an interaction, filled in for the request."""
    response = fill(interaction, path=asked.path, query=asked.query).response
    if not response.has_body:
        return with_body(response, b"")
    is_text = isinstance(response.body, str) and "json" not in ",".join(response.headers.get("content-type", ("json",)))
    return with_body(response, str(response.body).encode() if is_text else dumps(response.body).encode())


def explain(unmatched: Unmatched, asked: Asked, provider: str, *, elsewhere: str | None = None) -> Reply:
    """Say why a request was refused: the closest interaction, each difference, and what to change.

    Args:
        unmatched: The refusal.
        asked: The request.
        provider: Who was asked.
        elsewhere: The provider that does have this path, if another one does.
    """
    nearest = unmatched.nearest
    changes = "; ".join(difference.change for difference in unmatched.differences)
    detail = (
        f"The contract with {provider} has no interaction for {asked.method} {asked.path}."
        if nearest is None
        else f"The contract with {provider} does not allow {asked.method} {asked.path}. To come to"
        f" {nearest.description!r}: {changes}."
    )
    if elsewhere is not None:
        detail += f" That path belongs to {elsewhere}: check the base URL."
    members: dict[str, Any] = {}
    if nearest is not None:
        members["closest"] = {
            "interaction": nearest.description,
            "method": nearest.request.method,
            "path": nearest.request.path,
        }
        members["differences"] = [
            {
                "where": difference.where,
                "rule": difference.rule,
                "expected": difference.expected,
                "actual": difference.actual,
                "change": difference.change,
            }
            for difference in unmatched.differences
        ]
    allow = ((b"allow", ", ".join(unmatched.allow).encode("ascii")),) if unmatched.allow else ()
    return problem(unmatched.status, detail, members=members, headers=allow)


def problem(status: int, detail: str, *, members: Mapping[str, Any] | None = None, headers: Headers = ()) -> Reply:
    """An `application/problem+json` answer (RFC 9457): the mock speaking for itself, not for the contract."""
    title = HTTPStatus(status).phrase
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **(members or {})}
    body = dumps(document).encode("utf-8", "backslashreplace")
    return Reply(status, (_PROBLEM, *headers, length(body)), body)
