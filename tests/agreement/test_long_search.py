"""The long search tries the given number of cases, reports disagreements, and repeats with the same seed."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.agreement import search
from tests.agreement.search import Found, Run, seed_of, work

ROOT = Path(__file__).parents[2]
STARTS = pytest.mark.slow("starts searches in processes of their own")
NONE = ["--bodies=0", "--requests=0", "--contracts=0", "--answers=0", "--calls=0", "--processes=1"]


def test_a_search_continues_until_it_has_tried_enough() -> None:
    run = Run({"bodies": 25, "calls": 0}, 7)
    pieces: list[tuple[str, int, int]] = []
    while piece := run.piece():
        pieces.append(piece)
        run.take(Found(*piece, Counter(allowed=10), None))

    assert pieces == [("bodies", at, seed_of(7, "bodies", at)) for at in (1, 2, 3)]
    assert run.counts("bodies") == Counter(allowed=30)


def test_a_disagreement_is_reported_with_its_example(monkeypatch: pytest.MonkeyPatch) -> None:
    def disagree(*_: object) -> None:
        error = AssertionError("the engine says no")
        error.add_note("Draw 1: {}")
        raise error

    monkeypatch.setitem(search.KINDS, "bodies", search.Kind("bodies", disagree))

    assert work("bodies", 1, 7).disagreement == "AssertionError: the engine says no\nDraw 1: {}"


def searched(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.agreement", *NONE, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603


@STARTS
def test_a_seed_searches_the_same_places_again() -> None:
    first, second = (searched("--requests=10", "--seed=3").stdout.splitlines() for _ in range(2))

    assert first[1].startswith("requests, matched by the mock and by the engine: 100 (")
    assert first[1] == second[1]
    assert first[-1].endswith("seed 3; disagreements: 0")


@STARTS
def test_a_search_that_tried_nothing_fails() -> None:
    assert searched().returncode == 1
