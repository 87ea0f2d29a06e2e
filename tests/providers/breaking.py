"""Breaks the providers: changes the source, and makes a module of it."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Final

FOLDER: Final = Path(__file__).parent
SOME_EXTRA: Final = "the BFF ignores fields that it does not know"


@dataclass(frozen=True)
class Mutant:
    """A change of a provider's source.

    Attributes:
        provider: `ras` or `cms`.
        name: What is wrong, as the table of the documentation says it.
        changes: Texts that stand in the source exactly once, and what stands there instead.
        harmless: Why the BFF does not care, if it does not; such a provider keeps its contract.
    """

    provider: str
    name: str
    changes: tuple[tuple[str, str], ...] = field(repr=False)
    harmless: str = ""

    def module(self) -> ModuleType:
        """The broken provider."""
        file = FOLDER / f"{self.provider}.py"
        source = file.read_text(encoding="utf-8")
        for old, new in self.changes:
            assert source.count(old) == 1, f"{self.name}: {old!r} stands {source.count(old)} times in {file.name}"
            source = source.replace(old, new)
        module = ModuleType(f"tests.providers.broken_{self.provider}")
        sys.modules[module.__name__] = module  # where dataclasses and Dishka look annotations up
        exec(compile(source, str(file), "exec"), module.__dict__)  # noqa: S102  our own source
        return module


def ras(name: str, *changes: tuple[str, str], harmless: str = "") -> Mutant:
    """A broken RAS."""
    return Mutant("ras", name, changes, harmless)


def cms(name: str, *changes: tuple[str, str], harmless: str = "") -> Mutant:
    """A broken CMS."""
    return Mutant("cms", name, changes, harmless)
