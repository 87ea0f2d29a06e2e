"""The CI of a provider team: verifies the broker's contracts and publishes the results, on the broker's double."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest

from bff_contracts.pact.file import read_pact, shipped_pacts
from bff_contracts.platform import CMS
from tests.contracts.broker.conftest import Team
from tests.contracts.broker.verifying import BFF, CLASSES, HEALTH, PUBLISH, only, put, results_of
from tests.support.broker_double import READER, Broker, Failure
from tests.support.commands import report_of
from tests.support.golden import Golden

FAILURES: tuple[Failure, ...] = ("503", "401", "not JSON", "cut off", "hang")


def selectors(broker: Broker) -> Any:
    (wish,) = broker.sent("POST", "/for-verification")
    return wish


# What is verified


def test_what_the_broker_has_is_verified_and_nothing_is_published_unasked(broker: Broker, team: Team) -> None:
    put(broker, "bff-1", only(HEALTH, CLASSES))
    done = team.verify("--branch", "classes")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == f"{CMS} at {team.url}: what {broker.url} has for it"
    for name in (HEALTH, CLASSES):
        assert f"  {name} (bff-teacher-service bff-1)\n" in done.stdout
    assert {each.method for each in broker.asked} == {"GET", "POST"}
    assert results_of(broker) == []


@pytest.mark.parametrize(("words", "whose"), [((), {"consumer": BFF}), (("--all-consumers",), {})])
def test_contracts_are_selected_by_consumer_branch_and_deployment(
    broker: Broker, team: Team, words: tuple[str, ...], whose: dict[str, str]
) -> None:
    put(broker, "bff-1", only(HEALTH))
    team.verify("--branch", "classes", *words)

    assert selectors(broker) == {
        "includePendingStatus": True,
        "providerVersionBranch": "classes",
        "consumerVersionSelectors": [
            {"mainBranch": True, **whose},
            {"matchingBranch": True, **whose},
            {"deployedOrReleased": True, **whose},
        ],
    }


def test_contracts_of_other_consumers_fail_only_with_all_consumers(broker: Broker, team: Team) -> None:
    put(broker, "bff-1", only(HEALTH))
    put(broker, "admin-1", only(HEALTH, status=204, consumer="admin"))
    version, _ = broker.state.put_version(CMS, "cms-0", "classes")
    for each in broker.state.published:
        broker.state.add_result(version, each.content, success=True)
    alone, all_ = team.verify("--branch", "classes"), team.verify("--branch", "classes", "--all-consumers")

    assert (alone.returncode, all_.returncode) == (0, 1)
    assert "admin" not in alone.stdout
    assert f"{HEALTH} (admin admin-1): not verified" in all_.stdout


def test_a_contract_of_a_superseded_version_is_verified_by_its_url(broker: Broker, team: Team) -> None:
    """The webhook names the version that was published; another may be the newest when it arrives."""
    put(broker, "bff-1", only(HEALTH))
    (first,) = broker.state.published
    url = f"{broker.url}/pacts/provider/{CMS}/consumer/{BFF}/pact-version/{first.content}/metadata/Y3ZuPWJmZi0x"
    put(broker, "bff-2", only(CLASSES))
    done = team.verify("--pact-url", url, *PUBLISH)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"  {HEALTH} (bff-teacher-service bff-1)\n" in done.stdout
    assert "bff-2" not in done.stdout
    assert [(each.version.number, each.content) for each in broker.state.results] == [("cms-7", first.content)]


def test_a_contract_of_a_feature_branch_is_verified_by_its_url(broker: Broker, team: Team) -> None:
    put(broker, "bff-1", only(CLASSES))
    put(broker, "fix-1", only(HEALTH), "fix")
    feature = broker.state.published[-1]
    url = f"{broker.url}/pacts/provider/{CMS}/consumer/{BFF}/pact-version/{feature.content}"
    done = team.verify("--from-broker", "--pact-url", url)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"  {HEALTH} (bff-teacher-service fix-1)\n" in done.stdout


def test_an_empty_pact_url_is_ignored(broker: Broker, team: Team) -> None:
    """Outside of a webhook the workflow passes an empty text."""
    put(broker, "bff-1", only(HEALTH))
    done = team.verify("--from-broker", "--pact-url", "", "--branch", "main")

    assert done.returncode == 0, done.stdout + done.stderr
    assert selectors(broker)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/pacts/provider/x/consumer/y/pact-version/00", id="unknown"),
        pytest.param("/pacticipants", id="no-contract"),
    ],
)
def test_a_url_without_a_contract_is_an_error(broker: Broker, team: Team, path: str, golden: Golden) -> None:
    put(broker, "bff-1", only(HEALTH))
    done = team.verify("--pact-url", f"{broker.url}{path}")

    assert done.returncode == 2, done.stdout
    golden.check(done.stderr)


def test_a_contract_at_another_address_gets_no_credentials(team: Team, golden: Golden) -> None:
    done = team.verify("--pact-url", "http://127.0.0.1:1/pacts/provider/x/consumer/y/version/1")

    assert done.returncode == 2
    golden.check(done.stderr)


def test_a_contract_with_another_provider_is_an_error(broker: Broker, team: Team, golden: Golden) -> None:
    ras = next(pact for pact in shipped_pacts() if pact.provider != CMS)
    put(broker, "bff-1", ras)
    url = f"{broker.url}/pacts/provider/{ras.provider}/consumer/{BFF}/version/bff-1"
    done = team.verify("--pact-url", url)

    assert done.returncode == 2
    golden.check(done.stderr)


def test_a_contract_of_another_consumer_is_an_error_and_nothing_is_published(
    broker: Broker, team: Team, golden: Golden
) -> None:
    put(broker, "admin-1", only(HEALTH, consumer="admin"))
    url = f"{broker.url}/pacts/provider/{CMS}/consumer/admin/version/admin-1"
    done, all_ = team.verify("--pact-url", url, *PUBLISH), team.verify("--pact-url", url, "--all-consumers")

    assert (done.returncode, all_.returncode) == (2, 0), all_.stdout
    assert results_of(broker) == []
    golden.check(done.stderr)


# What is published


def test_results_have_the_version_the_branch_and_each_interaction(broker: Broker, team: Team) -> None:
    put(broker, "bff-1", only(HEALTH, CLASSES))
    done = team.verify(*PUBLISH, "--build-url", "https://ci.test/7")
    (sent,) = results_of(broker)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (sent["providerApplicationVersion"], sent["success"], sent["buildUrl"]) == (
        "cms-7",
        True,
        "https://ci.test/7",
    )
    assert [each["interactionDescription"] for each in sent["testResults"]] == [CLASSES, HEALTH]
    assert all(len(each["interactionId"]) == 40 and each["success"] for each in sent["testResults"])
    assert broker.state.newest(CMS, "classes") is broker.state.results[0].version
    assert [each.path.rpartition("/")[2] for each in broker.asked[-2:]] == ["cms-7", "verification-results"]


def test_a_contract_that_is_not_kept_is_shown_and_published(broker: Broker, team: Team, golden: Golden) -> None:
    put(broker, "bff-1", only(HEALTH, CLASSES, status=204))
    version, _ = broker.state.put_version(CMS, "cms-0", "classes")
    broker.state.add_result(version, broker.state.published[0].content, success=True)
    done = team.verify(*PUBLISH)
    (sent,) = results_of(broker)

    assert done.returncode == 1
    golden.check(report_of(done))
    assert sent["success"] is False
    assert sent["testResults"][1]["mismatches"] == [{"attribute": "status", "description": "expected 204 but was 200"}]


def test_a_pending_contract_fails_no_build(broker: Broker, team: Team, tmp_path: Path) -> None:
    put(broker, "bff-1", only(HEALTH, status=204))
    junit, report = tmp_path / "junit.xml", tmp_path / "report.json"
    done = team.verify(*PUBLISH, "--junit", str(junit), "--json", str(report))
    suite = ET.parse(junit).getroot()  # noqa: S314  our own file
    (found,) = json.loads(report.read_text(encoding="utf-8"))["interactions"]

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("  pending ") == 1
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    assert (found["interaction"], found["verified"], found["pending"]) == (
        f"{HEALTH} (bff-teacher-service bff-1)",
        False,
        True,
    )
    assert [each.success for each in broker.state.results] == [False]


def test_a_pending_interaction_that_could_not_run_is_a_failure(broker: Broker, team: Team, golden: Golden) -> None:
    put(broker, "bff-1", only(CLASSES))
    done = team.verify("--branch", "main", states=False)

    assert done.returncode == 1
    golden.check(report_of(done))


def test_versions_that_share_an_interaction_have_a_row_each(broker: Broker, team: Team) -> None:
    put(broker, "bff-1", only(HEALTH))
    version, production = broker.state.version(BFF, "bff-1"), broker.state.environment("production")
    assert version
    assert production
    broker.state.deploy(version, production)
    put(broker, "bff-2", only(HEALTH, status=204))
    done = team.verify(*PUBLISH)

    for number in ("bff-1", "bff-2"):
        assert done.stdout.count(f"  {HEALTH} (bff-teacher-service {number})\n") == 1
    assert [each.success for each in broker.state.results] == [True, False]


def test_published_results_stay_when_others_fail(broker: Broker, team: Team, golden: Golden) -> None:
    put(broker, "bff-1", only(HEALTH))
    put(broker, "classes-1", only(CLASSES), "classes")
    broker.failures[6] = "503"
    done = team.verify(*PUBLISH)

    assert done.returncode == 2
    assert len(broker.state.results) == 1
    golden.check(done.stderr)


def test_a_reader_verifies_and_publishes_nothing(broker: Broker, team: Team, golden: Golden) -> None:
    put(broker, "bff-1", only(HEALTH))
    reader = {**team.desk.variables, "PACT_BROKER_USERNAME": READER[0], "PACT_BROKER_PASSWORD": READER[1]}
    team = replace(team, desk=replace(team.desk, variables=reader))
    verified, refused = team.verify("--branch", "main"), team.verify(*PUBLISH)

    assert (verified.returncode, refused.returncode) == (0, 2)
    assert f"  {HEALTH} (bff-teacher-service bff-1)\n" in refused.stdout
    golden.check(refused.stderr)


def test_contracts_of_an_older_specification_are_verified_too(broker: Broker, team: Team) -> None:
    request, response = {"method": "GET", "path": "/healthz"}, {"status": 200}
    document = {
        "consumer": {"name": "admin"},
        "provider": {"name": CMS},
        "interactions": [{"description": "up", "request": request, "response": response}],
        "metadata": {"pactSpecification": {"version": "2.0.0"}},
    }
    put(broker, "admin-1", read_pact(json.dumps(document), source="a test"))
    done = team.verify(*PUBLISH, "--all-consumers")

    assert done.returncode == 0, done.stdout + done.stderr
    assert [each["interactionDescription"] for each in results_of(broker)[0]["testResults"]] == ["up"]


# What cannot run


def test_nothing_to_verify_is_an_error(broker: Broker, team: Team, golden: Golden) -> None:
    unknown = team.verify("--branch", "main")
    put(broker, "bff-1", only(HEALTH), "elsewhere")
    nothing = team.verify("--branch", "main")

    assert (unknown.returncode, nothing.returncode) == (2, 2)
    golden.check(unknown.stderr + nothing.stderr)


STEPS: Final = ("root", "list", "contract", "branch", "results")
# One that hangs takes its whole time limit: the first and the last step stand for the others.
HANGS = pytest.mark.slow("waits for its time limit")
BREAKS = [
    pytest.param(at, failure, id=f"{step}-{failure}", marks=HANGS if failure == "hang" else ())
    for at, step in enumerate(STEPS)
    for failure in FAILURES
    if failure != "hang" or step in {"root", "results"}
]


@pytest.mark.parametrize(("step", "failure"), BREAKS)
def test_a_failed_response_is_an_error_and_hides_no_outcome(
    broker: Broker, team: Team, step: int, failure: Failure, tmp_path: Path
) -> None:
    put(broker, "bff-1", only(HEALTH))
    broker.failures[step] = failure
    report = tmp_path / "report.json"
    limit = ["--time-limit", "10"] if failure == "hang" else []
    done = team.verify(*PUBLISH, "--json", str(report), *limit)

    assert done.returncode == 2, done.stdout
    assert "unexpected" not in done.stderr
    assert len(broker.asked) == step + 1
    assert broker.state.results == []
    if step >= 3:
        assert f"  {HEALTH} (bff-teacher-service bff-1)\n" in done.stdout
        assert json.loads(report.read_text(encoding="utf-8"))["verified"] is True


def test_a_contract_that_could_not_be_fetched_is_an_error(broker: Broker, team: Team) -> None:
    put(broker, "bff-1", only(HEALTH))
    put(broker, "classes-1", only(CLASSES), "classes")
    broker.failures[3] = "503"
    done = team.verify("--branch", "classes")

    assert done.returncode == 2, done.stdout
    assert team.provider.asked == 0


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--from-broker", "--only", "health"), id="only"),
        pytest.param(("--publish-results",), id="results"),
        pytest.param(("--all-consumers",), id="consumers"),
        pytest.param(("--time-limit", "5"), id="time-limit"),
    ],
)
def test_options_that_exclude_each_other_are_rejected(team: Team, words: tuple[str, ...], golden: Golden) -> None:
    done = team.desk.run("verify", "cms", "--url", team.url, *words)

    assert done.returncode == 2
    golden.check(done.stderr)
