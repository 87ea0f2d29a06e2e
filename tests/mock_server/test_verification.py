"""The official verifier confirms that the mock keeps both contracts."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pact import Verifier

import bff_contracts
from bff_contracts.pact.file import load_pact
from tests.support.mock_process import RunningMock, running_mock

PACTS = Path(bff_contracts.__file__).parent / "pacts"
FILES = sorted(PACTS.glob("*.json"))
TOOL = Path(sys.executable).parent / "pact"

pytestmark = [
    pytest.mark.slow("runs the official verifier on every interaction"),
    pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem.removeprefix("bff-teacher-service-")),
]


@pytest.fixture(scope="module")
def mock() -> Generator[RunningMock]:
    with running_mock() as running:
        yield running


def address(mock: RunningMock, provider: str) -> str:
    return mock.ras if provider == "result-aggregator-service" else mock.cms


def passed(results: dict[str, Any]) -> list[str]:
    return sorted(result["description"] for result in results["interactionResults"] if result["result"] == "OK")


def verify(mock: RunningMock, file: Path) -> dict[str, Any]:
    """Run the library's verifier; the results, whether or not it is content."""
    provider = load_pact(file).provider
    url = address(mock, provider)
    verifier = Verifier(provider, host="127.0.0.1").add_transport(url=url).add_source(file)
    verifier.state_handler(f"{url}/_pact/provider_states", teardown=True, body=True)
    with contextlib.suppress(RuntimeError):
        verifier.verify()
    return verifier.results


def test_the_official_verifier_passes(mock: RunningMock, file: Path) -> None:
    results = verify(mock, file)

    assert results["errors"] == []
    assert passed(results) == sorted(interaction.description for interaction in load_pact(file).interactions)


def test_the_verifier_binary_passes_without_extra_headers(mock: RunningMock, file: Path, tmp_path: Path) -> None:
    pact = load_pact(file)
    url = address(mock, pact.provider)
    report = tmp_path / "report.json"
    command: list[str | Path] = [
        *(TOOL, "verifier", "--file", file, "--hostname", "127.0.0.1", "--port", str(urlsplit(url).port)),
        *("--provider-name", pact.provider, "--state-change-url", f"{url}/_pact/provider_states"),
        *("--state-change-teardown", "--json", report),
    ]

    done = subprocess.run(  # noqa: S603  the tool of our own environment
        command, capture_output=True, text=True, check=False, env={**os.environ, "PACT_DO_NOT_TRACK": "true"}
    )

    assert done.returncode == 0, done.stdout
    assert passed(json.loads(report.read_text())) == sorted(
        interaction.description for interaction in pact.interactions
    )


def test_the_verifier_would_notice(mock: RunningMock, file: Path, tmp_path: Path) -> None:
    """A contract that expects another error text is not kept, and nothing else is in doubt."""
    document = json.loads(file.read_text(encoding="utf-8"))
    changed = next(item for item in document["interactions"] if item["response"]["status"] == 401)
    changed["response"]["body"]["content"]["error"] = "Go away"
    other = tmp_path / file.name
    other.write_text(json.dumps(document), encoding="utf-8")

    results = verify(mock, other)

    assert len(results["errors"]) == 1
    assert set(passed(results)) == {item["description"] for item in document["interactions"]} - {changed["description"]}
