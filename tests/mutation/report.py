"""Reports the mutants: the score of each module, and the survivors without a reason."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LEAST_SCORE: Final = 95.0
LIST: Final = Path(__file__).parent / "survivors.toml"


@dataclass(frozen=True)
class Mutant:
    """A function with one change in it, known by its text and not by a number: lines move, numbers do as well."""

    function: str
    change: str
    killed: bool


@dataclass(frozen=True)
class Listed:
    """The survivors that are accounted for: for each function and change, the name of the reason."""

    reasons: Mapping[str, str]
    survivors: Mapping[tuple[str, str], str]


def function_of(name: str) -> str:
    """The name of a function as Python has it, out of mutmut's for a mutant of it."""
    function, _, _ = name.partition("__mutmut_")
    return re.sub(r"\.x(?:_|ǁ)", ".", function, count=1).replace("ǁ", ".")


def change_of(diff: str) -> str:
    """The lines of a diff that go and come, without the blanks that the formatter chose."""
    lines = (line for line in diff.splitlines() if line[:1] in {"-", "+"} and line[:3] not in {"---", "+++"})
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines)


def read_list(text: str) -> Listed:
    """Read the list of survivors.

    Raises:
        ValueError: An entry names a reason that the list does not give, or the list gives one that nothing names.
    """
    held = tomllib.loads(text)
    survivors = {(entry["function"], entry["change"].strip()): entry["why"] for entry in held["survivors"]}
    odd = set(held["reasons"]) ^ set(survivors.values())
    if odd:
        raise ValueError(f"reasons that are not both given and named: {', '.join(sorted(odd))}")
    return Listed(held["reasons"], survivors)


def faults_of(mutants: Iterable[Mutant], listed: Listed) -> list[str]:
    """The problems: a score below the minimum, a survivor that is not in the list, an entry whose mutant is killed."""
    found = list(mutants)
    alive = {(mutant.function, mutant.change) for mutant in found if not mutant.killed}
    tried = {mutant.function for mutant in found}
    packages: defaultdict[str, list[Mutant]] = defaultdict(list)
    for mutant in found:
        packages[mutant.function.partition(".")[0]].append(mutant)
    return [
        *(
            f"{package}: {score_of(held):.1f} % is less than {LEAST_SCORE:g} %"
            for package, held in sorted(packages.items())
            if score_of(held) < LEAST_SCORE
        ),
        *(
            f"not in the list:\n\n[[survivors]]\nfunction = \"{function}\"\nchange = '''\n{change}\n'''\nwhy = \"\"\n"
            for function, change in sorted(alive - set(listed.survivors))
        ),
        *(
            f"in the list, but noticed: {function}\n{change}"
            for function, change in sorted(set(listed.survivors) - alive)
            if function in tried
        ),
    ]


def score_of(mutants: Iterable[Mutant]) -> float:
    """The part of the mutants that the tests noticed, in per cent."""
    killed = [mutant.killed for mutant in mutants]
    return 100 * sum(killed) / len(killed)


def table_of(mutants: Iterable[Mutant]) -> str:
    """The score of each module, as Markdown."""
    modules: defaultdict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        modules[".".join(mutant.function.split(".")[:2])].append(mutant)
    rows = (
        f"| `{module}` | {len(held)} | {sum(mutant.killed for mutant in held)} | {score_of(held):.1f} % |\n"
        for module, held in sorted(modules.items())
    )
    return "| module | mutants | noticed | score |\n|---|---:|---:|---:|\n" + "".join(rows)
