"""What CI asks a Pact Broker: the official command line, run on a double of the broker's API."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from bff_contracts.pact.file import shipped_pacts
from tests.support.broker_double import TOKEN, Broker, broker_double

COMMAND = Path(sys.executable).parent / "bff-contracts"
ASKING = {
    "publish": ["publish"],
    "can-i-deploy": ["can-i-deploy", "--to", "production"],
    "record-deployment": ["record-deployment", "--environment", "production"],
}
VARIABLES = ("PACT_BROKER_BASE_URL", "PACT_BROKER_TOKEN", "GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_BRANCH")


@pytest.fixture
def broker() -> Generator[Broker]:
    with broker_double() as double:
        yield double


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean checkout of some branch."""
    folder = tmp_path / "bff"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "new-endpoint")
    (folder / "README").write_text("the BFF\n", encoding="utf-8")
    git(folder, "add", "README")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "begin")
    return folder


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603, S607


def run(
    folder: Path, *words: str, url: str | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment |= {"PACT_BROKER_TOKEN": TOKEN, **({"PACT_BROKER_BASE_URL": url} if url else {}), **(variables or {})}
    return subprocess.run(  # noqa: S603  our own program
        [COMMAND, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=50
    )


# Publishing


def test_publish_sends_every_contract_as_this_commit_of_this_branch(broker: Broker, checkout: Path) -> None:
    done = run(checkout, "publish", "--tag", "a", "--tag", "b", url=broker.url)
    sent = broker.bodies("/contracts/publish")

    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(broker.published, key=str) == sorted((pact.document for pact in shipped_pacts()), key=str)
    assert {body["pacticipantVersionNumber"] for body in sent} == {git(checkout, "rev-parse", "HEAD")}
    assert {body["branch"] for body in sent} == {"new-endpoint"}
    assert [body["tags"] for body in sent] == [["a", "b"]] * 2
    assert {request.token for request in broker.asked} == {TOKEN}
    assert done.stdout.count("Pact published successfully") == 2


@pytest.mark.parametrize(
    ("words", "variables", "expected"),
    [
        pytest.param([], {"GITHUB_HEAD_REF": "", "GITHUB_REF_NAME": "main"}, "main", id="github"),
        pytest.param([], {"GITHUB_HEAD_REF": "fix", "GITHUB_REF_NAME": "7/merge"}, "fix", id="pull-request"),
        pytest.param([], {"CI_COMMIT_BRANCH": "trunk"}, "trunk", id="gitlab"),
        pytest.param(["--branch", "given"], {"GITHUB_REF_NAME": "main"}, "given", id="argument"),
    ],
)
def test_the_branch_is_what_the_ci_says(
    broker: Broker, checkout: Path, words: list[str], variables: dict[str, str], expected: str
) -> None:
    git(checkout, "checkout", "--quiet", "--detach")
    done = run(checkout, "publish", "--version", "v1", *words, url=broker.url, variables=variables)

    assert done.returncode == 0, done.stderr
    sent = {(body["branch"], body["pacticipantVersionNumber"]) for body in broker.bodies("/contracts/publish")}
    assert sent == {(expected, "v1")}


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(broker: Broker, checkout: Path) -> None:
    (checkout / "draft").write_text("", encoding="utf-8")
    done = run(checkout, "publish", "--dry-run", "--tag", "rc", url=broker.url)

    assert (done.returncode, broker.asked) == (0, [])
    assert f"would publish to {broker.url}\n" in done.stdout
    assert f"  version  {git(checkout, 'rev-parse', 'HEAD')}\n  branch   new-endpoint\n  tags     rc\n" in done.stdout
    for pact in shipped_pacts():
        assert f"bff-teacher-service and {pact.provider}, {len(pact.interactions)} interactions" in done.stdout
    assert "but 1 uncommitted: draft: a real run refuses that" in done.stdout


def test_a_dirty_tree_is_refused(broker: Broker, checkout: Path) -> None:
    (checkout / "README").write_text("changed\n", encoding="utf-8")
    done = run(checkout, "publish", url=broker.url)

    assert (done.returncode, broker.asked) == (2, [])
    assert "1 uncommitted: README: commit first" in done.stderr


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
@pytest.mark.parametrize("command", ASKING)
def test_a_broker_that_breaks_off_midway_is_never_a_yes(
    broker: Broker, checkout: Path, command: str, status: int
) -> None:
    """The official command line tells no refusal from a breakdown that comes with an error document."""
    broker.refuse = dict.fromkeys(("/contracts", "/matrix", "/pacticipants"), status)
    done = run(checkout, *ASKING[command], url=broker.url)

    assert done.returncode in {1, 2}, done.stdout
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize("status", [400, 409])
def test_what_the_broker_refuses_is_a_no(broker: Broker, checkout: Path, status: int) -> None:
    broker.refuse = {"/contracts/publish": status}
    done = run(checkout, "publish", url=broker.url)

    assert done.returncode == 1
    assert done.stdout + done.stderr != ""
    assert TOKEN not in done.stdout + done.stderr


# Deploying


@pytest.mark.parametrize(("deployable", "code"), [(True, 0), (False, 1), (None, 1)])
def test_can_i_deploy_says_what_the_broker_says(
    broker: Broker,
    checkout: Path,
    deployable: bool | None,  # noqa: FBT001  # a row of the table
    code: int,
) -> None:
    broker.deployable = deployable
    done = run(checkout, "can-i-deploy", "--to", "production", url=broker.url)
    (asked,) = (request for request in broker.asked if request.path == "/matrix")

    assert done.returncode == code, done.stdout + done.stderr
    assert asked.query["q[][pacticipant]"] == ["bff-teacher-service"]
    assert asked.query["q[][version]"] == [git(checkout, "rev-parse", "HEAD")]
    assert asked.query["environment"] == ["production"]
    assert ("Computer says yes" in done.stdout) is (code == 0)


def test_can_i_deploy_asks_again_while_verifications_are_under_way(broker: Broker, checkout: Path) -> None:
    broker.deployable = None
    done = run(checkout, "can-i-deploy", "--to", "production", "--wait", "1", url=broker.url)

    assert done.returncode == 1
    assert len([request for request in broker.asked if request.path == "/matrix"]) == 2


def test_a_provider_asks_for_itself(broker: Broker, checkout: Path) -> None:
    words = ["--of", "class-management-service", "--version", "7"]
    run(checkout, "can-i-deploy", "--to", "production", *words, url=broker.url)
    (asked,) = (request for request in broker.asked if request.path == "/matrix")

    assert (asked.query["q[][pacticipant]"], asked.query["q[][version]"]) == (["class-management-service"], ["7"])


def test_record_deployment_tells_the_broker(broker: Broker, checkout: Path) -> None:
    done = run(checkout, "record-deployment", "--environment", "production", "--version", "7", url=broker.url)

    assert done.returncode == 0, done.stderr
    last = broker.asked[-1]
    assert (last.method, last.path) == (
        "POST",
        "/pacticipants/bff-teacher-service/versions/7/deployed-versions/environment/u-1",
    )


# What cannot run


@pytest.mark.parametrize("command", ASKING)
def test_without_a_broker_it_says_so(checkout: Path, command: str) -> None:
    done = run(checkout, *ASKING[command])

    assert (done.returncode, done.stderr) == (2, "bff-contracts: no Pact Broker: PACT_BROKER_BASE_URL is not set\n")


@pytest.mark.parametrize("command", ASKING)
def test_a_broker_that_is_not_there_is_told(checkout: Path, command: str) -> None:
    done = run(checkout, *ASKING[command], url="http://127.0.0.1:1")

    assert done.returncode == 2
    assert "no Pact Broker answers at http://127.0.0.1:1: ConnectError" in done.stderr


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize(
    ("hang", "told"), [("/", "no Pact Broker answers at"), ("/c /m /p", "gave no answer within 0.5 s")]
)
def test_a_broker_that_hangs_is_left_after_the_time_limit(
    broker: Broker, checkout: Path, command: str, hang: str, told: str
) -> None:
    broker.hang = hang.split()
    done = run(checkout, *ASKING[command], "--time-limit", "0.5", url=broker.url)

    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize(
    ("status", "told"), [(401, "does not let us in (401): see PACT_BROKER_TOKEN"), (500, "broken")]
)
def test_a_broker_that_answers_nobody_is_told(
    broker: Broker, checkout: Path, command: str, status: int, told: str
) -> None:
    broker.refuse = {"*": status}
    done = run(checkout, *ASKING[command], url=broker.url)

    assert done.returncode == 2
    assert told in done.stderr
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("127.0.0.1:9292", "PACT_BROKER_BASE_URL is not an http or https URL", id="scheme"),
        pytest.param("http://h:abc", "PACT_BROKER_BASE_URL is not an http or https URL", id="port"),
        pytest.param("http://h/?token=secret", "PACT_BROKER_BASE_URL has a query or a fragment", id="query"),
        pytest.param("http://me:secret@h", "PACT_BROKER_BASE_URL has credentials, which would be printed", id="secret"),
    ],
)
def test_an_address_that_cannot_be_used_is_told(checkout: Path, url: str, told: str) -> None:
    done = run(checkout, "publish", url=url)

    assert done.returncode == 2
    assert told in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("token", ["tok-secret\n", "t\u00e5k-secret", "tok secret"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_told(broker: Broker, checkout: Path, token: str) -> None:
    done = run(checkout, "publish", url=broker.url, variables={"PACT_BROKER_TOKEN": token})

    assert (done.returncode, broker.asked) == (2, [])
    assert "PACT_BROKER_TOKEN is not one line of visible ASCII characters" in done.stderr
    assert "secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "variables",
    [{"HTTP_PROXY": "foo://x"}, {"SSL_CERT_FILE": "/nonexistent"}, {"ALL_PROXY": "socks5://127.0.0.1:1"}],
    ids=lambda each: next(iter(each)),
)
def test_an_odd_environment_is_told(broker: Broker, checkout: Path, variables: dict[str, str]) -> None:
    done = run(checkout, "can-i-deploy", "--to", "production", url=broker.url, variables=variables)

    assert done.returncode == 2
    assert "no Pact Broker answers at" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_child_does_not_outlive_the_command(broker: Broker, checkout: Path) -> None:
    broker.hang = ["/matrix"]
    environment = {**os.environ, "PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": TOKEN}
    with subprocess.Popen(  # noqa: S603  our own program
        [COMMAND, "can-i-deploy", "--to", "production"], cwd=checkout, env=environment, stderr=subprocess.DEVNULL
    ) as process:
        while not any(request.path == "/matrix" for request in broker.asked):
            assert process.poll() is None
            time.sleep(0.02)
        process.terminate()
        process.wait(10)
    version = git(checkout, "rev-parse", "HEAD")

    # The broker's own programs go with their launcher, not before it: the last of them may need a moment.
    patience = time.monotonic() + 10
    while subprocess.run(["pgrep", "-f", version], capture_output=True, check=False).stdout:  # noqa: S603, S607
        assert time.monotonic() < patience
        time.sleep(0.02)
    assert process.returncode == 2


def test_outside_of_a_checkout_the_version_has_to_be_given(broker: Broker, tmp_path: Path) -> None:
    done = run(tmp_path, "can-i-deploy", "--to", "production", url=broker.url)

    assert done.returncode == 2
    assert "git rev-parse: fatal: not a git repository" in done.stderr


def test_a_detached_commit_has_no_branch(broker: Broker, checkout: Path) -> None:
    git(checkout, "checkout", "--quiet", "--detach")
    done = run(checkout, "publish", url=broker.url)

    assert done.returncode == 2
    assert "no branch, and no variable of a CI names it: give --branch" in done.stderr
