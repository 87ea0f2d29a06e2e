"""`bff-contracts verify`, as a program of its own: what it prints, writes, and returns."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bff_contracts.platform import CMS
from bff_contracts.verification import interactions_of
from tests.contracts.verification.test_applications import stateful_cms
from tests.providers.small import INTERACTIONS, SEEDED
from tests.support.commands import report_of, run_here
from tests.support.golden import Golden
from tests.support.hypercorn_server import on_hypercorn

COMMAND = Path(sys.executable).parent / "bff-contracts"
STATELESS = [name for name in interactions_of("cms") if name.startswith(("health", "refused"))]


def run(*arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "HULEEDU_INTERNAL_API_KEY"}
    if key is not None:
        environment["HULEEDU_INTERNAL_API_KEY"] = key
    return run_here(arguments, folder=Path.cwd(), variables=environment)


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    with on_hypercorn(stateful_cms(200, [])) as address:
        yield address


@pytest.mark.parametrize("words", [("-v", "list", "cms"), ("list", "-v", "cms"), ("list", "cms", "--verbose")])
def test_the_log_is_asked_for_before_or_behind_a_command(words: tuple[str, ...]) -> None:
    assert run(*words).returncode == 0


def test_a_provider_that_keeps_its_contract(url: str, golden: Golden) -> None:
    done = run("verify", "cms", "--url", url, "--states-url", f"{url}/states")

    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split(" ms  ")[1] for line in done.stdout.splitlines() if line.startswith("  verified")]
    assert rows == list(interactions_of("cms"))
    assert done.stdout.splitlines()[0] == f"class-management-service at {url}: {len(INTERACTIONS)} interactions"
    golden.check(re.sub(r"\d+", "N", done.stdout.splitlines()[-1]))


def test_a_closed_standard_output_changes_no_verdict(url: str) -> None:
    command = f"'{COMMAND}' verify cms --url {url} --only refused >&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602  a shell closes it

    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_of_the_engine_is_in_the_output(url: str) -> None:
    assert "Verifying a pact" not in run("verify", "cms", "--url", url).stdout


def test_a_provider_that_breaks_its_contract(url: str, golden: Golden) -> None:
    done = run("verify", "cms", "--url", url)

    assert done.returncode == 1
    assert sum(line.startswith("  FAILED") for line in done.stdout.splitlines()) == len(SEEDED)
    summary = next(line for line in done.stdout.splitlines() if line.startswith(CMS) and line.endswith(":"))
    golden.check(re.sub(r"\d+", "N", summary))


def test_differences_have_path_expected_and_actual(url: str, golden: Golden) -> None:
    words = ("--states-url", f"{url}/states", "--only", "batches: all have one")
    done = run("verify", "cms", "--url", url, *words, key="another-key")

    assert done.returncode == 1
    golden.check(report_of(done))
    assert "another-key" not in done.stdout + done.stderr


def test_some_interactions_can_be_picked(url: str) -> None:
    done = run("verify", "cms", "--url", url, "--only", "REFUSED")

    assert done.returncode == 0
    chosen = sum(name.startswith("refused") for name in INTERACTIONS)
    assert done.stdout.count("  verified") == chosen
    assert done.stdout.endswith(f"keeps the {chosen} chosen of {len(INTERACTIONS)} interactions of its contract.\n")


def test_reports(url: str, tmp_path: Path) -> None:
    junit, outcomes = tmp_path / "junit.xml", tmp_path / "outcomes.json"
    run("verify", "cms", "--url", url, "--junit", str(junit), "--json", str(outcomes))
    suite = ET.parse(junit).getroot()  # noqa: S314  our own file
    document: dict[str, Any] = json.loads(outcomes.read_text(encoding="utf-8"))

    assert (suite.get("tests"), suite.get("failures")) == (str(len(INTERACTIONS)), str(len(SEEDED)))
    assert [case.get("name") for case in suite if case.find("failure") is None] == STATELESS
    assert [each["interaction"] for each in document["interactions"] if each["verified"]] == STATELESS
    assert (document["provider"], document["verified"]) == ("class-management-service", False)


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["cms", "--url", closed_port()], id="refused"),
        pytest.param(["cms", "--url", "URL", "--states-url", closed_port()], id="states"),
        pytest.param(["sms", "--url", "URL"], id="provider"),
        pytest.param(["cms", "--url", "URL", "--only", "no such"], id="only"),
        pytest.param(["cms", "--url", "URL", "--file", "no.json"], id="file"),
        pytest.param(["cms", "--url", closed_port(), "--json", "no/such/dir"], id="json"),
        pytest.param(["cms", "--url", closed_port(), "--junit", "nodir/x.xml"], id="junit"),
        pytest.param(["cms", "--url", closed_port(), "--junit", "."], id="folder"),
        pytest.param(["cms", "--url", "URL", "--junit", "x", "--json", "./x"], id="same"),
        pytest.param(["cms", "--url", "URL", "--not-yet", "GET …/nothing"], id="not-yet"),
        pytest.param(["cms", "--url", "URL", "--not-yet", "x", "--from-broker"], id="both"),
        pytest.param(["cms", "--url", "ftp://x"], id="scheme"),
        pytest.param(["cms", "--url", "URL", "--seconds", "0"], id="seconds"),
        pytest.param(["cms"], id="no-url"),
    ],
)
def test_a_verification_that_cannot_run_exits_with_2(url: str, arguments: list[str], golden: Golden) -> None:
    done = run("verify", *(url if argument == "URL" else argument for argument in arguments))

    assert done.returncode == 2
    golden.check(done.stderr)


def test_what_is_not_yet_is_a_row_and_no_failure(url: str, golden: Golden) -> None:
    """Nothing sets the states of this service up, so that nothing that needs one is verified."""
    declared = ["GET …/class-info", "GET …/student-names", "GET …/validation-status"]
    done = run("verify", "cms", "--url", url, *(word for one in declared for word in ("--not-yet", one)))
    built = run("verify", "cms", "--url", url, "--not-yet", "GET /healthz", "--only", "health")

    assert done.returncode == 0
    assert sum(line.startswith("  not yet") for line in done.stdout.splitlines()) == len(SEEDED)
    assert built.returncode == 1
    assert "  FAILED" in built.stdout
    golden.check(report_of(done))
    golden.check(report_of(built))


def test_a_contract_without_interactions_is_an_error(url: str, tmp_path: Path, golden: Golden) -> None:
    names: dict[str, Any] = {"consumer": {"name": "a"}, "provider": {"name": "class-management-service"}}
    pact: dict[str, Any] = {**names, "interactions": []}
    file = tmp_path / "empty.json"
    file.write_text(json.dumps({**pact, "metadata": {"pactSpecification": {"version": "4.0"}}}), encoding="utf-8")
    done = run("verify", "cms", "--url", url, "--file", str(file))

    assert done.returncode == 2
    golden.check(done.stderr.replace(str(tmp_path), "FOLDER"))


def test_a_key_is_not_an_argument(url: str) -> None:
    assert run("verify", "cms", "--url", url, "--api-key", "x").returncode == 2


def test_another_contract_can_be_given(url: str, tmp_path: Path, golden: Golden) -> None:
    pact = {
        "consumer": {"name": "another"},
        "provider": {"name": "class-management-service"},
        "interactions": [
            {
                "type": "Synchronous/HTTP",
                "description": "a health with a body",
                "request": {"method": "GET", "path": "/healthz"},
                "response": {"status": 200, "body": {"contentType": "application/json", "content": {"up": True}}},
            }
        ],
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    file = tmp_path / "pact.json"
    file.write_text(json.dumps(pact), encoding="utf-8")
    done = run("verify", "cms", "--url", url, "--file", str(file))

    assert done.returncode == 1
    golden.check(report_of(done))
