"""The matching rules that the contract uses, spelled as a pact file spells them.

They are given beside plain examples and not as pact-python matchers, because an OR of rules has no matcher and because
a matcher at the same path would turn that OR into an AND.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from bff_clients.models import DATE_TIME_PATTERN, UUID_PATTERN
from bff_contracts.pact.json_path import is_array, is_object

Rules = dict[str, dict[str, Any]]

UUID: Final = UUID_PATTERN.removeprefix("^").removesuffix("$")


def one_of(values: Iterable[str]) -> dict[str, str]:
    """A matcher for a vocabulary."""
    return {"match": "regex", "regex": f"^(?:{'|'.join(values)})$"}


_NULL: Final = {"match": "null"}
_TYPE: Final = {"match": "type"}
INTEGER: Final = {"match": "integer"}
_NUMBER: Final = {"match": "number"}
_TEXT: Final = {"match": "regex", "regex": r"^[\s\S]*$"}
EQUALITY: Final = {"match": "equality"}
_UUID: Final = {"match": "regex", "regex": f"^{UUID}$"}
DATE_TIME: Final = {"match": "regex", "regex": DATE_TIME_PATTERN}
_ESSAY_STATUS: Final = one_of(("pending", "initialized", "processing", "completed", "failed", "cancelled"))
_CLIENT_STATUS: Final = one_of(
    (
        "pending_content",
        "ready",
        "processing",
        "completed_successfully",
        "completed_with_failures",
        "failed",
        "cancelled",
    )
)


def must(matcher: dict[str, str]) -> dict[str, Any]:
    """The value has to match a matcher."""
    return {"combine": "AND", "matchers": [matcher]}


def null_or(matcher: dict[str, str]) -> dict[str, Any]:
    """The value has to be `null`, or match a matcher."""
    return {"combine": "OR", "matchers": [_NULL, matcher]}


def _batch(at: str, *, user_id: dict[str, str], batch_id: dict[str, str]) -> Rules:
    return {
        f"{at}.batch_id": must(batch_id),
        f"{at}.user_id": must(user_id),
        f"{at}.assignment_id": null_or(_TYPE),
        f"{at}.overall_status": must(_CLIENT_STATUS),
        f"{at}.essay_count": must(INTEGER),
        f"{at}.completed_essay_count": must(INTEGER),
        f"{at}.failed_essay_count": must(INTEGER),
        f"{at}.requested_pipeline": null_or(_TYPE),
        f"{at}.current_phase": null_or(_TYPE),
        f"{at}.created_at": must(DATE_TIME),
        f"{at}.last_updated": must(DATE_TIME),
        f"{at}.processing_started_at": null_or(DATE_TIME),
        f"{at}.processing_completed_at": null_or(DATE_TIME),
    }


def _essays(at: str) -> Rules:
    return {
        at: must(_TYPE),
        f"{at}[*].essay_id": must(_TYPE),
        f"{at}[*].filename": null_or(_TYPE),
        f"{at}[*].file_upload_id": null_or(_TYPE),
        f"{at}[*].spellcheck_status": null_or(_ESSAY_STATUS),
        f"{at}[*].spellcheck_correction_count": null_or(INTEGER),
        f"{at}[*].spellcheck_corrected_text_storage_id": null_or(_TYPE),
        f"{at}[*].cj_assessment_status": null_or(_ESSAY_STATUS),
        f"{at}[*].cj_rank": null_or(INTEGER),
        f"{at}[*].cj_score": null_or(_NUMBER),
        f"{at}[*].last_updated": must(DATE_TIME),
    }


def list_shape() -> Rules:
    """A page of any user's batches: all of the requested user, in any number."""
    batch = _batch("$.batches[*]", user_id=EQUALITY, batch_id=_UUID)
    pagination = {f"$.pagination.{name}": must(INTEGER) for name in ("limit", "offset", "total")}
    return {"$.batches": must(_TYPE), **batch, **pagination}


def status_shape() -> Rules:
    """Any batch in any state: the requested one, of any user."""
    return {**_batch("$", user_id=_TYPE, batch_id=EQUALITY), **_essays("$.essays")}


def class_shape(batch_id: str) -> Rules:
    """The class of a batch, under the requested id."""
    at = f"$['{batch_id}']"
    return {f"{at}.class_id": must(_UUID), f"{at}.class_name": must(_TYPE)}


def student_names_shape() -> Rules:
    """The names of any number of students."""
    name = "$[*].student_person_name"
    return {
        "$": must(_TYPE),
        "$[*].essay_id": must(_UUID),
        "$[*].student_id": must(_UUID),
        f"{name}.first_name": must(_TYPE),
        f"{name}.last_name": must(_TYPE),
        f"{name}.legal_full_name": null_or(_TYPE),
    }


def pinned(body: Any, at: str = "$") -> Rules:
    """How another answer may differ from a pinned one: in how it spells moments, and in the order of essays.

    RAS promises no order of the essays of a batch. Each essay of the example has to be there, in all its fields, and
    none beside them.
    """
    if isinstance(body, str):
        return {at: must(moment(body))} if re.fullmatch(DATE_TIME_PATTERN, body) else {}
    found: Rules = {}
    if is_object(body):
        for key, value in body.items():
            step = f"{at}.{key}" if key.isidentifier() else f"{at}['{key}']"
            found |= _in_any_order(value, step) if key == "essays" and len(value) > 1 else pinned(value, step)
    elif is_array(body):
        for index, value in enumerate(body):
            found |= pinned(value, f"{at}[{index}]")
    return found


def pinned_names(body: list[dict[str, Any]]) -> Rules:
    """How another answer may differ from pinned names: in their order, and in the full name where none is stored.

    CMS promises no order of the associations of a batch, and today makes a full name of first and last name.
    """
    if len(body) > 1:
        full_name = {"$[*].student_person_name.legal_full_name": null_or(_TEXT)}
        return {**_in_any_order(body, "$", _full_name), **full_name}
    return {f"$[0]{path.removeprefix('$')}": rule for item in body for path, rule in _full_name(item).items()}


def _full_name(item: dict[str, Any]) -> Rules:
    name = item["student_person_name"]
    if name["legal_full_name"] is not None:
        return {}
    both = re.escape(f"{name['first_name']} {name['last_name']}")
    return {"$.student_person_name.legal_full_name": null_or({"match": "regex", "regex": f"^{both}$"})}


def _in_any_order(items: list[dict[str, Any]], at: str, free: Callable[[dict[str, Any]], Rules] = pinned) -> Rules:
    variants = [{"index": index, "rules": {**free(item)}, "generators": {}} for index, item in enumerate(items)]
    # Every item of the example is somewhere, and there are as many as in the example. The second matcher also compares
    # item by item, hence a rule for each field that says no more than what kind of value it is.
    matchers = [
        {"match": "arrayContains", "variants": variants},
        {"match": "type", "min": len(items), "max": len(items)},
    ]
    found: Rules = {at: {"combine": "AND", "matchers": matchers}}
    for name in items[0]:
        known = next((item[name] for item in items if item[name] is not None), None)
        if isinstance(known, str):
            found[f"{at}[*].{name}"] = null_or(_TEXT)
        elif isinstance(known, int | float):
            found[f"{at}[*].{name}"] = null_or(_NUMBER)
    return found


def moment(value: str) -> dict[str, str]:
    """A matcher for a moment in any form of a date-time: in UTC or Swedish time, its fraction kept or cut."""
    written = datetime.fromisoformat(value)
    fraction = value[19:] or ".000"
    cut = rf"(?:\{fraction[:4]}(?:{fraction[4:] or '000'})?)?"
    spelled = [
        f"{(written + timedelta(hours=hours)).isoformat(timespec='seconds')[:19]}{cut}{zone}"
        for hours, zone in ((0, "(?:Z|[+-]00:00)?"), (1, "[+]01:00"), (2, "[+]02:00"))
    ]
    return {"match": "regex", "regex": f"^(?:{'|'.join(spelled)})$"}
