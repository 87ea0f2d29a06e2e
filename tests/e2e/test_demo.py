"""`make demo`: everything in one terminal, from the first line to a clean end."""

import os
import shlex
import signal
import socket

import httpx
import pytest

from bff_mock_server import find_scenario
from examples.bff.demo import main
from tests.support.demo_process import FREE_PORTS, RunningDemo, running_demo
from tests.support.golden import Golden

pytestmark = pytest.mark.slow("starts the demo")

STARTS = "starts two mocks, a BFF and a control page"


def exit_code_of(*arguments: str) -> int:
    """What the demo ends with that cannot start, in this process."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        return main([*FREE_PORTS, *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        signal.signal(signal.SIGTERM, handler)


def ask(demo: RunningDemo) -> httpx.Response:
    """Send the request of the printed curl line."""
    words = shlex.split(demo.banner.splitlines()[-1])
    name, value = words[words.index("-H") + 1].split(": ")
    return httpx.get(words[-1], headers={name: value}, timeout=15)


def test_once_it_prints_its_urls_all_of_them_answer() -> None:
    with running_demo() as demo:
        board = ask(demo).json()
        pages = [httpx.get(url).status_code for url in (demo.dashboard, demo.control, f"{demo.bff}/readyz")]

    assert (board["total"], len(board["batches"])) == (250, 3)
    assert board["batches"][0]["class_name"] == "Svenska 1 – SA24B"
    assert pages == [200, 200, 200]
    assert len(demo.mocks) == 2
    assert "(Karin Öberg)" in demo.banner


@pytest.mark.slow(STARTS)
def test_the_scenario_is_passed_on_and_the_page_follows_when_it_is_switched() -> None:
    with running_demo("--scenario", "exam-week") as demo:
        before = httpx.get(f"{demo.bff}/page.json").json()["teachers"]
        httpx.put(f"{demo.control}/_mock/scenario", json={"scenario": "empty-school"}).raise_for_status()
        after = httpx.get(f"{demo.bff}/page.json").json()["teachers"]

    assert [len(before), len(after)] == [len(find_scenario(name).teachers) for name in ("exam-week", "empty-school")]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow(STARTS))])
def test_a_signal_ends_it_and_nothing_is_left(number: signal.Signals) -> None:
    with running_demo() as demo, httpx.Client() as client:
        client.get(demo.dashboard)  # a connection that stays open
        demo.process.send_signal(number)
        said, _ = demo.process.communicate(timeout=20)

        assert (demo.process.returncode, said) == (0, "")
        for url in (demo.bff, demo.control, *demo.mocks):
            with pytest.raises(httpx.ConnectError):
                httpx.get(url)
        with pytest.raises(ProcessLookupError):
            os.killpg(demo.process.pid, 0)


@pytest.mark.slow(STARTS)
def test_the_demo_ends_while_a_call_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_TEACHER_SERVICE_HTTP_CLIENT_TIMEOUT_SECONDS", "300")
    with running_demo() as demo:
        demo.arm("ras", "latency=60s")
        with socket.create_connection(("127.0.0.1", int(demo.bff.rpartition(":")[2]))) as caller:
            caller.sendall(b"GET /bff/v1/teacher/dashboard HTTP/1.1\r\nHost: bff\r\nX-User-ID: teacher\r\n\r\n")
            while not httpx.get(f"{demo.control}/_mock/").json()["requests"]:
                pass
            demo.process.send_signal(signal.SIGINT)
            demo.process.communicate(timeout=20)

        assert demo.process.returncode == 0


@pytest.mark.parametrize("option", ["--port", "--ras-port", "--cms-port", "--control-port"])
def test_a_port_in_use_is_named(option: str, capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = exit_code_of(option, str(port))
    said = capsys.readouterr().err

    assert code == 2
    golden.check(said)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--scenario", "exam-weak"], id="scenario"),
        pytest.param(["--port", "65536"], id="port"),
        pytest.param(["--live", "0"], id="speed"),
    ],
)
def test_what_cannot_be_used_is_named(arguments: list[str], capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    code = exit_code_of(*arguments)
    printed = capsys.readouterr()

    assert (code, printed.out) == (2, "")
    golden.check(printed.err)
