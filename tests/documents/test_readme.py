"""The README does what it says."""

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import httpx

from tests.documents.blocks import ROOT, Place, assert_among, assert_printed, runs
from tests.support.mock_process import FREE_PORTS


def lines_of(block: str) -> list[str]:
    return [line.partition("#")[0].strip() for line in block.splitlines()]


@runs("README.md", "make mock")
def test_make_mock_starts_and_answers_and_ci_calls_make_test(blocks: list[str], desk: Place) -> None:
    mock, test = map(shlex.split, lines_of(blocks[0]))
    # `setup` is done: this runs in what it has installed.
    command = [*mock, "--old-file=setup", f"ARGS={shlex.join(FREE_PORTS)}"]
    with subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, env=desk.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        url = next(line.split()[1] for line in process.stdout if "result-aggregator-service" in line)
        status = httpx.get(f"{url}/healthz").status_code
        os.killpg(process.pid, signal.SIGTERM)  # make, pdm and the mock
        process.stdout.read()

    assert status == 200
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    measured = [step for step in steps if "--cov" in step]
    assert [step.endswith(f" {shlex.join(test)}") for step in measured] == [True]


@runs("README.md", "import asyncio", "HULEEDU_INTERNAL_API_KEY=", "30 January")
def test_the_first_call_prints_what_is_shown(blocks: list[str], beside_the_mock: Place) -> None:
    program, command, shown = blocks
    beside_the_mock.write("example.py", program)

    assert_printed(shown, beside_the_mock.run(command))


@runs("README.md", "import pytest", ".venv/bin/pytest")
def test_the_first_test_passes(blocks: list[str], desk: Place) -> None:
    test, command = blocks
    desk.write("test_first.py", test)

    assert "1 passed" in desk.run(command)


@runs("README.md", ".venv/bin/bff-contracts verify", "class-management-service at")
def test_the_first_verification_prints_what_is_shown(blocks: list[str], beside_the_mock: Place) -> None:
    command, shown = blocks

    assert_among(re.sub(r" +\d+ ms", "…", shown), beside_the_mock.run(command))


@runs("README.md", ".venv/bin/bff-contracts publish", "would publish to")
def test_the_first_publication_prints_what_is_shown(blocks: list[str], desk: Place) -> None:
    command, shown = blocks
    desk.run("git init -q -b main && git -c user.name=A -c user.email=a@b.test commit -q --allow-empty -m first")
    variables = {"GITHUB_HEAD_REF": "main", "PACT_BROKER_BASE_URL": ""}

    assert_among(shown, Place(desk.folder, urls={}, variables=variables).run(command))


def test_the_readme_is_short_and_has_a_working_example_by_line_20() -> None:
    lines = Path(ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    assert lines.index("```python") < 20
    assert len(lines) < 150
