"""The command serves any pact file."""

import json
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

import bff_contracts
from bff_mock_server import PactError, cli, find_scenario
from bff_mock_server.cli.contracts import Contracts
from tests.mock_server.building import KEY
from tests.mock_server.cli.test_command import COMMAND
from tests.support.golden import Golden

AGAIN = pytest.mark.slow("starts the mock once more, with other options")
THINGS: dict[str, Any] = {
    "consumer": {"name": "bff-teacher-service"},
    "provider": {"name": "thing-service"},
    "interactions": [
        {
            "description": "a thing",
            "providerState": "there is a thing",
            "request": {"method": "get", "path": "/things/1"},
            "response": {"status": 200, "body": {"id": 1}},
        },
        {
            "description": "no thing",
            "providerState": "there is nothing",
            "request": {"method": "get", "path": "/things/2"},
            "response": {"status": 404},
        },
        {
            "description": "up",
            "request": {"method": "get", "path": "/up"},
            "response": {"status": 200},
        },
    ],
    "metadata": {"pactSpecification": {"version": "2.0.0"}},
}


@pytest.fixture
def things(tmp_path: Path) -> Path:
    path = tmp_path / "things.json"
    path.write_text(json.dumps(THINGS), encoding="utf-8")
    return path


@contextmanager
def serving(*arguments: str | Path) -> Generator[str]:
    """The base URL of the mock's shared port."""
    command = [*COMMAND, "--no-control", "-q", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.stdout.read()


@pytest.mark.parametrize(
    ("options", "statuses"),
    [
        pytest.param([], [200, 404, 200], id="all"),
        pytest.param(["--provider-state", "a thing$"], [200, 404, 404], id="one-state", marks=AGAIN),
        pytest.param(
            ["--provider-state", "nothing", "--empty-provider-state"], [404, 404, 200], id="and-none", marks=AGAIN
        ),
    ],
)
def test_any_pact_file_is_served_on_one_port(things: Path, options: list[str], statuses: list[int]) -> None:
    with serving("--file", things, *options) as url:
        answers = [httpx.get(f"{url}{path}") for path in ("/things/1", "/things/2", "/up")]

    assert [answer.status_code for answer in answers] == statuses
    # A refusal of the mock's own says so; the contract's 404 does not.
    assert ("problem" in answers[1].headers.get("content-type", "")) is (
        options[:2] == ["--provider-state", "a thing$"]
    )


@pytest.mark.usefixtures("things")
def test_a_folder_of_pacts_is_served_on_one_port_with_simulators_where_there_are_any(tmp_path: Path) -> None:
    for file in (Path(bff_contracts.__file__).parent / "pacts").glob("*.json"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    teacher = find_scenario("default").teachers[0].user_id
    headers = {"X-Internal-API-Key": KEY, "X-Service-ID": "bff-teacher-service", "X-Correlation-ID": str(UUID(int=0))}
    with serving("--dir", tmp_path, "--port", port) as url:
        page = httpx.get(f"{url}/internal/v1/batches/user/{teacher}?limit=1&offset=0", headers=headers).json()
        batch = page["batches"][0]["batch_id"]
        classes = httpx.get(f"{url}/internal/v1/batches/class-info?batch_ids={batch}", headers=headers)

        assert url == f"http://127.0.0.1:{port}"
        assert (list(classes.json()), httpx.get(f"{url}/things/1").json()) == ([batch], {"id": 1})


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--file", "missing.json"], id="no-file"),
        pytest.param(["--dir", "."], id="no-files"),
        pytest.param(["--dir", "nowhere"], id="no-folder"),
        pytest.param(["--port", "80"], id="port-alone"),
        pytest.param(["--file", "things.json", "--only", "ras"], id="only-with-file"),
        pytest.param(["--file", "things.json", "--cms", "proxy=http://x"], id="proxy-with-file"),
        pytest.param(["--file", "things.json", "--provider-state", "x"], id="no-state"),
    ],
)
def test_contracts_that_cannot_be_served_exit_with_2(
    arguments: list[str],
    things: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    golden: Golden,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty" if arguments == ["--dir", "."] else things.parent)

    assert cli.main(arguments) == 2
    golden.check(capsys.readouterr().err)


MESSAGES = THINGS | {"interactions": [{"type": "Asynchronous/Messages", "description": "told"}]}


def test_messages_in_a_folder_are_left_out_with_a_line(
    things: Path, caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    (things.parent / "messages.json").write_text(json.dumps(MESSAGES), encoding="utf-8")

    pacts = Contracts(folders=[str(things.parent)]).read()

    assert [pact.source for pact in pacts] == [str(things)]
    golden.check("\n".join(caplog.messages).replace(str(things.parent), "FOLDER"))


def test_a_file_of_messages_alone_is_refused(things: Path, golden: Golden) -> None:
    things.write_text(json.dumps(MESSAGES), encoding="utf-8")

    with pytest.raises(PactError) as refused:
        Contracts(files=[str(things)]).read()

    golden.check(str(refused.value).replace(str(things.parent), "FOLDER"))


@AGAIN
def test_cors_and_the_largest_body_are_options(things: Path) -> None:
    preflight = {"Origin": "http://page", "Access-Control-Request-Method": "GET"}
    with serving("--file", things, "--cors", "--max-body", "10") as url:
        allowed = httpx.options(f"{url}/up", headers=preflight)
        refused = httpx.post(f"{url}/up", content=b"x" * 11)

    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, "*")
    assert refused.status_code == 413


@pytest.mark.parametrize("size", ["0", "-1", "2MB"])
def test_a_size_is_a_number_of_bytes(size: str, capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--max-body", size])

    golden.check(capsys.readouterr().err)
