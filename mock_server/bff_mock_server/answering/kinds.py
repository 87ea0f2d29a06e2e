"""Classifies responses by their content, so that coverage distinguishes the responses to one request."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.platform import BY_NAME, RAS
from bff_mock_server.responses.reply import Kind

NONE_HAS: Final[Kind] = frozenset({"none"})
_NO_ROWS: Final[Kind] = frozenset({"no rows", "first"})
_NO_ROWS_LATER: Final[Kind] = frozenset({"no rows", "later"})
_DEFAULT_LIMIT: Final = int(BY_NAME[RAS].query_defaults["limit"])
_PHASES: Final = ("spellcheck", "cj_assessment")
_ESSAYS, _SOME_FAILED, _ALL_FAILED = (("essays", which) for which in ("some", "some failed", "all failed"))
_NO_ESSAYS: Final = ("essays", "none")
INCIDENTAL: Final[Kind] = frozenset(
    {"one", "several", "full", "mixed", "last", "more", "repeats", "nulls", *_PHASES}
    | {_ESSAYS, _SOME_FAILED, _ALL_FAILED}
)
"""Features that an example may have incidentally: they count only where another interaction of the case lacks them."""


def kind_of_map(entries: Any) -> Kind | None:
    """Whether none, some or all of the ids have something, and whether there are many of them."""
    if not is_object(entries):
        return None
    without = list(entries.values()).count(None)
    if without == len(entries) and without <= _DEFAULT_LIMIT:
        return NONE_HAS
    have = "all" if not without else "some" if without < len(entries) else "none"
    return _of_map(have, len(entries) > 1, len(entries) > _DEFAULT_LIMIT)


@lru_cache
def _of_map(have: str, is_several: bool, is_many: bool) -> Kind:  # noqa: FBT001  # a key of the cache
    return frozenset({have, "several" if is_several else "one", *({"many"} if is_many else ())})


def kind_of_list(rows: Sequence[Any]) -> Kind:
    """Whether there are rows, whether several, whether two have an id in common, whether one has a `null`."""
    if not rows:
        return NONE_HAS
    texts = [value for row in rows if is_object(row) for value in row.values() if isinstance(value, str)]
    shows = {"rows", "several" if len(rows) > 1 else "one"}
    shows.update({"repeats"} if len(set(texts)) < len(texts) else ())
    shows.update({"nulls"} if any(map(_has_null, rows)) else ())
    return frozenset(shows)


def _has_null(value: object) -> bool:
    if is_object(value):
        return any(map(_has_null, value.values()))
    return value is None


def kind_of_batch(body: Any) -> Kind:
    """What the dashboard distinguishes: status and phase, whether there are essays, and whether they failed."""
    if not is_object(body):
        return frozenset()
    names = ("overall_status", "current_phase")
    return frozenset({*((name, _text(body.get(name))) for name in names), _essays(body.get("essays"))})


def kind_in_status(internal_status: str) -> Kind:
    """What RAS stores of a batch: several internal statuses look the same in its response."""
    return frozenset({("internal_status", internal_status)})


def _text(value: object) -> str | None:
    """A real service may answer anything where its contract has a text."""
    return value if isinstance(value, str) else None


def _essays(essays: object) -> tuple[str, str]:
    if not is_array(essays) or not essays:
        return _NO_ESSAYS
    failed = sum(any(_is_failed(essay, phase) for phase in _PHASES) for essay in essays)
    return _ESSAYS if not failed else _ALL_FAILED if failed == len(essays) else _SOME_FAILED


def _is_failed(essay: object, phase: str) -> bool:
    return is_object(essay) and essay.get(f"{phase}_status") == "failed"


UNKNOWN: Final = kind_of_batch({})


def kind_of_page(rows: Sequence[Mapping[str, Any]], offset: int, limit: int, *, is_last: bool) -> Kind:
    """What the dashboard distinguishes: how full a page is and where it is; of the first page also what is in it."""
    if not rows:
        return _NO_ROWS_LATER if offset else _NO_ROWS
    if offset:
        return kind_of_later_page(len(rows), limit, is_last=is_last)
    shows: set[object] = {"rows", "first", *_fullness(len(rows), limit)}
    shows.update(phase for row in rows if (phase := _text(row.get("current_phase"))) is not None)
    shows.update({"mixed"} if len({_text(row.get("overall_status")) for row in rows}) > 1 else ())
    shows.update({"long"} if limit > _DEFAULT_LIMIT else ())
    return frozenset(shows)


def kind_of_later_page(size: int, limit: int, *, is_last: bool) -> Kind:
    """As `kind_of_page`, of a page with an offset and so many rows, at least one: what is in them does not matter."""
    return _of_later_page(_fullness(size, limit), is_last)


@lru_cache
def _of_later_page(fullness: tuple[str, ...], is_last: bool) -> Kind:  # noqa: FBT001  # a key of the cache
    return frozenset({"rows", "later", "last" if is_last else "more", *fullness})


def _fullness(size: int, limit: int) -> tuple[str, ...]:
    return () if size == 1 else ("several", "full") if size == limit else ("several",)
