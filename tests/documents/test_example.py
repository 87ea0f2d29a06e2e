"""The README of the sample BFF: its commands start what it says."""

import os
import re
import shlex
import signal
import subprocess

import httpx
import pytest

from tests.documents.blocks import ROOT, Place, runs
from tests.support.demo_process import running_demo

PAGE = "examples/bff/README.md"

pytestmark = pytest.mark.slow("starts the sample BFF")


@runs(PAGE, "make demo")
def test_the_demo_starts_with_the_options_of_the_page(blocks: list[str]) -> None:
    for line in blocks[0].splitlines():
        command, target, *variables = shlex.split(line, comments=True)
        with running_demo(*shlex.split("".join(variables).removeprefix("ARGS="))) as demo:
            status = httpx.get(demo.dashboard).status_code

        assert (command, target, status) == ("make", "demo", 200)


@runs(PAGE, "HULEEDU_INTERNAL_API_KEY=")
def test_the_bff_starts_without_the_demo(blocks: list[str], desk: Place) -> None:
    command = re.sub(r"--port \d+", "--port 0", blocks[0])
    process = subprocess.Popen(  # noqa: S603  as a reader runs it
        ["/bin/bash", "-c", command],
        cwd=desk.folder,
        env={**desk.environment, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        url = next(found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        status = httpx.get(f"{url}/healthz").status_code
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)

    assert status == 200
