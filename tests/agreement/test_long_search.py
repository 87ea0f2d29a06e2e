"""The long search tries what it is asked to, tells what disagrees, and does the same again for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.agreement import __main__ as search
from tests.agreement.__main__ import Found, Run, main, seed_of, work

NONE = ["--bodies=0", "--requests=0", "--answers=0", "--calls=0", "--processes=1"]


def test_it_goes_on_until_there_is_enough() -> None:
    run = Run({"bodies": 25, "calls": 0}, 7)
    pieces: list[tuple[str, int, int]] = []
    while piece := run.piece():
        pieces.append(piece)
        run.take(Found(*piece, Counter(allowed=10), None))

    assert pieces == [("bodies", at, seed_of(7, "bodies", at)) for at in (1, 2, 3)]
    assert run.counts("bodies") == Counter(allowed=30)


def test_what_disagrees_is_told_with_its_example(monkeypatch: pytest.MonkeyPatch) -> None:
    def disagree(*_: object) -> None:
        error = AssertionError("the engine says no")
        error.add_note("Draw 1: {}")
        raise error

    monkeypatch.setitem(search.KINDS, "bodies", search.Kind("bodies", disagree))

    assert work("bodies", 1, 7).disagreement == "AssertionError: the engine says no\nDraw 1: {}"


def test_a_seed_searches_the_same_places_again(capsys: pytest.CaptureFixture[str]) -> None:
    outputs: list[list[str]] = []
    for _ in range(2):
        assert main([*NONE, "--requests=50", "--seed=3"]) == 0
        outputs.append(capsys.readouterr().out.splitlines())

    assert outputs[0][1] == outputs[1][1]
    assert "100" in outputs[0][1]


def test_a_search_that_tried_nothing_is_no_success() -> None:
    assert main(NONE) == 1
