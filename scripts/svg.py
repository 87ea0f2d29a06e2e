"""Writes the SVG elements of the documents' pictures, the same bytes for the same input."""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" \
role="img" aria-label={title}>
<style>
{style}
</style>
{parts}
</svg>
"""


def picture(width: float, height: float, *, title: str, style: str, parts: Sequence[str]) -> str:
    """A whole picture; `title` is read to those who do not see it."""
    frame = {"title": quoteattr(title), "style": style.strip(), "parts": "\n".join(parts)}
    return _FRAME.format(width=width, height=height, **frame)


def rectangle(x: float, y: float, width: float, height: float, *, kind: str, round_by: float = 0) -> str:
    """A rectangle; `kind` is its class in the style."""
    rounded = f' rx="{round_by:g}"' if round_by else ""
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:.4g}" height="{height:g}"{rounded}/>'


def text(x: float, y: float, words: str, *, kind: str, width: float | None = None) -> str:
    """A line of text, blanks kept; it is fitted to `width` in any font."""
    fitted = f' textLength="{width:g}" lengthAdjust="spacingAndGlyphs"' if width else ""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" xml:space="preserve"{fitted}>{escape(words)}</text>'


def line(x: float, y: float, to_x: float, to_y: float, *, kind: str) -> str:
    """A straight line."""
    return f'<path class="{kind}" d="M{x:g} {y:g}L{to_x:g} {to_y:g}"/>'
