"""A pytest plugin for mutation runs, each of which begins in a copy of a process that has run all the tests once."""

import sys

import pytest
from mutmut.state import state

PACKAGES = ("bff_clients.", "bff_contracts.", "bff_mock_server.")


def pytest_sessionstart() -> None:
    """Forget what functions remember of their calls: a mutant would be spared by what was made without it."""
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGES):
            for found in vars(module).values():
                if hasattr(found, "cache_clear"):
                    found.cache_clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the quick tests go first, because the first failure ends the run."""
    durations = state().duration_by_test
    items.sort(key=lambda item: durations.get(item.nodeid, 0.0))
