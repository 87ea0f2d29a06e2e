"""Runs the cases of the official Pact specification against the mock (requests) and the judge (answers).

`python -m tests.agreement.specification FOLDER` takes a folder with the specification's cases (`v2-request.json`,
`v2-response.json` to `v4-…`), prints each case that is decided otherwise, and the counts. `KNOWN` says why.
"""

import base64
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from bff_contracts.judge import Judge
from bff_contracts.pact.file import read_pact
from bff_contracts.pact.json_path import is_array, is_object
from bff_mock_server import Backend, Mock, MockApp, Scenario
from bff_mock_server.matching.request import Asked
from bff_mock_server.serving.http import header_map, query_of

VERSIONS: Final[Mapping[int, str]] = {2: "2.0.0", 3: "3.0.0", 4: "4.0"}
_XML_TEXT: Final = "the engine asks a rule for an element of the element's name, not of its text"
KNOWN: Final[Mapping[tuple[str, int, str], str]] = {
    **{
        ("request", version, "method is different case"): "methods are case-sensitive (RFC 9110, 9.1)"
        for version in VERSIONS
    },
    ("request", 2, "matches with regex xml"): _XML_TEXT,
    ("request", 3, "matches with regex xml"): _XML_TEXT,
    ("request", 4, "array with regular expression that does not match in element xml"): (
        "the engine does not ask a rule for an attribute of the elements beyond the example"
    ),
}
"""Cases that are decided otherwise, and why: where the engine departs from the specification, it is followed."""


def contract(version: int, **parts: Any) -> str:
    """A pact with one interaction, as a text."""
    interaction = {"description": "case", "request": {"method": "GET", "path": "/"}, "response": {}, **parts}
    document = {
        "consumer": {"name": "c"},
        "provider": {"name": "p"},
        "interactions": [interaction],
        "metadata": {"pactSpecification": {"version": VERSIONS[version]}},
    }
    return json.dumps(document)


def headers_of(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values, line by line."""
    named: dict[str, Any] = message.get("headers") or {}
    lines: list[tuple[str, str]] = []
    for name, value in named.items():
        values: list[str] = value if is_array(value) else [value]
        lines += [(name, " ".join(one.split())) for one in values]
    return lines


def body_of(version: int, message: Mapping[str, Any]) -> bytes:
    """The bytes of a case's body."""
    body: Any = message.get("body")
    if version == 4 and is_object(body):
        body = base64.b64decode(body["content"]) if body.get("encoded") == "base64" else body.get("content")
    if body is None or isinstance(body, bytes):
        return body or b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def is_answered(version: int, case: Mapping[str, Any]) -> bool:
    """Whether the mock answers the request of a case."""
    pact = read_pact(contract(version, request=case["expected"]), source="case.json")
    backend = Backend(pact)
    app = MockApp(Mock([backend], Scenario("none", about="Nothing.")), backend)
    actual = case["actual"]
    query = actual.get("query") or ""
    text = query if isinstance(query, str) else urlencode(query, doseq=True)
    headers = header_map([(name.lower().encode(), value.encode("latin-1")) for name, value in headers_of(actual)])
    asked = Asked(
        actual.get("method", "GET"), actual.get("path") or "/", query_of(text), headers, text, body_of(version, actual)
    )
    return app.reply(asked).status == 200


def is_allowed(version: int, case: Mapping[str, Any]) -> bool:
    """Whether the judge allows the answer of a case."""
    judge = Judge(read_pact(contract(version, response=case["expected"]), source="case.json"))
    actual = case["actual"]
    headers = headers_of(actual)
    kind = next((value for name, value in headers if name.lower() == "content-type"), None)
    found = judge.violations(
        method="GET",
        target="/",
        status=actual.get("status", 200),
        content_type=kind,
        body=body_of(version, actual),
        headers=headers,
    )
    return not found


def disagreements(folder: Path, kind: str, version: int) -> Iterator[str]:
    """The names of the cases whose decision differs from the specification."""
    decide = is_answered if kind == "request" else is_allowed
    for case in json.loads((folder / f"v{version}-{kind}.json").read_text(encoding="utf-8")):
        # No HTTP request has an empty path; "/" is sent for it.
        expected = case["match"] or case["name"].startswith("empty path")
        if decide(version, case) != expected:
            yield case["name"]


def main(folder: Path) -> int:
    """Print the cases that differ; returns 1 if one has no explanation."""
    unexplained = 0
    for kind in ("request", "response"):
        for version in VERSIONS:
            cases = len(json.loads((folder / f"v{version}-{kind}.json").read_text(encoding="utf-8")))
            names = list(disagreements(folder, kind, version))
            print(f"V{version} {kind}s: {cases - len(names)} of {cases} agree")  # noqa: T201
            for name in names:
                reason = KNOWN.get((kind, version, name))
                unexplained += reason is None
                print(f"  {name}: {reason or 'UNEXPLAINED'}")  # noqa: T201
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
