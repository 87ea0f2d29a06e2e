"""Explains why a request was refused: the closest interaction, each difference, and what to change."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bff_mock_server.matching.match import RequestDifference, Unmatched
from bff_mock_server.matching.request import Asked
from bff_mock_server.responses.reply import TEXT, Head, Reply, problem

DIFFERENCES_HEADER: Final = b"x-mock-differences"
_SHOWN_OF_ONE: Final = 200
_SHOWN: Final = 3000
"""The longest header that clients and proxies commonly accept, in characters."""


def explain(unmatched: Unmatched, asked: Asked, provider: str, *, elsewhere: str | None = None) -> Reply:
    """Explain a refusal as `application/problem+json`, or as text for `Accept: text/plain`.

    Args:
        unmatched: The refusal.
        asked: The request.
        provider: The provider that got the request.
        elsewhere: The provider that has this path, if it is another one.
    """
    allow = ((b"allow", ", ".join(unmatched.allow).encode("ascii")),) if unmatched.allow else ()
    if _wants_text(asked.headers.get("accept", "")):
        text = "\n".join(_lines(unmatched, asked, provider, elsewhere)) + "\n"
        return Reply(Head(unmatched.status, (TEXT, *allow)), text.encode("utf-8", "backslashreplace"))
    # A request to the wrong service needs another base URL, not other contents.
    remedy = _remedy(unmatched) if elsewhere is None else _hint(elsewhere)
    detail = f"{_verdict(unmatched, asked, provider)}{remedy}"
    members: dict[str, Any] = {}
    if unmatched.nearest is not None and elsewhere is None:
        interaction = unmatched.nearest.interaction
        request = interaction.request
        members["closest"] = {
            "interaction": interaction.description,
            "method": request.method,
            "path": request.path,
        }
        members["differences"] = [as_document(difference) for difference in unmatched.differences]
    return problem(unmatched.status, detail, *allow, members=members)


def complain(status: int, detail: str, asked: Asked) -> Reply:
    """Explain an invalid request to the mock itself, in the format that the client accepts."""
    if _wants_text(asked.headers.get("accept", "")):
        return Reply(Head(status, (TEXT,)), f"{detail}\n".encode("utf-8", "backslashreplace"))
    return problem(status, detail)


def as_document(difference: RequestDifference) -> Mapping[str, str | None]:
    """A difference as JSON."""
    return {
        "where": difference.where,
        "rule": difference.rule,
        "expected": difference.expected,
        "actual": difference.actual,
        "change": difference.change,
    }


def differences_header(differences: Sequence[RequestDifference]) -> tuple[bytes, bytes]:
    """The header that lists the ignored differences: JSON in ASCII, a list that may be shortened at its end."""
    shown: list[Mapping[str, str | None]] = []
    text = "[]"
    for difference in differences:
        shown.append({key: value and _short(value) for key, value in as_document(difference).items()})
        longer = json.dumps(shown)
        if len(longer) > _SHOWN:
            break
        text = longer
    return DIFFERENCES_HEADER, text.encode("ascii")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_OF_ONE else f"{text[:_SHOWN_OF_ONE]}…"


def _wants_text(accept: str) -> bool:
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return "text/plain" in kinds and not any("json" in kind for kind in kinds)


def _verdict(unmatched: Unmatched, asked: Asked, provider: str) -> str:
    verb = "has no interaction for" if unmatched.nearest is None else "does not allow"
    return f"The contract with {provider} {verb} {asked.method} {asked.path}."


def _remedy(unmatched: Unmatched) -> str:
    if unmatched.nearest is None:
        return ""
    changes = "; ".join(difference.change for difference in unmatched.differences)
    return f" To match {unmatched.nearest.interaction.description!r}: {changes}."


def _hint(elsewhere: str | None) -> str:
    return "" if elsewhere is None else f" That path belongs to {elsewhere}: check the base URL."


def _lines(unmatched: Unmatched, asked: Asked, provider: str, elsewhere: str | None) -> Iterator[str]:
    yield f"{_verdict(unmatched, asked, provider)}{_hint(elsewhere)}"
    if unmatched.nearest is None or elsewhere is not None:
        return
    interaction = unmatched.nearest.interaction
    request = interaction.request
    yield f"Closest: {interaction.description!r}, {request.method} {request.path}"
    for difference in unmatched.differences:
        yield ""
        yield f"  {difference.where} ({difference.rule})"
        yield f"    expected  {'(nothing)' if difference.expected is None else difference.expected}"
        yield f"    actual    {'(nothing)' if difference.actual is None else difference.actual}"
        yield f"    change    {difference.change}"
