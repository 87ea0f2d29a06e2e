"""Workflow files and the page for CI: linted, and each of their commands is run, with a double for the broker."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS
from tests.contracts.verification.test_applications import stateful_cms
from tests.documents.blocks import runs, runs_each
from tests.support.broker_double import TOKEN, Broker, broker_double
from tests.support.hypercorn_server import on_hypercorn

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILES = [*OURS, *sorted((ROOT / "docs" / "workflows").glob("*.yml"))]
PAGE = ROOT / "docs" / "ci.md"
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pdm"]["scripts"]
THEIRS = {"./ci/start-service-for-contract-tests"}
"""What stands in the workflow for provider teams in the place of something of their own."""


def workflow(file: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


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
    done = tool("zizmor", "--offline", "--no-progress", "--config", ".github/zizmor.yml", *FILES)

    assert done.returncode == 0, done.stdout


def test_the_compose_file_of_the_broker_keeps_to_its_schema() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "compose.broker.yaml")

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_to_a_release_and_jobs_may_do_no_more_than_they_need(file: Path) -> None:
    pinned = re.compile(r"actions/[a-z-]+@v\d+\.\d+\.\d+")

    assert workflow(file)["permissions"] == {}
    assert workflow(file)["defaults"] == {"run": {"shell": "bash"}}, "without it a failure in a pipe is overlooked"
    assert all("permissions" in job and "timeout-minutes" in job for job in workflow(file)["jobs"].values())
    assert all(pinned.fullmatch(step["uses"]) for step in steps(file) if "uses" in step)


def test_every_python_that_is_supported_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    supported = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))

    assert workflow(OURS[-1])["jobs"]["test"]["strategy"]["matrix"]["python"] == supported


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.stem)
def test_steps_that_need_a_broker_are_skipped_without_one(file: Path) -> None:
    for step in steps(file):
        if re.search(r"bff-contracts (publish|can-i-deploy|record-deployment)", step.get("run", "")):
            assert step["if"] == "vars.PACT_BROKER_BASE_URL != ''"
            assert {"PACT_BROKER_BASE_URL", "PACT_BROKER_TOKEN"} <= step["env"].keys()


def test_what_is_released_was_tested_and_nothing_is_told_to_the_broker_before() -> None:
    release = commands(ROOT / ".github" / "workflows" / "release.yml")
    order = ["make test-wheel", "pdm run release-notes", "bff-contracts publish", "can-i-deploy", "gh release create"]

    assert [next(at for at, command in enumerate(release) if step in command) for step in order] == [0, 1, 2, 3, 4]


# Their commands


@pytest.fixture(scope="module")
def provider() -> Generator[str]:
    with on_hypercorn(stateful_cms(200, [])) as url:
        yield url


@pytest.fixture
def broker() -> Generator[Broker]:
    with broker_double() as double:
        double.pacts = [(pact.document, False) for pact in shipped_pacts() if pact.provider == CMS]
        yield double


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean clone of this project, with its environment beside it, in which scripts of PDM are only told."""
    folder = tmp_path / "clone"
    git("clone", "--quiet", str(ROOT), str(folder))
    git("-C", str(folder), "update-ref", "refs/remotes/origin/main", "HEAD")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(BIN)
    return folder


def git(*words: str) -> None:
    subprocess.run(["git", *words], check=True, capture_output=True)  # noqa: S603, S607


def run(command: str, folder: Path, broker: Broker, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_", "MAKE"))},
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PACT_BROKER_BASE_URL": broker.url,
        "PACT_BROKER_TOKEN": TOKEN,
        "GITHUB_REF_NAME": "main",
        "GITHUB_STEP_SUMMARY": str(folder.parent / "summary.md"),
        **variables,
    }
    return subprocess.run(  # noqa: S602  as a workflow runs it
        command,
        shell=True,
        executable="/bin/bash",
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", sorted({each for file in FILES for each in commands(file)} - THEIRS))
def test_each_command_of_a_workflow_works(command: str, checkout: Path, broker: Broker, provider: str) -> None:
    variables = {"BASE": "HEAD", "PROVIDER": "cms", "BRANCH": "main", "NUMBER": "7"}
    words = shlex.split(command)
    if words[0] == "sudo":
        words = words[2:]
    if words[0] == "make":  # the lanes themselves: what they would run, not all of it once more
        done = run(shlex.join([*words, "--dry-run"]), checkout, broker)
    elif words[:2] == [".tools/bin/pdm", "run"]:
        assert words[2] in SCRIPTS
        return
    elif words[0] == "gh":
        assert words[1:3] in (["pr", "comment"], ["release", "create"])
        return
    else:
        done = run(
            command.replace("http://127.0.0.1:5002/_pact/provider_states", f"{provider}/states").replace(
                "http://127.0.0.1:5002", provider
            ),
            checkout,
            broker,
            **variables,
        )

    assert done.returncode == 0, done.stdout + done.stderr


@runs_each(
    "docs/ci.md",
    "bff-contracts publish --dry-run",
    "bff-contracts publish\n",
    "bff-contracts can-i-deploy",
    "bff-contracts record-deployment",
    "bff-contracts verify",
    "bff-contracts diff",
)
def test_each_command_of_the_page_works(blocks: list[str], checkout: Path, broker: Broker, provider: str) -> None:
    command = blocks[0].replace("http://127.0.0.1:5002/_pact/provider_states", f"{provider}/states")
    done = run(command.replace("http://127.0.0.1:5002", provider), checkout, broker)

    assert done.returncode == 0, done.stdout + done.stderr


@runs("docs/ci.md", "pact broker create-webhook")
def test_the_webhook_of_the_page_calls_the_workflow(blocks: list[str], checkout: Path, broker: Broker) -> None:
    done = run(blocks[0], checkout, broker)
    (sent,) = broker.bodies("/webhooks")
    payload = sent["request"]["body"]
    triggers = workflow(FILES[-1])[True]  # YAML 1.1 reads `on` as true

    assert done.returncode == 0, done.stdout + done.stderr
    assert [event["name"] for event in sent["events"]] == ["contract_requiring_verification_published"]
    assert payload["event_type"] in triggers["repository_dispatch"]["types"]
    text = FILES[-1].read_text(encoding="utf-8")
    assert all(f"github.event.client_payload.{name}" in text for name in payload["client_payload"])


def test_every_command_has_its_exit_codes_on_the_page() -> None:
    done = tool("bff-contracts", "--help")
    names = re.findall(r"^    ([a-z-]+)(?: |$)", done.stdout, re.MULTILINE)
    section = PAGE.read_text(encoding="utf-8").partition("## Exit codes")[2]

    assert len(names) == 9, names
    assert [name for name in names if f"`{name}`" not in section] == []
