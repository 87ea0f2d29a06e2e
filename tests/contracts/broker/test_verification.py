"""What a provider team's CI does: verify what the broker has for it, and tell the broker. The broker is a double."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS
from tests.contracts.verification.test_applications import stateful_cms
from tests.providers.small import INTERACTIONS, SEEDED
from tests.support.broker_double import TOKEN, Broker, broker_double
from tests.support.hypercorn_server import on_hypercorn

COMMAND = Path(sys.executable).parent / "bff-contracts"
(CONTRACT,) = (pact.document for pact in shipped_pacts() if pact.provider == CMS)
PUBLISH = ("--publish-results", "--version", "abc", "--branch", "classes")
HEALTH = "health: the service is up"


@pytest.fixture
def broker() -> Generator[Broker]:
    with broker_double() as double:
        yield double


@pytest.fixture(scope="module")
def provider() -> Generator[str]:
    with on_hypercorn(stateful_cms(200, [])) as url:
        yield url


def only(description: str, *, status: int | None = None) -> Mapping[str, Any]:
    """The contract with one interaction, which may expect another status."""
    pact = {name: value for name, value in CONTRACT.items() if name != "interactions"}
    interactions = [copy.deepcopy(each) for each in CONTRACT["interactions"] if each["description"] == description]
    if status is not None:
        interactions[0]["response"]["status"] = status
    return {**pact, "interactions": interactions}


def verify(
    provider: str, broker: Broker, *words: str, states: bool = True, token: str = TOKEN
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "HULEEDU_INTERNAL_API_KEY"}
    environment |= {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": token}
    at = ["--states-url", f"{provider}/states"] if states else []
    return subprocess.run(  # noqa: S603  our own program
        [COMMAND, "verify", "cms", "--url", provider, "--from-broker", *at, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def test_what_the_broker_has_is_verified(provider: str, broker: Broker) -> None:
    broker.pacts = [(CONTRACT, False)]
    done = verify(provider, broker, "--branch", "classes")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("  verified ") == len(INTERACTIONS)
    assert done.stdout.splitlines()[0] == f"{CMS} at {provider}: what {broker.url} has for it"
    assert broker.results == []


def test_pacts_are_selected_by_branch_and_deployment(provider: str, broker: Broker) -> None:
    broker.pacts = [(only(HEALTH), False)]
    verify(provider, broker, "--branch", "classes")
    (asked,) = broker.bodies(f"/pacts/provider/{CMS}/for-verification")

    assert asked == {
        "consumerVersionSelectors": [{"mainBranch": True}, {"matchingBranch": True}, {"deployedOrReleased": True}],
        "includePendingStatus": True,
        "providerVersionBranch": "classes",
    }
    assert {request.token for request in broker.asked} == {TOKEN}


def test_results_are_published_with_version_and_branch(provider: str, broker: Broker) -> None:
    broker.pacts = [(only(HEALTH), False)]
    done = verify(provider, broker, *PUBLISH)
    (result,) = broker.results

    assert done.returncode == 0, done.stdout + done.stderr
    assert (result["success"], result["providerApplicationVersion"]) == (True, "abc")
    assert any(request.path.endswith("/branches/classes/versions/abc") for request in broker.asked)


def test_a_contract_that_is_not_kept_is_a_no_and_is_published_as_one(provider: str, broker: Broker) -> None:
    broker.pacts = [(only(HEALTH, status=204), False)]
    done = verify(provider, broker, *PUBLISH)

    assert done.returncode == 1
    assert "  status\n    expected  204\n    actual    200\n" in done.stdout
    assert [result["success"] for result in broker.results] == [False]


def test_a_pending_contract_fails_no_build(provider: str, broker: Broker, tmp_path: Path) -> None:
    broker.pacts = [(CONTRACT, False), (only(HEALTH, status=204), True)]
    junit = tmp_path / "junit.xml"
    done = verify(provider, broker, *PUBLISH, "--junit", str(junit))
    suite = ET.parse(junit).getroot()  # noqa: S314  our own file

    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        f"{CMS} keeps all {len(INTERACTIONS) + 1} interactions of its contract, but for 1 that are pending:"
        in done.stdout
    )
    assert done.stdout.count("  pending ") == 1
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    assert [result["success"] for result in broker.results] == [True, False]


def test_a_state_that_nothing_sets_up_is_named_at_its_interactions(provider: str, broker: Broker) -> None:
    broker.pacts = [(CONTRACT, False)]
    done = verify(provider, broker, "--branch", "main", states=False)

    assert done.returncode == 1
    states = ("classes", "validations")
    assert all(
        f"nothing sets provider state 'batches have exactly these {state}' up" in done.stdout for state in states
    )
    assert done.stdout.count("  verified ") == len(INTERACTIONS) - len(SEEDED)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["--branch", "main"], "No pacts found for provider 'class-management-service'", id="nothing"),
        pytest.param(["--only", "health"], "leave out --file and --only", id="only"),
    ],
)
def test_nothing_to_verify_is_no_pass(provider: str, broker: Broker, arguments: list[str], told: str) -> None:
    done = verify(provider, broker, *arguments)

    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        pytest.param("*", "does not let us in (401)", id="everything"),
        pytest.param("/pacts", "401", id="the-list"),
        pytest.param("/pact/", "401", id="a-contract"),
    ],
)
def test_a_broker_that_refuses_is_told(provider: str, broker: Broker, refused: str, told: str) -> None:
    broker.pacts, broker.refuse = [(only(HEALTH), False)], {refused: 401}
    done = verify(provider, broker, "--branch", "main")

    assert done.returncode == 2, done.stdout
    assert told in done.stderr
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize("status", [401, 404])
def test_a_contract_that_could_not_be_fetched_is_no_pass(provider: str, broker: Broker, status: int) -> None:
    """The official verifier verifies the others and passes."""
    broker.pacts, broker.refuse = [(only(HEALTH), False), (CONTRACT, False)], {"/pact/1": status}
    done = verify(provider, broker, "--branch", "main")

    assert done.returncode == 2, done.stdout
    assert re.search("/pact/1|Failed to load pact", done.stderr)


def test_a_pending_contract_that_could_not_even_be_asked_is_a_failure(provider: str, broker: Broker) -> None:
    broker.pacts = [(CONTRACT, True)]
    done = verify(provider, broker, "--branch", "main", states=False)

    assert done.returncode == 1
    assert done.stdout.count("FAILED") == len(SEEDED)


def test_a_broker_that_hangs_is_left_after_the_time_limit(provider: str, broker: Broker) -> None:
    broker.pacts, broker.hang = [(CONTRACT, False)], ["/pact/"]
    done = verify(provider, broker, "--branch", "main", "--time-limit", "2")

    assert done.returncode == 2
    assert "no end after 2 s" in done.stderr


@pytest.mark.parametrize("refused", ["/pacticipants", "/pact/0/verification-results"])
def test_results_that_could_not_be_published_are_no_success(provider: str, broker: Broker, refused: str) -> None:
    """The official verifier passes all the same, and `can-i-deploy` would wait for ever."""
    broker.pacts, broker.refuse = [(only(HEALTH), False)], {refused: 409}
    done = verify(provider, broker, *PUBLISH)

    assert done.returncode == 2
    assert f"{CMS} keeps all 1 interactions of its contract." in done.stdout
    assert "Publishing of verification results failed" in done.stderr


def test_publishing_goes_with_a_broker(provider: str) -> None:
    command = [str(COMMAND), "verify", "cms", "--url", provider, "--publish-results"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own program

    assert done.returncode == 2
    assert "go with --from-broker" in done.stderr


def test_the_json_report_has_what_is_pending(provider: str, broker: Broker, tmp_path: Path) -> None:
    broker.pacts = [(only(HEALTH, status=204), True)]
    report = tmp_path / "report.json"
    verify(provider, broker, "--branch", "main", "--json", str(report))
    (found,) = json.loads(report.read_text(encoding="utf-8"))["interactions"]

    assert (found["interaction"], found["verified"], found["pending"]) == (HEALTH, False, True)
