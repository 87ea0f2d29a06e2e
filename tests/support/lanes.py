"""The two lanes of the suite: `make test`, and the tests that are marked slow, which CI also runs on every change."""

from collections.abc import Iterable
from typing import Any

import pytest


def has_reason(mark: pytest.Mark) -> bool:
    """Whether a mark `slow` has a reason."""
    return len(mark.args) == 1 and isinstance(mark.args[0], str) and bool(mark.args[0].strip()) and not mark.kwargs


def one_in(stride: int, table: Iterable[Any], reason: str) -> list[Any]:
    """The rows of a table of tests: the first and every n-th for `make test`, the others for the slow lane."""
    slow = pytest.mark.slow(reason)
    return [row if at % stride == 0 else pytest.param(row, marks=slow) for at, row in enumerate(table)]


def few_or_many(few: int, many: int) -> pytest.MarkDecorator:
    """Set the number of a search's `examples`: few in `make test`, many in the slow lane."""
    slow = pytest.mark.slow("searches among many examples")
    return pytest.mark.parametrize("examples", [pytest.param(few, id="few"), pytest.param(many, id="many", marks=slow)])
