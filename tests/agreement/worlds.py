"""Generates sessions of the mock: provider states of the catalogue, with any params that their models allow."""

import re
from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st

from bff_contracts.platform import DATE_TIME_PATTERN, UUID_PATTERN
from bff_contracts.states import CATALOGUE, ProviderState, moment_of
from tests.agreement.bodies import TEXT

IDS: Final = tuple(f"26b9045a-e947-5833-ab3e-{number:012d}" for number in range(6))
"""The ids of every world: few, so that states and requests are about the same batches and teachers."""

DATE_TIMES: Final = st.sampled_from(
    [
        "2026-01-31T08:15:30.120000",
        "2026-01-31T08:15:30",
        "2026-01-31T09:15:30+01:00",
        "2024-02-29T23:59:59.999Z",
        "9999-12-31T23:59:59-01:00",
        "1000-01-01T00:00:00+23:59",
    ]
) | st.from_regex(re.compile(DATE_TIME_PATTERN, re.ASCII), fullmatch=True)
_BY_PATTERN: Final = {UUID_PATTERN: st.sampled_from(IDS), DATE_TIME_PATTERN: DATE_TIMES}

Schema = Mapping[str, Any]


def params_of(state: ProviderState) -> st.SearchStrategy[dict[str, Any]]:
    """Params of a provider state: any that its model allows."""
    schema = state.params.model_json_schema()
    return _values(schema, schema.get("$defs", {})).map(_mended)


def _mended(params: dict[str, Any]) -> dict[str, Any]:
    """Params with any allowed value in each column, made consistent."""
    names: dict[str, Any] = {}
    essays: dict[str, str] = {}
    for batch in params.get("batches", ()):
        owner = batch["batch_id"]
        batch["essays"] = [one for one in batch["essays"] if essays.setdefault(one["essay_id"], owner) == owner]
        done = batch["completed_essay_count"] + batch["failed_essay_count"]
        batch["essay_count"] = max(batch["essay_count"], done, len(batch["essays"]))
        ends = [moment for moment in (batch["processing_started_at"], batch["processing_completed_at"]) if moment]
        if batch["processing_completed_at"] is not None:
            batch["processing_started_at"] = min(ends, key=moment_of)
            batch["processing_completed_at"] = max(ends, key=moment_of)
    for row in filter(None, params.get("classes", {}).values()):
        row["class_name"] = names.setdefault(row["class_id"], row["class_name"])
    for owner, rows in params.get("student_names", {}).items():
        rows[:] = [row for row in rows if essays.setdefault(row["essay_id"], owner) == owner]
        for row in rows:
            row["student_person_name"] = names.setdefault(row["student_id"], row["student_person_name"])
    for row in filter(None, params.get("validations", {}).values()):
        row["total_associations"] += row["deviation_count"] + row["confirmed_associations"]
        row["total_associations"] = max(row["total_associations"], 1)
        if (row["auto_confirm_deadline"] is None) != (row["deviation_count"] == 0):
            row["auto_confirm_deadline"] = "2026-02-01T08:15:30" if row["deviation_count"] else None
    return params


def _values(schema: Schema, known: Mapping[str, Schema]) -> st.SearchStrategy[Any]:  # noqa: C901  # one case for each form
    """Values of the part of JSON Schema that the catalogue's models need."""
    made: st.SearchStrategy[Any]
    match schema:
        case {"$ref": place}:
            made = _values(known[place.rpartition("/")[2]], known)
        case {"anyOf": several}:
            made = st.one_of([_values(one, known) for one in several])
        case {"enum": words}:
            made = st.sampled_from(words)
        case {"pattern": pattern}:
            made = _BY_PATTERN[pattern]
        case {"type": "string"}:
            made = st.sampled_from(IDS) if schema.get("minLength") else TEXT.filter(lambda text: "\0" not in text)
        case {"type": "integer"}:
            made = st.integers(schema["minimum"], 300)
        case {"type": "number"}:
            made = st.floats(0, 1)
        case {"type": "null"}:
            made = st.none()
        case {"items": item}:
            made = st.lists(_values(item, known), max_size=4, unique_by=_identity)
        case {"properties": members}:
            made = st.fixed_dictionaries({name: _values(one, known) for name, one in members.items()})
        case {"patternProperties": members}:
            ((pattern, one),) = members.items()
            made = st.dictionaries(_BY_PATTERN[pattern], _values(one, known), max_size=4)
        case _:
            made = st.just({"storage_id": "prompt-0001"})
    return made


def _identity(item: Mapping[str, Any]) -> object:
    return item.get("batch_id", item.get("essay_id"))


STATES: Final[st.SearchStrategy[tuple[ProviderState, dict[str, Any]]]] = st.one_of(
    [st.tuples(st.just(state), params_of(state)) for state in CATALOGUE]
)
"""A provider state and params for it."""
