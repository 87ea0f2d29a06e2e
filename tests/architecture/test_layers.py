"""Structure of the packages: layers, unique names, a docstring for each package, bounded sizes."""

import ast
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "bff_clients": ROOT / "clients" / "bff_clients",
    "bff_contracts": ROOT / "contracts" / "bff_contracts",
    "bff_mock_server": ROOT / "mock_server" / "bff_mock_server",
}
MOST_LINES_OF_A_MODULE = 400
MOST_LINES_OF_A_FUNCTION = 60


@cache
def modules() -> dict[Path, ast.Module]:
    paths = (path for folder in PACKAGES.values() for path in folder.rglob("*.py"))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  # our own tool


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        pytest.param(
            "bff_mock_server/matching/match.py", "bff_mock_server.answering.mock", "The layers of the mock", id="mock"
        ),
        pytest.param(
            "bff_contracts/pact/file.py", "bff_contracts.judge", "The layers of the contracts", id="contracts"
        ),
        pytest.param("bff_clients/_breaker.py", "bff_clients._call", "The layers of the clients", id="clients"),
    ],
)
def test_an_import_of_a_higher_layer_is_found(module: str, line: str, broken: str, tmp_path: Path) -> None:
    for name, folder in PACKAGES.items():
        shutil.copytree(folder, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / module).write_text(
        f"{(tmp_path / module).read_text(encoding='utf-8')}\nimport {line}\n", encoding="utf-8"
    )

    done = linted(tmp_path)

    assert done.returncode == 1
    assert f"{broken} BROKEN" in done.stdout


def test_no_two_public_classes_have_one_name() -> None:
    """Private classes and those that the standard library makes are excluded."""
    names = Counter(
        node.name
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name[0] != "_"
    )

    assert [name for name, times in names.items() if times > 1] == []


def test_each_package_has_a_docstring() -> None:
    packages = {path.parent: tree for path, tree in modules().items() if path.name == "__init__.py"}

    assert [folder.name for folder, tree in packages.items() if not ast.get_docstring(tree)] == []


def too_long() -> Iterator[str]:
    for path, tree in modules().items():
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MOST_LINES_OF_A_MODULE:
            yield f"{path.name}: {lines}"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > MOST_LINES_OF_A_FUNCTION:
                    yield f"{path.name}: {node.name}: {length}"


def test_no_module_and_no_function_is_too_long() -> None:
    assert list(too_long()) == []
