"""Draw the charts of docs/performance.md from the tables of docs/evidence/benchmarks.md: `pdm run charts`.

A benchmark with `--update` puts the tables that it prints into the page and draws the charts in one go.
"""

import argparse
import io
import math
import re
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from scripts import svg

PAGE: Final = Path(__file__).parents[1] / "docs" / "evidence" / "benchmarks.md"
IMAGES: Final = PAGE.parents[1] / "images"

_SECTION: Final = re.compile(r"^### (?P<heading>.+)\n(?P<before>(?:(?!#|\|).*\n)*)(?P<table>(?:\|.*\n)+)", re.MULTILINE)
"""A heading, the text before its first table, and that table."""

_STYLE: Final = """
.page { fill: #ffffff; stroke: #d8dde4; }
text { font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1f2630; }
.title { font-weight: 600; font-size: 15px; }
.name, .unit { fill: #566171; }
.other { fill: #b4bdc9; }
.ours { fill: #2166c4; }
.axis { stroke: #d8dde4; }
@media (prefers-color-scheme: dark) {
  .page { fill: #161a20; stroke: #353d49; }
  text { fill: #e3e8ef; }
  .name, .unit { fill: #a2adbb; }
  .other { fill: #596474; }
  .ours { fill: #6ea8ff; }
  .axis { stroke: #353d49; }
}
"""
_WIDTH: Final = 760
_LEFT: Final = 210
_ROW: Final = 21
_LONGEST: Final = 440


@dataclass(frozen=True)
class Chart:
    """Which tables a chart shows: the first column of figures of each, one group of bars for each table."""

    name: str
    title: str
    unit: str
    groups: Mapping[str, str]
    logarithmic: bool = False


CHARTS: Final = (
    Chart(
        "mock",
        "What a request costs a server",
        "CPU µs a request, logarithmic: each line is ten times the one before",
        {"Class-info for two ids": "class-info for two ids", "A page of 20 batches": "a page of 20"},
        logarithmic=True,
    ),
    Chart(
        "clients-full-page",
        "What a full page costs the caller: 20 batches with 32 essays each",
        "CPU ms a call",
        {f"Full page, {number} in flight": f"{number} in flight" for number in (1, 10, 50)},
    ),
    Chart(
        "clients-lean-page",
        "What a lean page costs the caller: 20 batches without essays",
        "CPU ms a call",
        {f"Lean page, {number} in flight": f"{number} in flight" for number in (1, 10, 50)},
    ),
    Chart(
        "clients-classes",
        "What classes cost the caller",
        "CPU ms a call",
        {f"Classes of {number} batches, 1 in flight": f"{number} batches" for number in (20, 100, 1000)},
    ),
)


def tables(page: str) -> dict[str, list[tuple[str, float]]]:
    """The rows of each table by its heading: a name, and its first figure."""
    found: dict[str, list[tuple[str, float]]] = {}
    for section in _SECTION.finditer(page):
        rows = [[cell.strip() for cell in line.split("|")[1:]] for line in section["table"].splitlines()[2:]]
        figures = [(row[0].replace("`", ""), row[1].replace(",", "")) for row in rows]
        found[section["heading"]] = [(name, float(figure)) for name, figure in figures if _is_number(figure)]
    return found


def _is_number(figure: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", figure) is not None


def draw(chart: Chart, page: str) -> str:
    """A chart of the tables of a page.

    Raises:
        LookupError: The page has no such table.
    """
    found = tables(page)
    missing = chart.groups.keys() - found.keys()
    if missing:
        message = f"{chart.name}: no table under the heading {', '.join(sorted(missing))}"
        raise LookupError(message)
    groups = {label: found[heading] for heading, label in chart.groups.items()}
    parts = [svg.text(20, 30, chart.title, kind="title"), svg.text(20, 50, chart.unit, kind="unit")]
    bottom = 60.0
    scale = _scale([figure for rows in groups.values() for _, figure in rows], logarithmic=chart.logarithmic)
    for label, rows in groups.items():
        parts += [svg.text(20, bottom + 20, label, kind="group"), *_bars(rows, bottom + 28, scale)]
        bottom += 28 + len(rows) * _ROW + 8
    height = bottom + 10
    frame = svg.rectangle(0.5, 0.5, _WIDTH - 1, height - 1, kind="page", round_by=8)
    return svg.picture(_WIDTH, height, title=f"{chart.title}, {chart.unit}", style=_STYLE, parts=[frame, *parts])


@dataclass(frozen=True)
class _Scale:
    least: float
    most: float
    logarithmic: bool

    def length(self, figure: float) -> float:
        if self.logarithmic:
            return _LONGEST * math.log10(figure / self.least) / math.log10(self.most / self.least)
        return _LONGEST * figure / self.most

    def lines(self) -> list[float]:
        """Where lines stand behind the bars."""
        if not self.logarithmic:
            return [0]
        first, last = round(math.log10(self.least)), int(math.log10(self.most))
        return [self.length(10**power) for power in range(first, last + 1)]


def _scale(figures: Sequence[float], *, logarithmic: bool) -> _Scale:
    return _Scale(10 ** math.floor(math.log10(min(figures))), max(figures), logarithmic)


def _bars(rows: Sequence[tuple[str, float]], top: float, scale: _Scale) -> Iterator[str]:
    for x in scale.lines():
        yield svg.line(_LEFT + x, top, _LEFT + x, top + len(rows) * _ROW, kind="axis")
    for at, (name, figure) in enumerate(rows):
        y, length = top + at * _ROW, scale.length(figure)
        kind = "ours" if name.startswith(("ours", "this mock")) else "other"
        yield svg.text(20, y + 15, name, kind="name")
        yield svg.rectangle(_LEFT, y + 3, length, _ROW - 6, kind=kind, round_by=2)
        written = f"{figure:,.0f}" if scale.logarithmic else f"{figure:.2f}"
        yield svg.text(_LEFT + length + 6, y + 15, written, kind="figure")


def updated(page: str, printed: str) -> str:
    """The page with the tables that were printed, each under its heading, or a new one after the table before it.

    Raises:
        LookupError: The first table that was printed has no place in the page.
    """
    before = ""
    for new in _SECTION.finditer(printed):
        section = next((one for one in _SECTION.finditer(page) if one["heading"] == new["heading"]), None)
        if section is not None:
            page = f"{page[: section.start('table')]}{new['table']}{page[section.end('table') :]}"
        elif before:
            end = next(one.end() for one in _SECTION.finditer(page) if one["heading"] == before)
            page = f"{page[:end]}\n### {new['heading']}\n\n{new['table']}{page[end:]}"
        else:
            raise LookupError(f"{PAGE.name} has no table under the heading {new['heading']}")
        before = new["heading"]
    return page


def write(printed: str, page: Path = PAGE) -> None:
    """Put tables into the page, and draw all its charts, in `images` beside its folder."""
    text = updated(page.read_text(encoding="utf-8"), printed)
    page.write_text(text, encoding="utf-8")
    for chart in CHARTS:
        (page.parents[1] / "images" / f"chart-{chart.name}.svg").write_text(draw(chart, text), encoding="utf-8")


def add_update(parser: argparse.ArgumentParser) -> None:
    """Describe the option of a benchmark that updates the page; it gives the page's path."""
    about = f"put the tables into docs/evidence/{PAGE.name} and draw its charts"
    parser.add_argument("--update", action="store_const", const=PAGE, help=about)


@contextmanager
def printing(into: Path | None) -> Generator[None]:
    """Let tables be printed, and put them into a page, if there is one, when all have been."""
    kept = io.StringIO()
    with redirect_stdout(cast("IO[str]", _Both(sys.stdout, kept))):
        yield
    if into is not None:
        write(kept.getvalue(), into)


class _Both:
    def __init__(self, *streams: IO[str]) -> None:
        self._streams = streams

    def write(self, text: str) -> int:
        return max(stream.write(text) for stream in self._streams)

    def flush(self) -> None:
        for stream in self._streams:
            stream.flush()


if __name__ == "__main__":
    write("")
