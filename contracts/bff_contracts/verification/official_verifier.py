"""Runs the official verifier on one interaction at a time.

One at a time, because the verifier passes silently when a filter or a provider's name matches nothing, and
because it keeps its results to itself until the last one. A run costs about 7 ms.
"""

import contextlib
import html
import json
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# The engine reports usage to its makers unless this is set before it starts.
os.environ["PACT_DO_NOT_TRACK"] = "true"

from pact import Verifier

from bff_contracts.pact.file import Pact
from bff_contracts.verification.no_proxy import without_proxy
from bff_contracts.verification.outcomes import Difference

_ORDER: Final = ("status", "content", "header", "body")

_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_READ: Final = 20_000
"""How many characters of a body are searched for its first line."""
_INVISIBLE: Final = re.compile(r"<!--.*?(?:-->|$)|<(script|style)\b.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_INLINE_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|code|em|i|kbd|mark|q|small|span|strong|tt|u|var)\b[^>]*>", re.IGNORECASE
)
_TAG: Final = re.compile(r"<[!/a-z][^>]*>?", re.IGNORECASE)

_LOGGER: Final = "pact.ffi.pact_verifier"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the verifier finds the provider.

    Attributes:
        url: The provider, on 127.0.0.1.
        states_url: What sets provider states up. It must answer 200: anything else is printed on standard error, and
            any 5xx is asked again for two minutes.
        seconds: How long a response may take.
    """

    url: str
    states_url: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What the verifier reports about an interaction: differences and other troubles; none of either if it passed."""

    interaction: str
    differences: tuple[Difference, ...] = ()
    troubles: tuple[str, ...] = ()
    pending: bool = False


def verify_interaction(pact: Pact, at: int, target: Target) -> Finding:
    """Verify that a provider keeps the interaction at this place in a pact."""
    interaction = pact.document["interactions"][at]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one-interaction.json"
        file.write_text(json.dumps({**pact.document, "interactions": [interaction]}), encoding="utf-8")
        verifier = _run(_verifier(pact.provider, target).add_source(file))
        return only_finding(verifier.results, interaction["description"])


def _verifier(provider: str, target: Target) -> Verifier:
    verifier = Verifier(provider, host="127.0.0.1").add_transport(url=target.url)
    verifier.set_request_timeout(int(target.seconds * 1000)).set_coloured_output(enabled=False)
    verifier.follow_redirects(follow=False)  # the BFF does not follow them either
    # The target is on plain HTTP. Otherwise the verifier reads the system's certificates again for each interaction,
    # which takes 8 ms, more than the rest.
    verifier.disable_ssl_verification()
    return verifier.state_handler(target.states_url, teardown=True, body=True)


def _run(verifier: Verifier) -> Verifier:
    logger = logging.getLogger(_LOGGER)
    propagate = logger.propagate
    logger.propagate = logger.isEnabledFor(logging.DEBUG)  # it repeats what is reported here
    try:
        # It raises for every interaction that fails, and says which in the results alone.
        with without_proxy(), contextlib.suppress(RuntimeError):
            verifier.verify()
    finally:
        logger.propagate = propagate
    return verifier


def only_finding(results: Mapping[str, Any], interaction: str) -> Finding:
    """The finding about an interaction; a failure if the results are not about exactly this one."""
    findings = list(map(_finding, results["interactionResults"]))
    if [finding.interaction for finding in findings] == [interaction]:
        return findings[0]
    trouble = f"the official verifier did not verify it {results['errors'] or ''}".rstrip()
    return Finding(interaction, troubles=(trouble,))


def _finding(result: Mapping[str, Any]) -> Finding:
    differences: tuple[Difference, ...] = ()
    troubles: tuple[str, ...] = ()
    if result["result"] != "OK":
        mismatch: Mapping[str, Any] = result.get("mismatch") or {}
        differences = _in_order(map(_difference, mismatch.get("mismatches", ())))
        if not differences:
            troubles = (str(mismatch.get("message", "the official verifier says only: failed")),)
    return Finding(result["description"], differences, troubles, pending=bool(result.get("pending", False)))


def _in_order(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """The differences in a fixed order; the verifier reports them in any, and a wrong content type twice."""
    found = sorted(differences, key=lambda each: (_ORDER.index(each.where.partition(" ")[0]), each.where, each.rule))
    twice = any(each.where == "content type" for each in found)
    return tuple(each for each in found if not (twice and each.where.lower() == "header content-type"))


def _difference(entry: Mapping[str, Any]) -> Difference:
    match entry.get("type"):
        case "StatusMismatch":
            where = "status"
        case "HeaderMismatch":
            where = f"header {entry.get('key')}"
        case "BodyTypeMismatch":
            where = "content type"
        case _:
            path = entry.get("path")
            where = f"body {path}" if path and path != "/" else "body"
    text = first_line(str(entry.get("actual")), str(entry.get("actualBody") or "")) if where == "content type" else ""
    return Difference(where, _value(entry, "expected"), _value(entry, "actual"), str(entry.get("mismatch", "")), text)


def first_line(content_type: str, body: str) -> str:
    """The first line of a text, or of what a browser shows of HTML; empty for anything else."""
    kind = content_type.partition(";")[0].strip().lower()
    text = body[:_READ]
    if kind in _HTML:
        text = _INVISIBLE.sub("\n", text)
        text = html.unescape(_TAG.sub("\n", _INLINE_TAG.sub("", text)))
    elif not kind.startswith("text/"):
        return ""
    lines = (" ".join(line.split()) for line in text.splitlines())
    first = next((line for line in lines if line), "")
    return "".join(character for character in first if character.isprintable())


def _value(entry: Mapping[str, Any], name: str) -> str:
    """A value as JSON; the verifier writes `null` as nothing at all, and nothing at all as `null`."""
    value = entry.get(name)
    if value is None:
        return "nothing"
    return "null" if value == "" and entry.get("type") == "BodyMismatch" else str(value) or "nothing"
