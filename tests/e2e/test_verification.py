"""The official verifier passes on the running mock, and has verified every interaction of the files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from pact import Verifier

import bff_contracts
from bff_contracts.pact_file import Pact, shipped_pacts
from tests.support.mock_process import RunningMock, running_mock

pytestmark = pytest.mark.xdist_group("e2e")
PACTS = Path(bff_contracts.__file__).parent / "pacts"
ALL = [pytest.param(pact, id=pact.provider) for pact in shipped_pacts()]


@pytest.fixture(scope="module")
def mock() -> Generator[RunningMock]:
    with running_mock() as running:
        yield running


def url_of(mock: RunningMock, pact: Pact) -> str:
    return {"result-aggregator-service": mock.ras, "class-management-service": mock.cms}[pact.provider]


def file_of(pact: Pact) -> str:
    return str(PACTS / f"{pact.consumer}-{pact.provider}.json")


@pytest.mark.parametrize("pact", ALL)
def test_the_verifier_passes_and_leaves_no_interaction_out(mock: RunningMock, pact: Pact) -> None:
    url = url_of(mock, pact)
    verifier = Verifier(pact.provider, host="127.0.0.1").add_source(file_of(pact)).add_transport(url=url)
    verifier.state_handler(f"{url}/_pact/provider_states", teardown=True, body=True)
    verifier.verify()
    found: list[dict[str, Any]] = verifier.results["interactionResults"]

    assert {entry["description"] for entry in found} == {one.description for one in pact.interactions}
    assert {entry["result"] for entry in found} == {"OK"}


@pytest.mark.parametrize("pact", ALL)
def test_the_verifiers_program_passes_without_extra_headers(mock: RunningMock, pact: Pact) -> None:
    url = url_of(mock, pact)
    states = f"{url}/_pact/provider_states"
    run = subprocess.run(  # noqa: S603  the official program, our own words
        [
            str(Path(sys.executable).with_name("pact")),
            *("verifier", "--file", file_of(pact), "--provider-name", pact.provider),
            *("--hostname", "127.0.0.1", "--port", url.rpartition(":")[2]),
            *("--state-change-url", states, "--state-change-teardown"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert [one.description for one in pact.interactions if one.description not in run.stdout] == []
