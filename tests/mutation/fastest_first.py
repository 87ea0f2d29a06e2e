"""A pytest plugin for mutation runs, each of which begins in a copy of a process that has run all the tests once."""

import sys
from typing import Final

import pytest
from mutmut.mutation.trampoline import get_mutant_under_test
from mutmut.state import state

REMEMBERING: Final = ("bff_clients.", "bff_contracts.", "bff_mock_server.", "tests.")
WHICH_TEST_REACHES_WHAT: Final = "stats"
"""What mutmut calls the run that finds this out."""


def forget() -> None:
    """Forget what functions remember of their calls."""
    for name, module in list(sys.modules.items()):
        if name.startswith(REMEMBERING):
            values: list[object] = list(vars(module).values())
            for found in values:
                # Looked up on its type: Quart's proxy of the current request raises when there is none.
                clear = getattr(type(found), "cache_clear", None)
                if clear is not None:
                    clear(found)


def pytest_sessionstart() -> None:
    """A mutant would be spared by what was made without it."""
    forget()


def pytest_runtest_setup() -> None:
    """A test that only uses what an earlier one made would not be asked about the functions that make it."""
    if get_mutant_under_test() == WHICH_TEST_REACHES_WHAT:
        forget()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the quick tests go first, because the first failure ends the run."""
    durations = state().duration_by_test
    items.sort(key=lambda item: durations.get(item.nodeid, 0.0))
