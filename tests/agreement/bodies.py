"""Generates bodies from an interaction: some that its rules allow, and some that break one rule."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from hypothesis import strategies as st

from bff_contracts.pact.file import Response, Rule
from bff_contracts.pact.json_path import is_array, is_object, steps_of

Path = tuple[str | int, ...]
Json = Any

TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=12)
MAX_ROWS: Final = 3
_INTEGERS: Final = st.integers(0, 300) | st.sampled_from([-1, -(2**63), 2**63, 2**64 - 1])
_NUMBERS: Final = _INTEGERS | st.floats(allow_nan=False, allow_infinity=False)


def bodies(response: Response) -> st.SearchStrategy[Json]:
    """Bodies that the rules of a response allow, as far as the engine is not needed to decide."""
    rules = {steps_of(path): rule for path, rule in response.rules.items()}
    return _values(response.body, (), rules)


def _values(example: Json, at: tuple[str, ...], rules: Mapping[tuple[str, ...], Rule]) -> st.SearchStrategy[Json]:
    rule = rules.get(at)
    if is_object(example):
        return st.fixed_dictionaries({name: _values(value, (*at, name), rules) for name, value in example.items()})
    if is_array(example) and example:
        # Below a list each item is a form of its first: that is what a shape says with `*`.
        rows = MAX_ROWS if rule is not None else len(example)
        return st.lists(_values(example[0], (*at, "*"), rules), min_size=0 if rule else rows, max_size=rows)
    if rule is None:
        return st.just(example)
    made = [_matching(json.dumps(dict(matcher), sort_keys=True), json.dumps(example)) for matcher in rule.matchers]
    return st.one_of(made)


@lru_cache(maxsize=256)
def _matching(matcher: str, example: str) -> st.SearchStrategy[Json]:
    """Values for one matcher; both are JSON texts, so that the strategy is made once."""
    rule, value = json.loads(matcher), json.loads(example)
    match rule["match"]:
        case "null":
            return st.none()
        case "integer":
            return _INTEGERS
        case "number":
            return _NUMBERS
        case "regex":
            return st.from_regex(re.compile(rule["regex"], re.ASCII), fullmatch=True)
        case "type" if isinstance(value, str) or value is None:
            return TEXT
        case _:
            return st.just(value)


def places(document: Json, at: Path = ()) -> Iterator[Path]:
    """Every place of a document below its root."""
    children: Iterator[tuple[str | int, Json]] = iter(())
    if is_object(document):
        children = iter(document.items())
    elif is_array(document):
        children = iter(enumerate(document))
    for step, child in children:
        yield (*at, step)
        yield from places(child, (*at, step))


def value_at(document: Json, path: Path) -> Json:
    """The value at a place."""
    for step in path:
        document = document[step]
    return document


@st.composite
def flawed(draw: st.DrawFn, document: Json) -> tuple[str, Json]:
    """A document with one change, and its description; the change may be harmless."""
    everywhere = list(places(document))
    if not everywhere:
        other: list[Json] = [None, [], "", 0, {"error": "x"}]
        return "an empty body", draw(st.sampled_from(other))
    path = draw(st.sampled_from(everywhere))
    name, flaw = draw(st.sampled_from(FLAWS))
    changed = copy.deepcopy(document)
    parent = value_at(changed, path[:-1])
    flaw(draw, parent, path[-1])
    return f"{name} at {'.'.join(map(str, path))}", changed


Flaw = Callable[[st.DrawFn, Any, Any], None]


def _drop(_: st.DrawFn, parent: Any, step: Any) -> None:
    del parent[step]


def _null(_: st.DrawFn, parent: Any, step: Any) -> None:
    parent[step] = None


def _retype(draw: st.DrawFn, parent: Any, step: Any) -> None:
    """A value of another type, look-alikes first."""
    value: Any = parent[step]
    alike: list[Any] = [[value], {"value": value}, json.dumps(value), {}, [], "", 0, 1, 0.5, True, False]
    if isinstance(value, str) and value.isdigit():
        alike.append(int(value))
    if isinstance(value, int | float):
        alike += [float(value), value + 0.5, bool(value), 2**64, -(2**63) - 1, 1e300]
    parent[step] = draw(st.sampled_from(alike))


def _rename(draw: st.DrawFn, parent: Any, step: Any) -> None:
    """A key of another spelling; an item of a list comes twice."""
    if isinstance(step, int):
        parent.insert(step, copy.deepcopy(parent[step]))
        return
    parent[draw(st.sampled_from(respelled(step)))] = parent.pop(step)


def _add_key(draw: st.DrawFn, parent: Any, step: Any) -> None:
    """A key more, a stranger's or another spelling of one that is there."""
    if isinstance(step, str):
        values: list[Any] = [None, 1, {}, [], copy.deepcopy(parent[step])]
        extra = draw(st.sampled_from([*respelled(step), "surprise"]) | TEXT)
        parent.setdefault(extra, draw(st.sampled_from(values)))


def _respell(draw: st.DrawFn, parent: Any, step: Any) -> None:
    """An almost valid text: an unknown word, or a date-time or UUID in an unused form."""
    if isinstance(parent[step], str):
        parent[step] = draw(st.sampled_from(respelled(parent[step])))


def _swap(draw: st.DrawFn, parent: Any, step: Any) -> None:
    """A value in the place of another one beside it."""
    steps: list[Any] = list(range(len(parent))) if is_array(parent) else list(parent)
    others = [one for one in steps if one != step]
    if others:
        other = draw(st.sampled_from(others))
        parent[step], parent[other] = parent[other], parent[step]


FLAWS: Final[tuple[tuple[str, Flaw], ...]] = (
    ("dropped", _drop),
    ("nulled", _null),
    ("retyped", _retype),
    ("renamed", _rename),
    ("one more", _add_key),
    ("respelled", _respell),
    ("swapped", _swap),
)
"""The near misses: what one thing can be wrong with a body."""

FOREIGN_ID: Final = "0b5c1b0e-6f0a-4c0e-8c53-5b3f6f6d2b11"

WORDS: Final = [
    FOREIGN_ID,
    *("processing_pipelines", "awaiting_content_validation", "failed_critically", "done", "nlp", ""),
    *("spellcheck", "cj_assessment", "processing", "ready", "pending", "2026-01-31", "1769847330"),
    *("2026-01-31T08:15:30", "2026-02-30T08:15:30", "2024-02-29T23:59:59.999Z", "2026-01-31T08:15:30.1"),
    *("2026-01-31T24:00:00", "2026-01-31T08:15:60", "2026-01-31T08:15:30+0100", "2026-01-31t08:15:30z"),
]
"""Texts that are right somewhere else, and wrong ones that readers of dates and words are known to take."""


def respelled(text: str) -> list[str]:
    """Spellings of a text that a careless reader takes for the same."""
    edits = [
        text.upper(),
        text.lower(),
        text.title(),
        text.replace("-", ""),
        text.replace("_", "-"),
        text.replace("T", " "),
        text.replace(":", ""),
        text.removesuffix("Z"),
        re.sub(r"(?:Z|[+-]\d\d:\d\d)$", "", text) + "+02:00",
        re.sub(r"\.\d+", "", text),
        f"{text}Z",
        f"{text}+00:00",
        f"{text}.5",
        f" {text}",
        f"{text} ",
        f"{text}\n",
        f"{{{text}}}",
        f"urn:uuid:{text}",
        text[:-1],
        text[1:],
        f"{text}x",
        re.sub("[a-z]_([a-z])", lambda found: found[0][0] + found[1].upper(), text),
        *WORDS,
    ]
    return [edit for edit in dict.fromkeys(edits) if edit != text]


def mangled(text: str) -> st.SearchStrategy[str]:
    """The text of a body with one thing changed that no document shows."""
    number, string = re.search(r"-?\d+(?:\.\d+)?(?=[,}\]])", text), re.search(r'"(?=[,}\]])', text)
    edits = [text, f" {text}\n", f"\ufeff{text}", f"{text} x", text[:-1], f"{text[:-1]},}}", f"[{text}]"]
    if number:
        spellings = ("1E2", "1.0", "1e400", "1e-400", "NaN", "-Infinity", "0x10", "01", "9" * 400)
        edits += [text[: number.start()] + one + text[number.end() :] for one in spellings]
    if string:
        edits += [
            text[: string.start()] + one + text[string.start() :]
            for one in ("\\u0000", "\\ud800", "\\ud83d\\ude00", "\\x41", "\t", "\x7f", "ö", "\\/")
        ]
    if text.startswith("{") and len(text) > 2:
        edits += [f'{{"batches":7,{text[1:]}', f'{text[:-1]},"batches":7}}', f'{text[:-1]},"x":{"[" * 99}{"]" * 99}}}']
    return st.sampled_from(edits)
