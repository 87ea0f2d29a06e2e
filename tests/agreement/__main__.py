"""Search for disagreement between clients, contract and mock, for as long as one likes: `pdm run agreement`.

Work is cut into pieces, each with a seed of its own that comes from the one seed of the run: the same seed searches
the same places again. Prints what was tried, at which rate, and each disagreement; ends in 1 when there is one.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from rich.console import Console
from rich.progress import Progress

from bff_mock_server import find_scenario
from bff_mock_server.scenarios import shipped_scenarios
from tests.agreement import answering, matching, reading
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
    operation = READING[begin % len(READING)]
    _each(lambda data: reading.agree(operation, data, counts), how, begin)


def _requests(how: settings, begin: int, counts: Counter[str]) -> None:
    with matching.contests(answering.PACTS) as known:
        every = st.sampled_from(known)
        _each(lambda data: matching.agree(data.draw(every, label="interaction"), data, counts), how, begin)


def _answers(how: settings, begin: int, counts: Counter[str]) -> None:
    names = shipped_scenarios()
    scenario = find_scenario(names[begin % len(names)])

    def check(data: st.DataObject) -> None:
        apps = answering.apps(scenario)
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
        per_example: How many things one example tries, at least.
    """

    title: str
    search: Search
    per_example: int


KINDS: Final = {
    "bodies": Kind("bodies: client and engine", _bodies, 10),
    "requests": Kind("requests: mock and engine", _requests, 1),
    "answers": Kind("answers of the mock: the engine", _answers, 5),
    "calls": Kind("steps of clients on the mock: a model", _calls, 25),
}


@dataclass(frozen=True)
class Found:
    """What a piece of work came to."""

    kind: str
    seed: int
    counts: Counter[str]
    disagreement: str | None


def work(kind: str, begin: int) -> Found:
    """Do one piece of work."""
    logging.getLogger("bff_clients").setLevel(logging.CRITICAL)
    counts: Counter[str] = Counter()
    try:
        KINDS[kind].search(_settings(EXAMPLES), begin, counts)
    except Exception as error:  # noqa: BLE001  # whatever a search ends with is what was searched for
        return Found(
            kind, begin, counts, "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
        )
    return Found(kind, begin, counts, None)


def pieces(wanted: dict[str, int], begin: int) -> Iterator[tuple[str, int]]:
    """The pieces of work that try as many things of each kind as are wanted."""
    for kind, number in wanted.items():
        for at in range(-(-number // (EXAMPLES * KINDS[kind].per_example))):
            yield kind, begin + at


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 0 when everything agrees."""
    parser = argparse.ArgumentParser(prog="pdm run agreement", description=__doc__)
    parser.add_argument("--bodies", type=int, default=100_000, help="bodies for the clients (%(default)s)")
    parser.add_argument("--requests", type=int, default=10_000, help="requests for the matcher (%(default)s)")
    parser.add_argument("--answers", type=int, default=10_000, help="answers of the mock (%(default)s)")
    parser.add_argument("--calls", type=int, default=20_000, help="steps with clients on the mock (%(default)s)")
    parser.add_argument("--seed", type=int, help="of an earlier run, to repeat it")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="how many work at once (%(default)s)")
    asked = parser.parse_args(arguments)
    begin: int = secrets.randbelow(10**9) if asked.seed is None else asked.seed
    console = Console(stderr=True)
    console.print(f"seed {begin}")
    started = time.monotonic()
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    disagreements: list[Found] = []
    todo = list(pieces({kind: getattr(asked, kind) for kind in KINDS}, begin))
    with ProcessPoolExecutor(asked.processes) as pool, Progress(console=console) as progress:
        bar = progress.add_task("searching", total=len(todo))
        for done in as_completed([pool.submit(work, *piece) for piece in todo]):
            found = done.result()
            counts[found.kind] += found.counts
            progress.advance(bar)
            if found.disagreement:
                disagreements.append(found)
                console.print(f"[red]{KINDS[found.kind].title}[/red], seed {found.seed}:")
                console.print(found.disagreement, markup=False)
    seconds = time.monotonic() - started
    for kind, tried in counts.items():
        parts = ", ".join(f"{number:,} {name}" for name, number in sorted(tried.items()))
        print(f"{KINDS[kind].title}: {tried.total():,} ({parts})")  # noqa: T201
    total = sum(tried.total() for tried in counts.values())
    print(  # noqa: T201
        f"{total:,} in {seconds:.0f} s, {total / seconds:,.0f}/s; seed {begin}; disagreements: {len(disagreements)}"
    )
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
