"""Searches for disagreement between clients, contract and mock, for any length of time: `pdm run agreement`.

Work is cut into pieces, each with a seed of its own that comes from the one seed of the run: the same seed searches
the same places again. Prints what was tried, at which rate, and each disagreement; ends in 1 when there is one.
"""

import argparse
import hashlib
import logging
import multiprocessing
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from rich.console import Console
from rich.progress import Progress

from bff_mock_server import find_scenario
from bff_mock_server.world.scenarios import shipped_scenarios
from tests.agreement import answering, matching, reading
from tests.agreement.engine import engine_servers
from tests.agreement.operations import READING
from tests.agreement.test_client_and_mock import ClientAndMock

os.environ["PACT_DO_NOT_TRACK"] = "true"  # the engine reports usage to its makers otherwise

EXAMPLES: Final = 100
"""Examples of a piece of work: about a second."""

Search = Callable[[settings, int, Counter[str]], None]


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        phases=[Phase.generate, Phase.shrink],
    )


def _each(check: Callable[[st.DataObject], None], how: settings, begin: int) -> None:
    @seed(begin)
    @how
    @given(st.data())
    def search(data: st.DataObject) -> None:
        check(data)

    search()


def _bodies(how: settings, begin: int, counts: Counter[str]) -> None:
    operations = st.sampled_from(READING)
    _each(lambda data: reading.agree(data.draw(operations, label="method"), data, counts), how, begin)


def _requests(how: settings, begin: int, counts: Counter[str]) -> None:
    with matching.contests(answering.PACTS) as known:
        every = st.sampled_from(known)
        _each(lambda data: matching.agree(data.draw(every, label="interaction"), data, counts), how, begin)


def _contracts(how: settings, begin: int, counts: Counter[str]) -> None:
    with engine_servers() as servers:
        _each(lambda data: matching.agree_on_any_contract(servers, data, counts), how, begin)


def _answers(how: settings, begin: int, counts: Counter[str]) -> None:
    scenarios = [find_scenario(name) for name in shipped_scenarios()]

    def check(data: st.DataObject) -> None:
        apps = answering.apps(data.draw(st.sampled_from(scenarios), label="scenario"))
        pact = data.draw(st.sampled_from(answering.PACTS), label="pact")
        answering.disturb(apps[pact.provider], data)
        for _ in range(5):
            answering.agree(apps[pact.provider], pact, data, counts)

    _each(check, how, begin)


def _calls(how: settings, begin: int, counts: Counter[str]) -> None:
    class Counted(ClientAndMock):
        tried = counts

    run_state_machine_as_test(seed(begin)(Counted), settings=settings(how, stateful_step_count=50))


@dataclass(frozen=True)
class Kind:
    """One kind of agreement.

    Attributes:
        title: What is tried, in words.
        search: Tries it.
    """

    title: str
    search: Search


KINDS: Final = {
    "bodies": Kind("bodies, read by the clients and judged by the engine", _bodies),
    "requests": Kind("requests, matched by the mock and by the engine", _requests),
    "contracts": Kind("requests of contracts of every kind, matched by the mock and by the engine", _contracts),
    "answers": Kind("answers of the mock, judged by the engine", _answers),
    "calls": Kind("calls of the clients on the mock, and what a model says", _calls),
}


@dataclass(frozen=True)
class Found:
    """The result of one piece of work."""

    kind: str
    at: int
    seed: int
    counts: Counter[str]
    disagreement: str | None


def work(kind: str, at: int, begin: int) -> Found:
    """Do one piece of work."""
    logging.getLogger("bff_clients").setLevel(logging.CRITICAL)
    counts: Counter[str] = Counter()
    try:
        KINDS[kind].search(_settings(EXAMPLES), begin, counts)
    except Exception as error:  # noqa: BLE001  # whatever a search ends with is what was searched for
        return Found(
            kind, at, begin, counts, "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
        )
    return Found(kind, at, begin, counts, None)


def seed_of(run: int, kind: str, at: int) -> int:
    """The seed of a piece: the same in each run of a seed, and in no other."""
    return int.from_bytes(hashlib.sha256(f"{run}/{kind}/{at}".encode()).digest()[:6])


class Run:
    """A search that continues until it has tried the required number of cases of each kind.

    Args:
        wanted: How many, by kind.
        begin: The seed.
    """

    def __init__(self, wanted: Mapping[str, int], begin: int) -> None:
        self.wanted = dict(wanted)
        self.begin = begin
        self.found: list[Found] = []
        self._next = dict.fromkeys(wanted, 0)

    @property
    def disagreements(self) -> list[Found]:
        """The disagreements."""
        return [found for found in self.found if found.disagreement]

    def counts(self, kind: str) -> Counter[str]:
        """What came of the things of a kind, of no more pieces than it took: which end last is chance."""
        counts: Counter[str] = Counter()
        for found in sorted((one for one in self.found if one.kind == kind), key=lambda one: one.at):
            if counts.total() < self.wanted[kind]:
                counts += found.counts
        return counts

    def piece(self) -> tuple[str, int, int] | None:
        """The next piece of work: of the kind that has come least far."""
        open_kinds = [kind for kind in self.wanted if self.done(kind) < 1]
        if not open_kinds:
            return None
        kind = min(open_kinds, key=lambda one: (self._next[one] * EXAMPLES / self.wanted[one], one))
        self._next[kind] += 1
        return kind, self._next[kind], seed_of(self.begin, kind, self._next[kind])

    def done(self, kind: str) -> float:
        """The share of the required cases that have been tried."""
        return self.counts(kind).total() / self.wanted[kind] if self.wanted[kind] else 1.0

    def take(self, found: Found) -> None:
        """Add the result of a piece."""
        self.found.append(found)
        if not found.counts:  # no progress beyond disagreements: the search would never end
            self.wanted[found.kind] = 0


def searched(run: Run, processes: int, console: Console) -> None:
    """Do the work, so many pieces at once."""
    # Spawned: a forked process would share the engine's threads and sockets with this one, and break both.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool, Progress(console=console) as progress:
        bars = {kind: progress.add_task(kind, total=max(number, 1)) for kind, number in run.wanted.items()}
        under_way = {pool.submit(work, *piece) for _ in range(processes) if (piece := run.piece())}
        while under_way:
            finished, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for done in finished:
                found = done.result()
                run.take(found)
                progress.update(bars[found.kind], completed=run.counts(found.kind).total())
                if found.disagreement:
                    console.print(f"{KINDS[found.kind].title}, seed {found.seed}:", markup=False)
                    console.print(found.disagreement, markup=False)
                if piece := run.piece():
                    under_way.add(pool.submit(work, *piece))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 0 when everything agrees."""
    parser = argparse.ArgumentParser(prog="pdm run agreement", description=__doc__)
    parser.add_argument("--bodies", type=int, default=100_000, help="bodies for the clients (%(default)s)")
    parser.add_argument("--requests", type=int, default=10_000, help="requests for the matcher (%(default)s)")
    parser.add_argument(
        "--contracts", type=int, default=20_000, help="requests of contracts of every kind (%(default)s)"
    )
    parser.add_argument("--answers", type=int, default=10_000, help="answers of the mock (%(default)s)")
    parser.add_argument("--calls", type=int, default=20_000, help="calls of clients on the mock (%(default)s)")
    parser.add_argument("--seed", type=int, help="of an earlier run, to search the same places again")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="how many work at once (%(default)s)")
    asked = parser.parse_args(arguments)
    begin: int = secrets.randbelow(10**9) if asked.seed is None else asked.seed
    console = Console(stderr=True)
    console.print(f"seed {begin}")
    started = time.monotonic()
    run = Run({kind: getattr(asked, kind) for kind in KINDS}, begin)
    searched(run, asked.processes, console)
    seconds = time.monotonic() - started
    counts = {kind: run.counts(kind) for kind in KINDS}
    for kind, tried in counts.items():
        parts = ", ".join(f"{number:,} {name}" for name, number in sorted(tried.items()))
        print(f"{KINDS[kind].title}: {tried.total():,} ({parts})")  # noqa: T201
    total = sum(tried.total() for tried in counts.values())
    rate = f"{total / seconds:,.0f}/s"
    print(f"{total:,} in {seconds:.0f} s, {rate}; seed {begin}; disagreements: {len(run.disagreements)}")  # noqa: T201
    return 1 if run.disagreements or not total else 0
