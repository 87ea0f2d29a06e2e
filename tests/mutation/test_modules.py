"""Every module is broken, or is left alone for a reason that the page gives; and the list names what there is."""

import ast
import re
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

from tests.mutation.report import LIST, read_list

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("clients/bff_clients", "contracts/bff_contracts", "mock_server/bff_mock_server")
SETTINGS: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
PAGE: Final = (ROOT / "docs" / "mutation.md").read_text(encoding="utf-8")


@cache
def functions() -> dict[str, set[str]]:
    """The functions and methods of each module that has some, by the module's path below its source root."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        root = ROOT / package
        for file in root.rglob("*.py"):
            path = file.relative_to(root.parent)
            if names := _functions(ast.parse(file.read_text(encoding="utf-8")), ".".join(path.with_suffix("").parts)):
                found[str(path)] = names
    return found


def _functions(tree: ast.Module | ast.ClassDef, name: str) -> set[str]:
    found: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(f"{name}.{node.name}")
            case ast.ClassDef():
                found |= _functions(node, f"{name}.{node.name}")
            case _:
                pass
    return found


def broken() -> list[str]:
    return [pattern.removeprefix("src/") for pattern in SETTINGS["only_mutate"]]


def left_alone() -> list[str]:
    rows = re.findall(r"^\| (`bff_[^|]*) \| ([^|]*\w[^|]*) \|$", PAGE, re.MULTILINE)
    return [name for names, _ in rows for name in re.findall(r"`([\w/.*]+)`", names)]


def that_match(patterns: list[str]) -> set[str]:
    return {path for path in functions() if any(fnmatchcase(path, pattern) for pattern in patterns)}


def test_every_module_is_broken_or_left_alone_for_a_reason() -> None:
    exceptions = {path.removeprefix("src/") for path in SETTINGS["do_not_mutate"]}
    tried = that_match(broken()) - exceptions

    assert exceptions <= set(left_alone())
    assert functions().keys() - tried - that_match(left_alone()) == set()
    assert tried & that_match(left_alone()) == set()


def test_no_pattern_names_what_is_not_there() -> None:
    assert [pattern for pattern in [*broken(), *left_alone()] if not that_match([pattern])] == []
    assert [name for name in SETTINGS["pytest_add_cli_args_test_selection"] if not (ROOT / name).exists()] == []


def test_the_list_names_functions_that_there_are() -> None:
    known = set[str]().union(*functions().values())
    survivors = read_list(LIST.read_text(encoding="utf-8")).survivors

    assert {function for function, _ in survivors} - known == set()
