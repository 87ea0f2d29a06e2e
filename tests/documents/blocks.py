"""Every fenced block of the documents, and which test runs it.

Libraries that run the blocks of Markdown files (pytest-examples, sybil, mktestdocs) take those of a language one by
one. Here a block is mostly half of something, a command and what it prints, so a test takes the blocks it is about by
their beginning; what this module adds is that a block nobody takes fails the build.
"""

import itertools
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
BIN: Final = Path(sys.executable).parent

NOT_RUN: Final[Mapping[tuple[str, str], str]] = {
    ("docs/clients.md", "pip install 'huleedu-bff-clients @"): "a network, and a host of your own",
    ("docs/providers.md", "pip install 'huleedu-bff-clients[contracts] @"): "a network, and a host of your own",
    ("docs/providers.md", "pip install '../huleedu-bff-clients"): "a network, for the packages that it needs",
    ("docs/performance.md", "apt-get install wrk"): "a network and ten minutes of both processors",
    ("docs/performance.md", "pdm run benchmark-client"): "six minutes of both processors",
}
"""Blocks that no test runs, by document and beginning, and what running them would take."""

_FENCE: Final = re.compile(r"^(`{3,}|~{3,})([^\n]*)\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
_claims: Final[defaultdict["Block", set[str]]] = defaultdict(set)


@dataclass(frozen=True)
class Block:
    """A fenced block of a document, without its fences."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        """Where it is and how it begins."""
        return f"{self.document}:{self.line} ({self.text.partition(chr(10))[0][:40]})"


def documents() -> list[Path]:
    """The pages that are written by hand; those of the folders of docs/ are decisions, or generated and compared."""
    return [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("examples/*/README.md")), *sorted(DOCS.glob("*.md"))]


@cache
def blocks_of(document: str) -> tuple[Block, ...]:
    """The blocks of a document, which is named by its path in the repository."""
    return tuple(blocks_in((ROOT / document).read_text(encoding="utf-8"), document))


def blocks_in(text: str, document: str) -> list[Block]:
    """The blocks of a text."""
    return [
        Block(document, text.count("\n", 0, found.start()) + 1, found[2].strip(), found[3])
        for found in _FENCE.finditer(text)
    ]


def block(document: str, beginning: str) -> Block:
    """The one block of a document that begins so."""
    found = [each for each in blocks_of(document) if each.text.startswith(beginning)]
    if len(found) != 1:
        raise LookupError(f"{document} has {len(found)} blocks that begin with {beginning!r}")
    return found[0]


Test = Callable[..., Any]


def runs(document: str, *beginnings: str) -> Callable[[Test], Test]:
    """Give a test the texts of these blocks, in this order, as `blocks`."""
    return _claiming([[block(document, beginning) for beginning in beginnings]])


def runs_each(document: str, *beginnings: str) -> Callable[[Test], Test]:
    """Run a test once for each of these blocks, which it gets as the one of `blocks`."""
    return _claiming([[block(document, beginning)] for beginning in beginnings])


def _claiming(rows: Sequence[Sequence[Block]]) -> Callable[[Test], Test]:
    def mark(test: Test) -> Test:
        for each in itertools.chain.from_iterable(rows):
            _claims[each].add(f"{test.__module__}.{test.__qualname__}")
        cases = [pytest.param([each.text for each in row], id=f"{row[0].document}:{row[0].line}") for row in rows]
        return pytest.mark.parametrize("blocks", cases)(test)

    return mark


def runners_of(block: Block) -> set[str]:
    """The tests that run a block, among those that have been imported."""
    return _claims.get(block, set())


def reason_not_to_run(block: Block) -> str | None:
    """The reason why no test runs it; `None` if a test must."""
    reasons = [
        reason
        for (document, beginning), reason in NOT_RUN.items()
        if document == block.document and block.text.startswith(beginning)
    ]
    return reasons[0] if reasons else None


@dataclass(frozen=True)
class Place:
    """Where the commands of a page are run.

    Attributes:
        folder: The working directory.
        urls: What the pages write, and what replaces it here; output is put into the words of the pages.
        variables: Of the environment.
    """

    folder: Path
    urls: Mapping[str, str]
    variables: Mapping[str, str]

    def run(self, command: str, *, fails: bool = False) -> str:
        """What a command prints, standard error included; it has to end well unless it `fails`."""
        done = subprocess.run(  # noqa: S602  as a reader runs it
            self.here(command),
            shell=True,
            executable="/bin/bash",
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout
        return swapped(done.stdout, {real: written for written, real in self.urls.items()})

    @property
    def environment(self) -> dict[str, str]:
        """That of a reader, whose tests know nothing of those that run here."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "BFF_"))}
        return {**inherited, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": "", **self.variables}

    def here(self, text: str) -> str:
        """A text of a page, its URLs replaced."""
        return swapped(text, self.urls)

    def write(self, name: str, text: str) -> Path:
        """A file of a page."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.here(text), encoding="utf-8")
        return path


def swapped(text: str, urls: Mapping[str, str]) -> str:
    """A text with some URLs in the places of others: all in one pass, and no port for the beginning of a longer one."""
    if not urls:
        return text
    return re.sub(rf"(?:{'|'.join(map(re.escape, urls))})(?!\d)", lambda found: urls[found[0]], text)


def assert_printed(shown: str, printed: str) -> None:
    """What a page shows is all that was printed, but for durations."""
    same = _timeless(printed.strip("\n")) == _timeless(shown.strip("\n"))
    assert same, f"the page shows:\n{shown}\nbut this was printed:\n{printed}"


def assert_among(shown: str, printed: str) -> None:
    """The lines that a page shows were printed in this order, among others; `…` is for what is left out."""
    at = 0
    for line in shown.splitlines():
        wanted = ".*".join(map(re.escape, line.split("…")))
        found = re.compile(wanted).search(printed, at)
        assert found, f"not printed: {line}\n\n{printed}"
        at = found.end()


def _timeless(text: str) -> str:
    return re.sub(r" +\d+ ms", " … ms", text)
