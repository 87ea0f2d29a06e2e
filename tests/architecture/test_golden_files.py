"""Golden files contain only messages that a test makes."""

import ast
from pathlib import Path

import pytest

from tests.support.golden import FILE, Golden, Written, made_by, read

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


def test_a_message_that_is_not_in_the_file_fails_with_the_difference(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("### test_a.py::test_b\n    no such batch\n", encoding="utf-8")
    golden = Golden(tmp_path / FILE, "test_a.py::test_b", None)

    golden.check("no such batch\n")
    with pytest.raises(AssertionError, match=r"test_a\.py::test_b \(2\)"):
        golden.check("no such batch")


def test_writing_replaces_the_messages_of_the_tests_that_ran_alone(tmp_path: Path) -> None:
    path, written = tmp_path / FILE, Written()
    path.write_text("### test_a.py::gone[x]\n    old\n\n### test_a.py::kept\n    a\n\n    b\n", encoding="utf-8")

    Golden(path, "test_a.py::gone[y]", written).check("at http://127.0.0.1:54321\n\n  new\n")
    written.save()
    read.cache_clear()

    assert read(path) == {"test_a.py::gone[y]": "at http://127.0.0.1:PORT\n\n  new", "test_a.py::kept": "a\n\nb"}
