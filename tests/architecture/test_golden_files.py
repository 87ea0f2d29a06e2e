"""Golden files contain only messages that a test makes."""

import ast
from pathlib import Path

import pytest

from tests.support.golden import FILE, made_by, read

FILES = sorted(Path(__file__).parents[1].rglob(FILE))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_each_message_is_of_a_test_that_makes_it(path: Path) -> None:
    """`pdm run messages` leaves out the messages of tests that are gone."""
    gone = [name for name in read(path) if not _makes(path.parent, name)]

    assert gone == []


def _makes(folder: Path, name: str) -> bool:
    module, _, test = made_by(name).partition("::")
    source = folder / module
    tree = ast.parse(source.read_text("utf-8") if source.exists() else "")
    return any(
        node.name == test and any(argument.arg == "golden" for argument in node.args.args + node.args.kwonlyargs)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
