"""Draw docs/images/terminal.svg: the refusal that docs/bff-developers.md shows, as a terminal shows it.

A test asks the mock with the page's own command and compares what it answers with the page, so the picture is of real
output.
"""

import re
from pathlib import Path
from typing import Final

from scripts import svg

DOCS: Final = Path(__file__).parents[1] / "docs"
PICTURE: Final = DOCS / "images" / "terminal.svg"

_SECTION: Final = re.compile(
    r"## A refusal explains itself\n\n```sh\n(?P<command>.*?)```\n\n```text\n(?P<answer>.*?)```", re.DOTALL
)
_ADVANCE: Final = 7.8
_LEADING: Final = 19
_MARGIN: Final = 18
_BAR: Final = 34
_LIGHTS: Final = ("red", "yellow", "green")
_KINDS: Final = frozenset({"command", "expected", "actual", "change"})

# The terminal is dark on a light page and on a dark one.
_STYLE: Final = """
.window { fill: #16191f; stroke: #3a4150; }
.bar { fill: #232831; }
.red { fill: #ed6a5e; } .yellow { fill: #f5bf4f; } .green { fill: #61c554; }
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d5dae3; }
.command { fill: #9ecbff; }
.actual { fill: #ff9d94; }
.expected, .change { fill: #8ddb8c; }
"""


def terminal(command: str, answer: str) -> str:
    """The picture of a command and what it printed."""
    lines = [(f"{'$' if at == 0 else ' '} {line}", "command") for at, line in enumerate(command.splitlines())]
    lines += [(line, (line.split() or ["plain"])[0]) for line in answer.splitlines()]
    width = max(len(line) for line, _ in lines) * _ADVANCE + 2 * _MARGIN
    height = _BAR + len(lines) * _LEADING + 1.5 * _MARGIN
    parts = [
        svg.rectangle(0.5, 0.5, width - 1, height - 1, kind="window", round_by=9),
        svg.rectangle(1, 1, width - 2, _BAR - 8, kind="bar", round_by=9),
        *(svg.rectangle(14 + 20 * at, 8, 12, 12, kind=kind, round_by=6) for at, kind in enumerate(_LIGHTS)),
    ]
    for at, (line, kind) in enumerate(lines):
        if line.strip():
            known = kind if kind in _KINDS else "plain"
            y = _BAR + _MARGIN + at * _LEADING
            parts.append(svg.text(_MARGIN, y, line, kind=known, width=len(line) * _ADVANCE))
    return svg.picture(width, height, title=f"{command}\n{answer}", style=_STYLE, parts=parts)


def shown() -> str:
    """The picture of what the page shows now."""
    found = _SECTION.search((DOCS / "bff-developers.md").read_text(encoding="utf-8"))
    if found is None:
        message = "bff-developers.md has no command and answer under 'A refusal explains itself'"
        raise LookupError(message)
    return terminal(found["command"], found["answer"])


if __name__ == "__main__":
    PICTURE.write_text(shown(), encoding="utf-8")
