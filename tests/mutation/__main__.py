"""`pdm run mutation`: breaks the code in small ways, and fails if the fast tests still pass.

A mutant that was noticed is tried again only when its function has changed; survivors are tried each time. `--fresh`
starts from zero, and names of mutants as mutmut has them (`bff_clients._call*`) let only those be tried.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from mutmut.stats import status_by_exit_code

from tests.mutation.report import LIST, Mutant, change_of, faults_of, function_of, read_list, table_of

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".mutation"
LINKS: Final = {
    "src/bff_clients": "clients/bff_clients",
    "src/bff_contracts": "contracts/bff_contracts",
    "src/bff_mock_server": "mock_server/bff_mock_server",
    "tests": "tests",
    "docs": "docs",
    "scripts": "scripts",
    "pyproject.toml": "pyproject.toml",
}
_NOTICED: Final = frozenset({"killed", "timeout", "segfault"})


def lay_out() -> None:
    """Show mutmut the three source roots as one: it takes the name of a module from its path below `src`.

    It traces again which tests reach which function: mutmut would trace only new tests, and no new functions.
    """
    (FOLDER / "src").mkdir(parents=True, exist_ok=True)
    for link, target in LINKS.items():
        if not (FOLDER / link).is_symlink():
            (FOLDER / link).symlink_to(ROOT / target)
    shutil.rmtree(FOLDER / "mutants" / "tests", ignore_errors=True)
    (FOLDER / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)


def _results() -> Iterator[tuple[Path, dict[str, int | None]]]:
    """The files in which mutmut stores its results, and the results."""
    for file in sorted((FOLDER / "mutants").glob("src/**/*.meta")):
        yield file, json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]


def forget_survivors(patterns: Sequence[str]) -> None:
    """Have them tried again: mutmut keeps a result while the function is unchanged, even if the tests have changed."""

    def is_meant(name: str) -> bool:
        return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)

    for file, codes in _results():
        kept = {
            name: None if is_meant(name) and status_by_exit_code[code] not in _NOTICED else code
            for name, code in codes.items()
        }
        meta = {**json.loads(file.read_text(encoding="utf-8")), "exit_code_by_key": kept}
        file.write_text(json.dumps(meta), encoding="utf-8")


def mutants() -> Iterator[Mutant]:
    """The result of each mutant."""
    # A third of a second, which the tests of this program need not wait for.
    from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: PLC0415

    os.chdir(FOLDER)  # where mutmut looks for what it made
    for file, codes in _results():
        module = str(file.relative_to(FOLDER / "mutants").with_suffix(""))
        for name, code in codes.items():
            if code is not None:
                noticed = status_by_exit_code[code] in _NOTICED
                change = "" if noticed else change_of(get_diff_for_mutant(name, path=module))
                yield Mutant(function_of(name), change, noticed)


def main(*arguments: str) -> int:
    if "--fresh" in arguments:
        shutil.rmtree(FOLDER, ignore_errors=True)
    lay_out()
    names = [argument for argument in arguments if argument != "--fresh"]
    forget_survivors(names)
    command = [str(Path(sys.executable).with_name("mutmut")), "run", *names]
    environment = os.environ | {"CI": "true"}  # properties take the same examples each time
    ended = subprocess.run(command, cwd=FOLDER, env=environment, check=False)  # noqa: S603  # our own tool
    if ended.returncode:
        return ended.returncode
    found = list(mutants())
    faults = faults_of(found, read_list(LIST.read_text(encoding="utf-8")))
    print(f"\n{table_of(found)}", *faults, sep="\n")  # noqa: T201  # a program that prints
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
