"""Classifies answers by what they show, so that coverage tells the answers to one request apart."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bff_contracts.pact.json_path import is_object
from bff_contracts.platform import BY_NAME, RAS
from bff_mock_server.responses.reply import Kind

NONE_HAS: Final[Kind] = frozenset({"none"})
_NO_ROWS: Final[Kind] = frozenset({"no rows", "first"})
_NO_ROWS_LATER: Final[Kind] = frozenset({"no rows", "later"})
_DEFAULT_LIMIT: Final = int(BY_NAME[RAS].query_defaults["limit"])


def kind_of_map(entries: Any) -> Kind | None:
    """Whether none, some or all of the ids have something, and whether there are many of them."""
    if not is_object(entries):
        return None
    without = list(entries.values()).count(None)
    if without == len(entries) and without <= _DEFAULT_LIMIT:
        return NONE_HAS
    have = "all" if not without else "some" if without < len(entries) else "none"
    several = {"several"} if len(entries) > 1 else {"one"}
    return frozenset({have, *several, *({"many"} if len(entries) > _DEFAULT_LIMIT else ())})


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


def kind_of_batch(body: Any, _: object = None) -> Kind:
    """What the dashboard distinguishes: status and phase, and whether there is an essay."""
    if not is_object(body):
        return frozenset()
    names = ("overall_status", "current_phase")
    return frozenset({*((name, body.get(name)) for name in names), ("essays", bool(body.get("essays")))})


UNKNOWN: Final = kind_of_batch({})


def kind_of_page(rows: Sequence[Mapping[str, Any]], offset: int, limit: int, *, is_last: bool) -> Kind:
    """What the dashboard distinguishes: how full a page is and where it is; of the first page also what is in it."""
    if not rows:
        return _NO_ROWS_LATER if offset else _NO_ROWS
    shows: set[object] = {"rows", "later" if offset else "first"}
    if len(rows) > 1:
        shows.update({"several", "full"} if len(rows) == limit else {"several"})
    if offset:
        shows.add("last" if is_last else "more")
    else:
        shows.update(row["current_phase"] for row in rows if row.get("current_phase") is not None)
        shows.update({"mixed"} if len({row.get("overall_status") for row in rows}) > 1 else ())
        shows.update({"long"} if limit > _DEFAULT_LIMIT else ())
    return frozenset(shows)
