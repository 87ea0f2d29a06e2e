"""Hot reload: valid files replace everything at once, invalid ones nothing, and no request is lost."""

import json
import shutil
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bff_contracts.pact.file import SHIPPED
from bff_contracts.platform import CMS, RAS
from bff_mock_server import Mock, find_scenario
from bff_mock_server.cli import watching
from bff_mock_server.cli.assembly import Plan, assemble
from bff_mock_server.cli.contracts import Contracts
from bff_mock_server.serving.server import running
from tests.mock_server.building import HEADERS, interaction
from tests.support.golden import Golden
from tests.support.mock_process import running_mock


def write(path: Path, *interactions: dict[str, Any]) -> None:
    document = {
        "consumer": {"name": "a"},
        "provider": {"name": "thing-service"},
        "interactions": interactions,
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(document), encoding="utf-8")
    fresh.replace(path)


def until(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within ten seconds."""
    came_true = threading.Event()
    for _ in range(2000):
        if condition():
            return True
        came_true.wait(0.005)
    return False


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "TICK_SECONDS", 0.02)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "things.json"
    write(path, interaction("one", "/one", body={"n": 1}))
    return path


@pytest.fixture(params=["file", "folder"])
def mock(request: pytest.FixtureRequest, file: Path) -> Generator[Mock]:
    is_file = request.param == "file"
    contracts = Contracts(files=[str(file)] if is_file else [], folders=[] if is_file else [str(file.parent)])
    assembly = assemble(Plan(contracts, watch=True))
    with running(assembly.listeners, beside=assembly.beside):
        yield assembly.mock


def get(mock: Mock, path: str) -> httpx.Response:
    return httpx.get(f"{mock.urls['thing-service']}{path}")


def test_a_changed_contract_is_served_at_once(mock: Mock, file: Path) -> None:
    get(mock, "/one")
    write(file, interaction("one", "/one", body={"n": 2}), interaction("two", "/two"))

    assert until(lambda: get(mock, "/two").status_code == 200)
    assert get(mock, "/one").json() == {"n": 2}
    uses = {use.interaction: use.times for use in mock.coverage()}
    assert uses["one"] == 1  # counted from zero: it is a different interaction


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("{", "things.json: $: not JSON", id="half-a-file"),
        pytest.param('{"metadata": {}}', "things.json: $: not a pact", id="no-pact"),
        pytest.param("[" * 100_000, "things.json: $: not JSON", id="nested-without-end"),
        pytest.param('{"a": ' + "1" * 5000 + "}", "things.json: $: not JSON", id="thousands-of-digits"),
    ],
)
def test_a_bad_contract_is_reported_and_the_previous_version_served(
    mock: Mock, file: Path, text: str, problem: str
) -> None:
    file.write_text(text, encoding="utf-8")

    assert until(lambda: problem in mock.problem)
    assert get(mock, "/one").json() == {"n": 1}
    write(file, interaction("one", "/one", body={"n": 3}))
    assert until(lambda: mock.problem == "")
    assert get(mock, "/one").json() == {"n": 3}


def test_a_chosen_scenario_survives_a_changed_contract(mock: Mock, file: Path) -> None:
    mock.sessions.restart(None, find_scenario("exam-week"))
    write(file, interaction("one", "/one", body={"n": 9}))

    assert until(lambda: get(mock, "/one").json() == {"n": 9})
    assert mock.sessions.scenario.name == "exam-week"


def test_the_previous_version_is_served_when_the_file_is_gone(mock: Mock, file: Path) -> None:
    file.unlink()

    assert until(lambda: mock.problem != "")
    assert get(mock, "/one").json() == {"n": 1}


def test_no_request_is_lost_while_files_change(mock: Mock, file: Path) -> None:
    stop = threading.Event()
    statuses: list[int] = []

    def hammer() -> None:
        with httpx.Client() as client:
            while not stop.is_set():
                statuses.append(client.get(f"{mock.urls['thing-service']}/one").status_code)

    threads = [threading.Thread(target=hammer, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(6):
            path = f"/other-{number}"
            write(file, interaction("one", "/one", body={"n": number}), interaction("other", path))
            assert until(lambda path=path: path in {use.path for use in mock.coverage()})  # type: ignore[misc]
            file.write_text("{", encoding="utf-8")
            assert until(lambda: mock.problem != "")
    finally:
        stop.set()
    for thread in threads:
        thread.join(10)

    assert len(statuses) > 50
    assert set(statuses) == {200}


def test_a_changed_scenario_restarts_and_an_unchanged_one_does_not(tmp_path: Path) -> None:
    scenario = tmp_path / "mine.yaml"
    scenario.write_text("teachers: [{name: A, user_id: a, batches: 2}]", encoding="utf-8")
    assembly = assemble(Plan(Contracts(), scenario=str(scenario), watch=True))

    def total() -> int:
        target = f"{assembly.mock.urls[RAS]}/internal/v1/batches/user/a?limit=1&offset=0"
        return int(httpx.get(target, headers=HEADERS).json()["pagination"]["total"])

    with running(assembly.listeners, beside=assembly.beside):
        totals = [total()]
        assembly.mock.sessions.world_of("session")
        scenario.write_text("teachers: [{name: A, user_id: a, batches: 5}]", encoding="utf-8")
        assert until(lambda: total() == 5)
        assert assembly.mock.sessions.names == ()
        scenario.write_text("teachers: [{name: A, user_id: a, batches: many}]", encoding="utf-8")
        assert until(lambda: "mine.yaml:1: teachers.0.batches" in assembly.mock.problem)
        totals.append(total())
        assembly.mock.sessions.default.apply("user has exactly these batches", {"user_id": "a", "batches": []})
        scenario.write_text("teachers: [{name: A, user_id: a, batches: 5}] # saved again", encoding="utf-8")
        assert until(lambda: assembly.mock.problem == "")
        totals.append(total())

    assert totals == [2, 5, 0]
    assert set(assembly.mock.urls) == {RAS, CMS}


def test_a_changed_shipped_contract_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pacts = shutil.copytree(SHIPPED, tmp_path / "pacts")
    monkeypatch.setattr("bff_contracts.pact.file.SHIPPED", pacts)
    monkeypatch.setattr("bff_mock_server.cli.assembly.SHIPPED", pacts)
    assembly = assemble(Plan(Contracts(only="cms"), watch=True))
    (path,) = pacts.glob(f"*{CMS}.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    document["interactions"].append(interaction("new", "/new"))

    with running(assembly.listeners, beside=assembly.beside):
        assert httpx.get(f"{assembly.mock.urls[CMS]}/new").status_code == 404
        path.write_text(json.dumps(document), encoding="utf-8")
        assert until(lambda: httpx.get(f"{assembly.mock.urls[CMS]}/new").status_code == 200)


def test_a_reload_is_logged_for_information(tmp_path: Path, golden: Golden) -> None:
    scenario = tmp_path / "mine.yaml"
    scenario.write_text("teachers: [{name: A}]", encoding="utf-8")
    with running_mock("--watch", "--scenario", str(scenario)) as mock:
        scenario.write_text("teachers: [{name: A, batches: 5}]", encoding="utf-8")
        assert mock.process.stdout is not None

        golden.check(mock.process.stdout.readline())
