"""The command in front of real providers: its errors at start, and its exit codes."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from bff_mock_server.cli import main
from bff_mock_server.serving.server import bind
from tests.mock_server.proxy.proxying import HEADERS, served
from tests.support.golden import Golden
from tests.support.mock_process import running_mock
from tests.support.quart_providers import KEY, PAGE, Mistake, Providers, first

AGAIN = pytest.mark.slow("starts the mock once more, in front of other providers")


def exit_code_of(*arguments: str) -> int:
    """The exit code of the command, run in this process."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.mark.parametrize(
    ("arguments", "mistake", "code"),
    [
        pytest.param(["--fail-on-violation"], True, 1, id="violated"),
        pytest.param(["--fail-on-violation"], False, 0, id="kept", marks=AGAIN),
        pytest.param([], True, 0, id="only-said", marks=AGAIN),
    ],
)
def test_the_exit_code_says_whether_the_contract_was_kept(
    arguments: list[str],
    mistake: bool,  # noqa: FBT001
    code: int,
) -> None:
    providers = Providers(mistake=Mistake(body=first("essay_count", "3")) if mistake else Mistake())
    with served(providers) as (ras, _), running_mock("--ras", f"proxy={ras}", *arguments) as mock:
        httpx.get(f"{mock.ras}{PAGE}", headers=HEADERS)
        mock.process.send_signal(signal.SIGINT)
        rest, _ = mock.process.communicate(timeout=20)

    assert mock.process.returncode == code
    assert ("contract violations by real services: 1;" in rest) is mistake
    assert f"passes requests on to {ras}" in mock.banner
    assert KEY not in rest


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--ras", "http://x"], id="no-proxy"),
        pytest.param(["--ras", "proxy=ftp://x"], id="no-http"),
        pytest.param(["--ras", "proxy=http://x", "--only", "cms"], id="left-out"),
        pytest.param(["--ras", "proxy=http://x", "--record", "x.txt"], id="no-yaml"),
        pytest.param(["--record", "x.yaml"], id="record-of-nothing"),
        pytest.param(["--fail-on-violation"], id="nothing-to-violate"),
        pytest.param(["--ras", "proxy=http://x", "--record", "/no/such/x.yaml"], id="file"),
    ],
)
def test_a_proxy_that_cannot_start_exits_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    assert exit_code_of(*arguments) == 2
    golden.check(capsys.readouterr().err)


def test_a_proxy_to_itself_is_refused_and_nothing_recorded_before_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    kept = tmp_path / "kept.yaml"
    kept.write_text("about: precious", encoding="utf-8")
    with bind("127.0.0.1", 0) as free:
        port = str(free.getsockname()[1])
    ports = ["--ras-port", port, "--cms-port", "0", "--no-control"]

    assert exit_code_of(*ports, "--ras", f"proxy=http://localhost:{port}", "--record", str(kept)) == 2
    golden.check(capsys.readouterr().err.replace(port, "PORT"))
    assert kept.read_text(encoding="utf-8") == "about: precious"


def test_without_the_engine_it_says_which_extra_to_install() -> None:
    program = (
        "import sys; sys.modules['pact_ffi'] = None; from bff_mock_server.cli import main;"
        "sys.exit(main(['--ras', 'proxy=http://127.0.0.1:1']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603

    assert done.returncode == 2
    assert re.search(r"pact_ffi is missing: install huleedu-bff-clients\[mock,contracts\] from", done.stderr)
