"""Workflow files and the page for CI: linted, and each of their commands is run, with a double for the broker."""

import re
import subprocess
import tomllib
from collections.abc import Generator, Iterator, Mapping
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS, DISTRIBUTION, RAS
from tests.contracts.broker.test_deployment import published, verified
from tests.documents.blocks import runs, runs_each
from tests.support.broker_double import BASIC, Broker, broker_double
from tests.support.exemplary import Exemplary
from tests.support.hypercorn_server import on_hypercorn
from tests.workflows.github import BIN, ROOT, Checkout, cloned, git, workflow

pytestmark = pytest.mark.slow("runs the steps of each job in a checkout")

OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILES = [*OURS, *sorted((ROOT / "docs" / "workflows").glob("*.yml"))]
CONTRACTS, DEPENDENCIES, RELEASE, TESTS = OURS
PAGE = ROOT / "docs" / "ci.md"
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pdm"]["scripts"]
THEIRS = "./ci/start-service-for-contract-tests"
"""Placeholders in the workflow for provider teams."""
RUNS = "runs commands in processes of their own"
CREDENTIALS = {"PACT_BROKER_TOKEN", "PACT_BROKER_USERNAME", "PACT_BROKER_PASSWORD"}


def steps(file: Path) -> Iterator[dict[str, Any]]:
    for job in workflow(file)["jobs"].values():
        yield from job["steps"]


def commands(file: Path) -> list[str]:
    return [step["run"] for step in steps(file) if "run" in step]


def tool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / words[0], *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603


# The files


def test_the_workflows_keep_to_their_schema() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *FILES)

    assert done.returncode == 0, done.stdout


def test_the_workflows_are_safe() -> None:
    done = tool("zizmor", "--offline", "--no-progress", "--persona", "pedantic", ".github", *FILES)

    assert done.returncode == 0, done.stdout


def test_the_compose_file_of_the_broker_keeps_to_its_schema() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "compose.broker.yaml")

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_to_a_commit_and_jobs_may_do_no_more_than_they_need(file: Path) -> None:
    pinned = re.compile(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
    used = [line.strip(" -") for line in file.read_text(encoding="utf-8").splitlines() if "uses:" in line]

    assert workflow(file)["permissions"] == {}
    assert workflow(file)["defaults"] == {"run": {"shell": "bash"}}, "without it a failure in a pipe is overlooked"
    assert all("permissions" in job and "timeout-minutes" in job for job in workflow(file)["jobs"].values())
    assert [line for line in used if pinned.fullmatch(line) is None] == []


def test_every_python_that_is_supported_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    supported = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))

    job = workflow(TESTS)["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == [*supported, "3.14"]
    assert job["continue-on-error"] == "${{ matrix.python == '3.14' }}", "not supported yet"


def test_main_is_published_after_its_tests_and_never_cancelled() -> None:
    jobs = workflow(CONTRACTS)["jobs"]

    assert jobs["publish"]["needs"] == "test"
    assert "make test" in [step.get("run") for step in jobs["test"]["steps"]]
    for file in OURS:
        assert workflow(file)["concurrency"].get("cancel-in-progress", False) is not True, file.name


def test_pdm_is_installed_by_hash() -> None:
    text = (ROOT / "requirements" / "pdm.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    packages = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert "pdm" in [line.partition("==")[0] for line in packages]
    assert [line for line in packages if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:", line)] == []
    assert "--require-hashes -r $<" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.stem)
def test_steps_that_need_a_broker_are_skipped_without_one(file: Path) -> None:
    for step in steps(file):
        if re.search(r"bff-contracts (publish|can-i-deploy|record-deployment)", step.get("run", "")):
            assert step["if"] == "vars.PACT_BROKER_BASE_URL != ''"
            assert {"PACT_BROKER_BASE_URL", *CREDENTIALS} <= step["env"].keys()


def test_a_release_is_tested_before_anything_is_sent_to_the_broker() -> None:
    release = commands(RELEASE)
    order = ["make test-wheel", "pdm run release-notes", "bff-contracts publish", "can-i-deploy", "gh release create"]

    assert [next(at for at, command in enumerate(release) if step in command) for step in order] == [0, 1, 2, 3, 4]


# Their steps, in one checkout


@pytest.fixture(scope="module")
def provider() -> Generator[str]:
    (document,) = (pact.document for pact in shipped_pacts() if pact.provider == CMS)
    with on_hypercorn(Exemplary(document, key="the-key-of-our-tests")) as url:
        yield url


@pytest.fixture
def broker() -> Generator[Broker]:
    with broker_double() as double:
        yield double


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return cloned(tmp_path / "clone")


def contexts(broker: Broker | None, folder: Path, **github: Any) -> dict[str, Any]:
    """What GitHub knows of a job on main, in a repository with a broker or without; the token is not set."""
    sha = git("-C", folder, "rev-parse", "HEAD")
    known = {
        "event_name": "push",
        "head_ref": "",
        "ref_name": "main",
        "ref_type": "branch",
        "sha": sha,
        "server_url": "https://github.test",
        "repository": "a/b",
        "run_id": "7",
    }
    if broker is None:
        return {"github": {**known, **github}}
    return {
        "github": {**known, **github},
        "vars": {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_USERNAME": BASIC["PACT_BROKER_USERNAME"]},
        "secrets": {"PACT_BROKER_PASSWORD": BASIC["PACT_BROKER_PASSWORD"]},
    }


def kept_in_production(broker: Broker) -> None:
    """Have earlier contracts of the same content verified by what is in production."""
    published(broker, CMS, RAS, version="bff-0")
    verified(broker, {CMS: True, RAS: True})


def test_a_push_to_main_publishes(broker: Broker, folder: Path) -> None:
    checkout = Checkout(folder, contexts(broker, folder))
    checkout.run_job(CONTRACTS, "publish")

    assert checkout.last == 0, checkout.said
    assert [each.version.branches for each in broker.state.published] == [["main"], ["main"]]
    (sent,) = broker.sent("POST", "/contracts/publish")
    assert sent["buildUrl"] == "https://github.test/a/b/actions/runs/7"


def test_a_pull_request_gets_a_comment_with_the_contract_changes(folder: Path) -> None:
    git("-C", folder, "commit", "--quiet", "--allow-empty", "-m", "a change")
    pull_request = {"number": "7", "head": {"repo": {"full_name": "a/b"}}}
    event = {"event_name": "pull_request", "event": {"pull_request": pull_request}}
    checkout = Checkout(folder, contexts(None, folder, **event))
    ran = checkout.run_job(CONTRACTS, "diff")

    assert checkout.last == 0, checkout.said
    assert "gh pr comment 7" in checkout.said
    assert len(ran) == 3


def released(folder: Path) -> None:
    """Tag a commit whose changelog has a section for it."""
    file = folder / "CHANGELOG.md"
    heading = "## [Unreleased]\n"
    text = file.read_text(encoding="utf-8").replace(heading, f"{heading}\n## [1.2.3] - 2026-11-24\n", 1)
    file.write_text(text, encoding="utf-8")
    git("-C", folder, "commit", "--quiet", "-am", "Release 1.2.3")


@pytest.mark.slow(RUNS)
def test_a_tag_publishes_asks_and_is_released(broker: Broker, folder: Path) -> None:
    released(folder)
    kept_in_production(broker)
    checkout = Checkout(folder, contexts(broker, folder, ref_name="v1.2.3", ref_type="tag"))
    checkout.run_job(RELEASE, "release")
    checkout.run_job(RELEASE, "attach")

    assert checkout.last == 0, checkout.said
    assert "yes: bff-teacher-service" in checkout.said
    assert "gh release create v1.2.3 --verify-tag --notes-file build/release-notes.md dist/" in checkout.said
    sent = broker.state.published[2:]
    assert [(each.version.number, each.version.branches) for each in sent] == [("1.2.3", ["v1.2.3"])] * 2


@pytest.mark.slow(RUNS)
def test_a_tag_that_a_provider_does_not_keep_is_not_released(broker: Broker, folder: Path) -> None:
    released(folder)
    published(broker, CMS, RAS, version="bff-0")
    verified(broker, {CMS: True, RAS: False})
    checkout = Checkout(folder, contexts(broker, folder, ref_name="v1.2.3", ref_type="tag"))
    ran = checkout.run_job(RELEASE, "release")

    assert checkout.last == 1, checkout.said
    assert "can-i-deploy" in ran[-1]


@pytest.mark.parametrize(("file", "job"), [(CONTRACTS, "publish"), (RELEASE, "release")], ids=["contracts", "release"])
def test_without_a_broker_nothing_is_asked(file: Path, job: str, folder: Path) -> None:
    released(folder)
    checkout = Checkout(folder, contexts(None, folder, ref_name="v1.2.3", ref_type="tag"))
    ran = checkout.run_job(file, job)

    assert checkout.last == 0, checkout.said
    assert not any("bff-contracts" in command for command in ran)


@pytest.mark.parametrize(("file", "job"), [(TESTS, job) for job in workflow(TESTS)["jobs"]] + [(DEPENDENCIES, "test")])
def test_each_lane_of_the_tests_is_one(file: Path, job: str, folder: Path) -> None:
    checkout = Checkout(folder, contexts(None, folder))
    for command in checkout.run_job(file, job):
        words = command.split()
        assert words[0] in {"make", "sudo"} or words[2] in SCRIPTS

    assert checkout.last == 0, checkout.said


# The provider teams' workflow


def team(broker: Broker, folder: Path, provider: str, **github: Any) -> Checkout:
    addresses = {
        THEIRS: "true",
        "http://127.0.0.1:5002/_pact/provider_states": f"{provider}/states",
        "http://127.0.0.1:5002": provider,
    }
    return Checkout(folder, contexts(broker, folder, **github), addresses)


@pytest.mark.parametrize(
    ("github", "branch", "asks"),
    [
        pytest.param({}, "main", True, id="push", marks=pytest.mark.slow(RUNS)),
        pytest.param(
            {"event_name": "pull_request", "head_ref": "fix", "ref_name": "7/merge"}, "fix", False, id="pull-request"
        ),
    ],
)
def test_a_change_of_a_provider_is_verified(
    broker: Broker,
    folder: Path,
    provider: str,
    github: Mapping[str, str],
    branch: str,
    asks: bool,  # noqa: FBT001  # a row of the table
) -> None:
    published(broker, CMS, RAS)
    checkout = team(broker, folder, provider, **github)
    ran = checkout.run_job(FILES[-1], "verify")
    (result,) = broker.state.results

    assert checkout.last == 0, checkout.said
    assert (result.success, result.version.branches) == (True, [branch])
    assert ("can-i-deploy" in ran[-1]) is asks


def test_no_verification_that_the_broker_requests_replaces_another() -> None:
    """The broker sends one URL for several versions of the provider."""
    group = workflow(FILES[-1])["concurrency"]["group"]
    payloads = [{"url": url, "sha": sha} for url in ("https://a/1", "https://a/2") for sha in ("main", "deployed")]
    groups = {Checkout(ROOT, {"github": {"event": {"client_payload": each}}}).evaluated(group) for each in payloads}

    assert len(groups) == len(payloads)


def test_what_a_provider_verifies_is_the_commit_that_it_publishes() -> None:
    found = list(steps(FILES[-1]))

    assert found[0]["with"]["ref"] == next(step["env"]["VERSION"] for step in found if step.get("name") == "verify")


@pytest.mark.slow(RUNS)
@runs("docs/ci.md", "pact broker create-webhook")
def test_the_webhook_of_the_page_has_its_contract_verified(
    blocks: list[str], broker: Broker, folder: Path, provider: str
) -> None:
    """Another version is the newest by the time that the workflow runs."""
    published(broker, CMS, RAS, version="bff-1")
    verified(broker, {CMS: True}, deployed=False)
    broker.state.results.clear()
    made = Checkout(folder, contexts(broker, folder)).run(blocks[0], {"PACT_BROKER_BASE_URL": broker.url, **BASIC})
    (webhook,) = broker.state.webhooks
    published(broker, CMS, RAS, version="bff-2")
    (fired,) = broker.state.triggered
    payload = {name: fired.filled(value) for name, value in webhook["request"]["body"]["client_payload"].items()}
    content = broker.state.published[0].content
    published(broker, RAS, version="bff-3")
    checkout = team(broker, folder, provider, event_name="repository_dispatch", event={"client_payload": payload})
    checkout.run_job(FILES[-1], "verify")

    assert made.returncode == 0, made.stdout + made.stderr
    assert webhook["consumer"]["name"] == "bff-teacher-service"
    assert [event["name"] for event in webhook["events"]] == ["contract_requiring_verification_published"]
    assert webhook["request"]["body"]["event_type"] in workflow(FILES[-1])[True]["repository_dispatch"]["types"]
    assert checkout.last == 0, checkout.said
    assert [(each.content, each.version.number) for each in broker.state.results] == [(content, f"{CMS}-1")]
    text = FILES[-1].read_text(encoding="utf-8")
    assert all(f"github.event.client_payload.{name}" in text for name in payload)


@pytest.mark.slow(RUNS)
@runs_each(
    "docs/ci.md",
    "bff-contracts publish --dry-run",
    "bff-contracts publish\n",
    "bff-contracts can-i-deploy",
    "version=",
    "bff-contracts verify",
    "bff-contracts diff",
    "pact broker create-environment",
)
def test_each_command_of_the_page_works(blocks: list[str], folder: Path, broker: Broker, provider: str) -> None:
    kept_in_production(broker)
    for version in (git("-C", folder, "rev-parse", "HEAD"), version_of(DISTRIBUTION)):
        published(broker, CMS, RAS, version=version)
    checkout = team(broker, folder, provider)
    variables = {"PACT_BROKER_BASE_URL": broker.url, "HULEEDU_INTERNAL_API_KEY": "the-key-of-our-tests", **BASIC}
    done = checkout.run(blocks[0], variables)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_has_its_exit_codes_on_the_page() -> None:
    done = tool("bff-contracts", "--help")
    names = re.findall(r"^    ([a-z-]+)(?: |$)", done.stdout, re.MULTILINE)
    section = PAGE.read_text(encoding="utf-8").partition("## Exit codes")[2]

    assert len(names) == 9, names
    assert [name for name in names if f"`{name}`" not in section] == []
