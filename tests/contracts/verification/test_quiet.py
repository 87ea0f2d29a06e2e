"""What the engine prints is not printed, and what the provider and the test print is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bff_contracts.platform import CMS
from bff_contracts.verification import NotVerified, verify_provider
from bff_contracts.verification.quiet import quiet_engine
from tests.providers.small import SmallCms

pytestmark = pytest.mark.slow("runs the official verifier many times")

ROOT = Path(__file__).parents[3]


def test_the_log_of_the_engine_is_not_printed(cms: SmallCms, capfd: pytest.CaptureFixture[str]) -> None:
    cms.before = lambda: print("asked")  # noqa: T201  # what a provider may do
    verify_provider(cms, provider=CMS, states=cms.states)

    assert set(capfd.readouterr().out.split()) == {"asked"}


def test_a_state_that_fails_is_reported_and_not_printed(cms: SmallCms, capfd: pytest.CaptureFixture[str]) -> None:
    def fails(_: object) -> None:
        message = "no such table"
        raise RuntimeError(message)

    with pytest.raises(NotVerified, match="no such table"):
        verify_provider(cms, provider=CMS, states=dict.fromkeys(cms.states, fails))

    assert capfd.readouterr() == ("", "")


def test_a_teardown_that_fails_is_reported_and_not_printed(cms: SmallCms, capfd: pytest.CaptureFixture[str]) -> None:
    def fails_later(_: object) -> Iterator[None]:
        yield
        message = "no such table"
        raise RuntimeError(message)

    with pytest.raises(NotVerified, match="no such table"):
        verify_provider(cms, provider=CMS, states=dict.fromkeys(cms.states, fails_later))

    assert capfd.readouterr() == ("", "")


def test_a_programs_own_output_is_not_silenced() -> None:
    program = (
        "from tests.providers.small import SmallCms; from bff_contracts.verification import verify_provider\n"
        "cms = SmallCms(); cms.before = lambda: print('asked'); print('before')\n"
        "verify_provider(cms, provider='cms', states=cms.states); print('after')"
    )
    done = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert list(dict.fromkeys(done.stdout.split())) == ["before", "asked", "after"], done.stderr


def test_standard_output_is_restored_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_engine():
        os.write(1, b"engine\n")
        with quiet_engine():
            os.write(1, b"engine again\n")
        os.write(1, b"engine still\n")
    os.write(1, b"ours\n")

    assert capfd.readouterr().out == "ours\n"


def test_the_output_stays_quiet_until_the_last_of_two_overlapping_runs(capfd: pytest.CaptureFixture[str]) -> None:
    first, second = quiet_engine(), quiet_engine()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    os.write(1, b"engine\n")
    second.__exit__(None, None, None)
    os.write(1, b"ours\n")

    assert capfd.readouterr().out == "ours\n"


def test_a_process_without_standard_output_can_verify() -> None:
    program = "from bff_contracts.verification.quiet import quiet_engine\nwith quiet_engine(): print('x')"
    done = subprocess.run(  # noqa: S602  the shell closes a descriptor
        f'exec "{sys.executable}" -c "{program}" >&-', shell=True, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
