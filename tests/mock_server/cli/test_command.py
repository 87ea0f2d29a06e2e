"""The command as its users start it: real processes, real sockets."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from bff_contracts.platform import KEY_VARIABLE
from bff_mock_server import PactError, cli, find_scenario
from bff_mock_server.cli import assembly
from tests.mock_server.building import KEY
from tests.support.golden import Golden

COMMAND = [sys.executable, "-m", "bff_mock_server"]
FREE_PORTS = ["--ras-port", "0", "--cms-port", "0", "--control-port", "0"]
AGAIN = pytest.mark.slow("starts the mock once more, with other options")
URL = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def running(*arguments: str, key: str | None = None) -> Generator[tuple[subprocess.Popen[str], str]]:
    """The process and its banner, up to the line to paste."""
    environment = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}
    if key is not None:
        environment[KEY_VARIABLE] = key
    with subprocess.Popen(  # noqa: S603  our own program
        [*COMMAND, *FREE_PORTS, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("curl "):
                break
        try:
            yield process, "".join(lines)
        finally:
            if process.poll() is None:
                process.kill()


def paste(banner: str) -> httpx.Response:
    """Send the request of the banner's curl line, which is what a shell would make of it."""
    words = shlex.split(banner.strip().splitlines()[-1])
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    return httpx.get(words[-1], headers=headers)


@pytest.fixture(scope="module")
def banner() -> Generator[str]:
    """Of a mock without options."""
    with running() as (_, text):
        yield text


def test_the_banner_has_urls_key_and_teachers(banner: str, golden: Golden) -> None:
    assert len(set(URL.findall(banner))) == 3
    assert KEY in banner
    assert [teacher.name for teacher in find_scenario("default").teachers if teacher.name not in banner] == []
    golden.check(banner)


def test_the_pasted_line_works(banner: str) -> None:
    answer = paste(banner)

    assert (answer.status_code, answer.json()["pagination"]) == (200, {"limit": 20, "offset": 0, "total": 250})


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_a_shell_runs_the_curl_line_of_the_banner(banner: str) -> None:
    line = banner.strip().splitlines()[-1]
    done = subprocess.run(["sh", "-c", f"{line} -s"], capture_output=True, text=True, check=False)  # noqa: S603, S607

    assert '"total":250' in done.stdout


@pytest.mark.parametrize(
    ("only", "path"),
    [
        pytest.param("ras", "/internal/v1/batches/user/", id="ras"),
        pytest.param("cms", "/internal/v1/batches/class-info", id="cms", marks=AGAIN),
    ],
)
def test_one_backend_alone_shows_a_line_for_it(only: str, path: str) -> None:
    with running("--only", only) as (_, banner):
        answer = paste(banner)

        assert (answer.status_code, len(set(URL.findall(banner)))) == (200, 2)
        assert path in banner


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=AGAIN)])
def test_a_signal_stops_it_cleanly_also_with_a_connection_open(number: signal.Signals) -> None:
    with running() as (process, banner), httpx.Client() as client:
        client.get(f"{URL.findall(banner)[0]}/healthz")
        process.send_signal(number)

        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_the_real_key_is_accepted_and_never_printed() -> None:
    with running("--api-key", "from-the-option", "-v", key="from-the-variable") as (process, banner):
        url = f"{URL.findall(banner)[1]}/internal/v1/batches/class-info"
        statuses = [
            httpx.get(url, headers={"X-Internal-API-Key": key, "X-Service-ID": "x"}).status_code
            for key in ("from-the-option", "from-the-variable", KEY, "wrong")
        ]
        process.send_signal(signal.SIGINT)
        rest, log = process.communicate(timeout=20)

    assert statuses == [400, 400, 400, 401]  # 400: the key is right, the query is missing
    assert "class-info" in log
    assert "from-the" not in banner + rest + log


def test_quiet_prints_the_addresses_only() -> None:
    command = [*COMMAND, *FREE_PORTS, "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()

    assert [bool(URL.fullmatch(line)) for line in lines] == [True, True]
    assert (rest, process.returncode) == ("", 0)


def test_a_port_in_use_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        assert cli.main(["--ras-port", "0", "--cms-port", port]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    golden.check(printed.err)


@AGAIN
def test_a_scenario_file_is_what_teachers_there_are(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("teachers: [{name: Åsa Ek, batches: 3, purpose: to try}]", encoding="utf-8")
    with running("--scenario", str(path)) as (_, banner):
        answer = paste(banner)

    assert "Åsa Ek    3 batches  to try" in banner
    assert answer.json()["pagination"]["total"] == 3


@AGAIN
def test_a_lenient_mock_answers_anyway() -> None:
    with running("--lenient") as (_, banner):
        line = banner.strip().splitlines()[-1]
        answer = paste(line.replace("limit=20", "limit=0"))

    assert (answer.status_code, answer.json()["batches"]) == (200, [])
    assert "query limit" in answer.headers["x-mock-differences"]


def test_the_control_api_is_where_the_banner_says(banner: str) -> None:
    found = re.search(r"control page +(http://127\.0\.0\.1:\d+)/ ", banner)
    assert found

    assert "<title>Mock</title>" in httpx.get(found[1]).text
    assert httpx.get(f"{found[1]}/_mock/").json()["scenario"] == "default"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--scenario", "defualt"], id="scenario"),
        pytest.param(["--host", "no.such.host.invalid", "--allow-remote"], id="host"),
    ],
)
def test_a_mock_that_cannot_start_exits_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    assert cli.main(arguments) == 2
    golden.check(capsys.readouterr().err)


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "1e9", "nan"])
def test_an_invalid_speed_is_rejected(speed: str, capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--live", speed])

    assert ended.value.code == 2
    golden.check(capsys.readouterr().err)


def test_a_broken_pattern_is_a_usage_error(capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--provider-state", "("])

    assert ended.value.code == 2
    golden.check(capsys.readouterr().err)


def test_the_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])

    assert ended.value.code == 0
    assert "bff-mock-server --only cms" in capsys.readouterr().out


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])

    assert capsys.readouterr().out.strip() == f"bff-mock-server {version('huleedu-bff-clients')}"


def test_an_empty_key_is_refused(capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--api-key", " "])

    golden.check(capsys.readouterr().err)


def test_a_fault_of_a_scenario_on_no_endpoint_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(
        "teachers: [{name: A}]\nfaults:\n- {on: cms, fault: latency=1ms}\n- {on: ras GET /healtz, fault: reset}"
    )

    assert cli.main(["--scenario", "mine.yaml"]) == 2
    golden.check(capsys.readouterr().err)


def test_a_fault_of_a_scenario_may_be_on_a_provider_that_is_not_served(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "teachers: [{name: A}]\n"
        "faults: [{on: cms GET *class-info, fault: reset}, {on: GET /healthz, fault: latency=1ms}]"
    )

    with running("--only", "ras", "--scenario", str(path)) as (_, banner):
        assert "Armed: latency=1ms on GET /healthz" in banner


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_an_invalid_port_is_rejected(port: str, capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--ras-port", port])

    assert ended.value.code == 2
    golden.check(capsys.readouterr().err)


def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    monkeypatch.delitem(sys.modules, "bff_mock_server.serving.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    assert cli.main([]) == 2
    golden.check(capsys.readouterr().err)


def test_starting_searches_no_installed_distributions() -> None:
    code = (
        "import importlib.metadata, sys; importlib.metadata.entry_points = None;"
        "from bff_mock_server.cli import main; sys.exit(main(['--scenario', 'none.yaml']))"
    )
    command = [sys.executable, "-c", code]
    environment = {name: value for name, value in os.environ.items() if name != "PYDANTIC_DISABLE_PLUGINS"}
    process = subprocess.run(  # noqa: S603
        command, capture_output=True, env=environment, text=True, timeout=60, check=False
    )

    assert process.returncode == 2, process.stderr
    assert "none.yaml" in process.stderr


def test_an_open_host_needs_a_flag_and_says_what_it_opens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    def stopped_at_once(listeners: list[object], **_: object) -> None:
        for listener in listeners:
            listener.socket.close()  # type: ignore[attr-defined]

    monkeypatch.setattr("bff_mock_server.serving.server.run", stopped_at_once)
    errors: list[str] = []
    for host in ("0.0.0.0", "127.0.0.1", "localhost"):
        assert cli.main(["--host", host, "--allow-remote", *FREE_PORTS]) == 0
        errors.append(capsys.readouterr().err)

    golden.check(re.sub(r":\d+", ":PORT", errors[0]))
    assert errors[1:] == ["", ""]
    assert cli.main(["--host", "0.0.0.0", *FREE_PORTS]) == 2
    golden.check(capsys.readouterr().err)


def test_a_bad_contract_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise PactError("ras.json: interaction 'a': $.x: is missing")

    monkeypatch.setattr(assembly, "read_shipped_pacts", broken)

    assert cli.main([]) == 2
    assert capsys.readouterr().err == "bff-mock-server: ras.json: interaction 'a': $.x: is missing\n"


def test_no_contract_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    monkeypatch.setattr(assembly, "read_shipped_pacts", tuple)

    assert cli.main(["--only", "cms"]) == 2
    golden.check(capsys.readouterr().err)


def test_ctrl_c_before_the_server_runs_does_not_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(assembly, "read_shipped_pacts", interrupted)

    assert cli.main([]) == 0
