"""The wheel has its types: correct use passes a type checker, wrong use fails."""

import subprocess
import sys

import pytest

from tests.wheel.environment import Environment

PROGRAM = """\
from typing import assert_type

from bff_clients import BackendSettings, BatchId, BatchPage, ClassInfo, CMSClient, RASClient, create_http_client
from bff_contracts.pact.file import Pact, shipped_pacts
from bff_mock_server.testing import Backends, a_batch


async def main(settings: BackendSettings, user_id: str) -> None:
    async with create_http_client(settings) as http:
        page = await RASClient(http, settings).get_batches_for_user(user_id, limit=2)
        classes = await CMSClient(http, settings).get_batch_class_info(batch.batch_id for batch in page.batches)
    assert_type(page, BatchPage)
    assert_type(classes, dict[BatchId, ClassInfo | None])


def test_ours(backends: Backends) -> None:
    assert_type(list(shipped_pacts()), list[Pact])
    backends.given("batch does not exist", batch_id=a_batch()["batch_id"])
"""


def mypy(environment: Environment, name: str, text: str) -> subprocess.CompletedProcess[str]:
    """The project's mypy, away from the project, on what is installed there."""
    words = ["--strict", "--config-file=", "--python-executable", str(environment.program("python"))]
    return subprocess.run(  # noqa: S603  our own mypy
        [sys.executable, "-P", "-m", "mypy", *words, environment.file(name, text)],
        cwd=environment.work,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_program_that_uses_the_packages_rightly_passes(bare: Environment) -> None:
    done = mypy(bare, "right.py", PROGRAM)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("limit=2", "limit='2'", id="clients"),
        pytest.param("list[Pact]", "list[str]", id="contracts"),
        pytest.param('backends.given("', 'backends.give("', id="mock"),
    ],
)
def test_a_program_with_a_type_error_fails(bare: Environment, right: str, wrong: str) -> None:
    done = mypy(bare, "wrong.py", PROGRAM.replace(right, wrong))

    assert "Found 1 error in 1 file" in done.stdout, done.stdout
