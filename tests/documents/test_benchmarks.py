"""What a benchmark prints about its run, and when it leaves the page as it is."""

import json
import os
import shutil
import sys
from collections.abc import Generator, Iterable
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks import client, contestants, mock_server, peers, quiet, turns
from benchmarks.asking import contract
from benchmarks.charts import printing, tables, updated
from benchmarks.client_server import BATCH_IDS, FULL, LEAN, USERS, serving
from benchmarks.contestants import CONTESTANTS, KEEPING
from tests.support.golden import Golden

TICKS = os.sysconf("SC_CLK_TCK")
HEAD = "\n\n| | ms |\n|---|---:|\n"
PAGE = f"# Page\n\n### A{HEAD}| ours | 1.50 |\n\nWords.\n\n### C{HEAD}| x | 3 |\n"


def test_a_new_table_comes_after_the_one_that_was_printed_before_it() -> None:
    printed = f"### A{HEAD}| ours | 2.00 |\n\n### B{HEAD}| ours | 5 |\n"

    page = updated(PAGE, printed)

    assert list(tables(page).items()) == [("A", [("ours", 2.0)]), ("B", [("ours", 5.0)]), ("C", [("x", 3.0)])]
    assert page.index("### B") < page.index("Words.")
    assert updated(page, printed) == page


def test_programs_are_busy_and_neither_idle_nor_waiting_nor_in_an_interrupt() -> None:
    stat = f"cpu  {TICKS} {2 * TICKS} {4 * TICKS} 9999 9999 9999 9999 {8 * TICKS} 0 0\ncpu0 1 1 1 1\n"

    assert quiet.busy_seconds(stat) == 1 + 2 + 4 + 8


@pytest.mark.parametrize(("others", "refused"), [(0.0, False), (quiet.MOST_OF_OTHERS, False), (0.21, True)])
def test_a_busy_machine_is_reported(*, others: float, refused: bool, golden: Golden) -> None:
    if not refused:
        quiet.check(others, when="during the run")
        return
    with pytest.raises(quiet.BusyMachineError) as caught:
        quiet.check(others, when="during the run")
    golden.check(str(caught.value))


def test_the_page_is_unchanged_when_the_machine_was_busy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(PAGE, encoding="utf-8")

    def benchmark() -> None:
        with quiet.refusing(), printing(into=page):
            print(f"### A{HEAD}| ours | 2.00 |")  # noqa: T201
            quiet.check(0.5, when="during the run")

    with pytest.raises(SystemExit) as ended:
        benchmark()

    assert ended.value.code == 2
    golden.check(capsys.readouterr().err)
    assert page.read_text(encoding="utf-8") == PAGE


def test_peers_are_given_both_requests(tmp_path: Path) -> None:
    home = tmp_path / "peer"

    peers.write(home, contract(tmp_path / "contract", 2))

    assert len(list((home / "mappings").iterdir())) == 2
    document = json.loads((home / "openapi.json").read_text(encoding="utf-8"))
    assert set(document["paths"]) == {"/internal/v1/batches/class-info", "/internal/v1/batches/user/{id}"}


@pytest.mark.anyio
async def test_every_contestant_reads_what_the_benchmarks_server_answers() -> None:

    async with AsyncExitStack() as stack:
        url = stack.enter_context(serving())
        for connect in {*CONTESTANTS.values(), *KEEPING.values()}:
            contestant = await connect(url, stack)
            await contestant.page(USERS[FULL], 40)
            await contestant.classes(BATCH_IDS)

    assert {"naive httpx", "ours", "ours on httpx", "raw aiohttp", "floor"} <= CONTESTANTS.keys()


@pytest.mark.slow("starts each contestant twice")
@pytest.mark.skipif(sys.platform != "linux", reason="reads the connections from /proc")
def test_the_clients_are_measured_in_processes_that_each_round_starts(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:

    few = ("naive httpx", "ours", "floor")
    monkeypatch.setattr(client, "CONTESTANTS", {name: contestants.CONTESTANTS[name] for name in few})
    lean = client.Comparison("Lean page", turns.Calls(LEAN, 2, 2), turns=2)
    hundred = client.Comparison("Classes", turns.Calls(100, 1, 1), turns=1)
    pids: list[int] = []

    @contextmanager
    def seen(names: Iterable[str], url: str) -> Generator[list[turns.Process]]:
        with turns.started(names, url) as processes:
            pids.extend(process.pid for process in processes)
            yield processes

    monkeypatch.setattr(client, "started", seen)
    with serving() as url:
        client.compare([lean, hundred], url, rounds=2)
    lean.print()
    client.agreement([lean, hundred])

    found = {title: [name for name, _ in rows] for title, rows in tables(capfd.readouterr().out).items()}
    assert found["Lean page"] == [*few]
    assert len(set(pids)) == 2 * len(few)
    assert len(lean.ratios("ours", "floor")) == 2
    assert min(lean.ratios("ours", "floor")) > 0


def test_the_agreement_is_the_least_and_the_most_of_the_rounds(capsys: pytest.CaptureFixture[str]) -> None:

    one = client.Comparison("A", turns.Calls(LEAN, 1, 1))
    for name, cpu in (("naive httpx", (10.0, 9.0)), ("ours", (2.0, 3.0)), ("floor", (1.0, 1.0))):
        one.costs[name] = [turns.Cost(each, 1.0, [1.0]) for each in cpu]

    client.agreement([one])

    assert "| A | 3.00 to 5.00 | 2.00 to 3.00 |" in capsys.readouterr().out


def test_a_contestant_that_ends_ends_the_run(capfd: pytest.CaptureFixture[str]) -> None:

    with (
        pytest.raises(turns.EndedError, match=r"^the process of floor ended during the run with exit code 1$"),
        serving() as url,
        turns.started(["floor"], url) as (floor,),
    ):
        floor.measure(turns.Calls("nobody", 1, 1))

    assert "KeyError: 'nobody'" in capfd.readouterr().err


@pytest.mark.slow("measures both servers, from their start on")
@pytest.mark.skipif(shutil.which("wrk") is None or sys.platform != "linux", reason="needs Linux and wrk")
def test_the_mock_is_measured_beside_an_empty_server_once_it_is_warm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mock_server, "SIZES", (2,))
    monkeypatch.setattr(mock_server, "KINDS", {"A": "Class-info"})
    monkeypatch.setattr(mock_server, "STUB_SECONDS", dict[int, int]())
    rivals = mock_server.Rivals(tmp_path, {"A": 180, "B": 9000}, seconds=1, rounds=1)

    rivals.measure(contract)
    rivals.table("A")

    empty, ours = capsys.readouterr().out.splitlines()
    assert empty.startswith("| raw uvicorn application |")
    assert float(ours.split("|")[3]) > 0
