"""What a benchmark prints about its run, and when it leaves the page as it is."""

import json
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from benchmarks import peers, quiet
from benchmarks.asking import contract
from benchmarks.charts import printing, tables, updated
from benchmarks.client_server import FULL, USERS, serving
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
    pytest.importorskip("msgspec", reason="the group `benchmark` is not installed")
    from benchmarks.contestants import contestants  # noqa: PLC0415  # needs that group

    async with AsyncExitStack() as stack:
        server = stack.enter_context(serving())
        found = await contestants(server, stack)
        for contestant in found.values():
            await contestant.page(USERS[FULL], 40)
            await contestant.classes(server.batch_ids)

    assert {"naive httpx", "ours", "ours on httpx", "raw aiohttp", "floor"} <= found.keys()
