"""The page for BFF developers: what it shows is printed, what it lists is understood."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from typing import get_args

import httpx
import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS, RAS
from bff_mock_server import Backend, Mock, find_scenario, read_scenario
from bff_mock_server.answering.mock_headers import read_mock_headers
from bff_mock_server.cli.banner import Address, banner
from bff_mock_server.faults.spec import Kind, parse_faults
from bff_mock_server.world.scenarios import shipped_scenarios
from tests.documents.blocks import ROOT, Place, assert_printed, runs
from tests.support.mock_process import RunningMock, running_mock

PAGE = "docs/bff-developers.md"
AS_A_READER = pytest.mark.slow("runs commands in processes of their own, as a reader of the page does")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")


@runs(PAGE, "make mock", "Mocks that keep the contract")
def test_make_mock_prints_what_is_shown(blocks: list[str]) -> None:
    _, shown = blocks  # that `make mock` starts is proven with the README
    pacts = {pact.provider: pact for pact in shipped_pacts()}
    mock = Mock([Backend(pacts[RAS]), Backend(pacts[CMS])], find_scenario("default"))
    urls = ("http://127.0.0.1:4003", "http://127.0.0.1:5002")
    addresses = [Address(url, [backend]) for url, backend in zip(urls, mock.backends, strict=True)]

    assert_printed(shown, banner(addresses, "http://127.0.0.1:4100", mock).partition("\n\nTry:")[0])


@needs_curl
@runs(PAGE, "curl -H 'Accept: text/plain'", "The contract with result-aggregator-service")
def test_a_refusal_reads_as_shown(blocks: list[str], beside_the_mock: Place) -> None:
    command, shown = blocks

    assert_printed(shown, beside_the_mock.run(command.replace("curl", "curl -sS", 1)))


@runs(PAGE, "about: Two teachers")
def test_the_scenario_can_be_used(blocks: list[str], desk: Place) -> None:
    scenario = read_scenario(blocks[0], name="page", source="bff-developers.md")
    desk.write("mine.yaml", blocks[0])
    with running_mock("--scenario", str(desk.folder / "mine.yaml")) as running:
        printed = running.banner

    assert [teacher.batches for teacher in scenario.teachers] == [40, 3]
    assert [str(armed.route) for armed in scenario.faults][1:] == ["class-management-service GET /healthz"]
    assert "Karin Öberg" in printed


@needs_curl
@runs(PAGE, "curl -X POST http://127.0.0.1:4100/_mock/faults")
def test_a_fault_is_armed_while_the_mock_runs(blocks: list[str], beside_the_mock: Place, mock: RunningMock) -> None:
    beside_the_mock.run(blocks[0].replace("curl", "curl -sS --fail", 1))

    armed = httpx.get(f"{mock.control}/_mock/").json()["faults"]
    httpx.delete(f"{mock.control}/_mock/faults")
    assert "status=503 rate=0.5" in json.dumps(armed)


@runs(PAGE, "bff-mock-server --ras proxy=")
def test_the_mock_proxies_running_services(blocks: list[str], beside_the_mock: Place) -> None:
    for line in blocks[0].splitlines():
        command, *words = shlex.split(beside_the_mock.here(line), comments=True)
        free = [word if not re.fullmatch(r"\d+", word) else "0" for word in words]
        with running_mock(*free) as running:
            printed = running.banner

        assert command == "bff-mock-server"
        assert "passes requests on to http" in printed


@AS_A_READER
@runs(PAGE, "for core in")
def test_a_mock_for_each_core_listens(blocks: list[str], desk: Place) -> None:
    """Without the ports of the page, which may be taken here: each takes free ones."""
    free = re.sub(r"\$\(\(\d+ \+ core\)\)", "0", blocks[0]).replace("0 1 2 3", "0 1")
    process = subprocess.Popen(  # noqa: S603  as a reader runs it
        ["/bin/bash", "-c", free],
        cwd=desk.folder,
        env=desk.environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        urls = [process.stdout.readline().strip() for _ in range(4)]
        statuses = [httpx.get(f"{url}/healthz").status_code for url in urls]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)

    assert len(set(urls)) == 4
    assert statuses == [200] * 4


@AS_A_READER
@runs(PAGE, "import pytest")
def test_the_example_test_passes_unchanged(blocks: list[str], desk: Place) -> None:
    desk.write("test_page.py", blocks[0])

    assert "1 passed" in desk.run("pytest -q test_page.py")


def first_cells(heading: str) -> list[str]:
    """The texts in backticks in the first column of the table below a heading."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return [cell for row in rows for cell in re.findall(r"`([^`]+)`", row)]


def test_the_scenarios_of_the_page_are_those_that_are_shipped() -> None:
    assert sorted(first_cells("Scenarios")) == list(shipped_scenarios())


def test_every_fault_of_the_page_is_understood_and_none_is_left_out() -> None:
    faults = first_cells("Faults")

    assert {fault.kind for text in faults for fault in parse_faults(text)} == set(get_args(Kind))


def test_every_header_of_the_page_is_understood() -> None:
    for cell in first_cells("Per-request headers"):
        name, value = cell.split(": ", 1)
        directives = read_mock_headers({name.lower(): value})

        assert any([directives.session, directives.states, directives.faults])
