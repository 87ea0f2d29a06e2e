"""The official verifier, run on one interaction at a time.

One at a time, because the verifier passes without a word when a filter or a provider's name matches nothing, and
because it keeps its results to itself until the last one. A run costs about 5 ms.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The engine reports usage to its makers unless this is set before it starts.
os.environ["PACT_DO_NOT_TRACK"] = "true"

from pact import Verifier

from bff_contracts.pact_file import Pact
from bff_contracts.verification.outcomes import Difference


def verify_interaction(
    pact: Pact, at: int, *, url: str, states_url: str, seconds: float
) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """Hold one interaction of a pact against the provider at a URL on 127.0.0.1.

    Args:
        pact: The contract.
        at: The interaction's place in it.
        url: Where the provider is.
        states_url: What sets provider states up. It must answer 200 or 400: any 5xx is asked again for two minutes.
        seconds: How long the provider may take to answer.

    Returns:
        The differences, and what else went wrong; nothing of both if the provider keeps the interaction.
    """
    interaction = pact.document["interactions"][at]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one-interaction.json"
        file.write_text(json.dumps({**pact.document, "interactions": [interaction]}), encoding="utf-8")
        verifier = Verifier(pact.provider, host="127.0.0.1").add_transport(url=url).add_source(file)
        verifier.set_request_timeout(int(seconds * 1000)).set_coloured_output(enabled=False)
        verifier.follow_redirects(follow=False)  # the BFF does not follow them either
        verifier.state_handler(states_url, teardown=True, body=True)
        # It raises for every interaction that fails, and says which in the results alone.
        with contextlib.suppress(RuntimeError):
            verifier.verify()
        return read_results(verifier.results, interaction["description"])


def read_results(results: Mapping[str, Any], description: str) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """The differences and other troubles of one interaction; the verifier must have verified just that one."""
    found = [result for result in results["interactionResults"] if result["description"] == description]
    if len(found) != 1:
        return (), (
            f"the official verifier did not verify it: it found no such interaction {results['errors'] or ''}".rstrip(),
        )
    if found[0]["result"] == "OK":
        return (), ()
    mismatch: Mapping[str, Any] = found[0].get("mismatch") or {}
    differences = tuple(_difference(entry) for entry in mismatch.get("mismatches", ()))
    return differences, () if differences else (
        str(mismatch.get("message", "the official verifier says only: failed")),
    )


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
    return Difference(where, _value(entry, "expected"), _value(entry, "actual"), str(entry.get("mismatch", "")))


def _value(entry: Mapping[str, Any], name: str) -> str:
    """A value as JSON; the verifier writes `null` as nothing at all, and nothing at all as `null`."""
    value = entry.get(name)
    if value is None:
        return "nothing"
    return "null" if value == "" and entry.get("type") == "BodyMismatch" else str(value) or "nothing"
