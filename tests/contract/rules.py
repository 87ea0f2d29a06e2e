"""The matching rules that the contract uses, spelled as a pact file spells them.

They are given beside plain examples and not as pact-python matchers, because an OR of rules has no matcher and because
a matcher at the same path would turn that OR into an AND.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from bff_clients.models import DATE_TIME_PATTERN, UUID_PATTERN
from bff_contracts.json_values import is_array, is_object

Rules = dict[str, dict[str, Any]]

UUID: Final = UUID_PATTERN.removeprefix("^").removesuffix("$")


def _one_of(values: Iterable[str]) -> dict[str, str]:
    return {"match": "regex", "regex": f"^(?:{'|'.join(values)})$"}


_NULL: Final = {"match": "null"}
_TYPE: Final = {"match": "type"}
_INTEGER: Final = {"match": "integer"}
_NUMBER: Final = {"match": "number"}
_UUID: Final = {"match": "regex", "regex": f"^{UUID}$"}
_DATE_TIME: Final = {"match": "regex", "regex": DATE_TIME_PATTERN}
_ESSAY_STATUS: Final = _one_of(("pending", "initialized", "processing", "completed", "failed", "cancelled"))
_PHASE: Final = _one_of(("spellcheck", "cj_assessment"))
_CLIENT_STATUS: Final = _one_of(
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


def _must(matcher: dict[str, str]) -> dict[str, Any]:
    return {"combine": "AND", "matchers": [matcher]}


def _null_or(matcher: dict[str, str]) -> dict[str, Any]:
    return {"combine": "OR", "matchers": [_NULL, matcher]}


def _batch(at: str, *, user_id: dict[str, str], batch_id: dict[str, str]) -> Rules:
    return {
        f"{at}.batch_id": _must(batch_id),
        f"{at}.user_id": _must(user_id),
        f"{at}.assignment_id": _null_or(_TYPE),
        f"{at}.overall_status": _must(_CLIENT_STATUS),
        f"{at}.essay_count": _must(_INTEGER),
        f"{at}.completed_essay_count": _must(_INTEGER),
        f"{at}.failed_essay_count": _must(_INTEGER),
        f"{at}.requested_pipeline": _null_or(_TYPE),
        f"{at}.current_phase": _null_or(_PHASE),
        f"{at}.created_at": _must(_DATE_TIME),
        f"{at}.last_updated": _must(_DATE_TIME),
        f"{at}.processing_started_at": _null_or(_DATE_TIME),
        f"{at}.processing_completed_at": _null_or(_DATE_TIME),
    }


def _essays(at: str) -> Rules:
    return {
        at: _must(_TYPE),
        f"{at}[*].essay_id": _must(_TYPE),
        f"{at}[*].filename": _null_or(_TYPE),
        f"{at}[*].file_upload_id": _null_or(_TYPE),
        f"{at}[*].spellcheck_status": _null_or(_ESSAY_STATUS),
        f"{at}[*].spellcheck_correction_count": _null_or(_INTEGER),
        f"{at}[*].spellcheck_corrected_text_storage_id": _null_or(_TYPE),
        f"{at}[*].cj_assessment_status": _null_or(_ESSAY_STATUS),
        f"{at}[*].cj_rank": _null_or(_INTEGER),
        f"{at}[*].cj_score": _null_or(_NUMBER),
        f"{at}[*].last_updated": _must(_DATE_TIME),
    }


def list_shape() -> Rules:
    """A page of anybody's batches: all of the user asked for, and as many as there are."""
    batch = _batch("$.batches[*]", user_id={"match": "equality"}, batch_id=_UUID)
    pagination = {f"$.pagination.{name}": _must(_INTEGER) for name in ("limit", "offset", "total")}
    return {"$.batches": _must(_TYPE), **batch, **pagination}


def status_shape() -> Rules:
    """Any batch in any state: the one asked for, and whoever's it is."""
    return {**_batch("$", user_id=_TYPE, batch_id={"match": "equality"}), **_essays("$.essays")}


def class_shape(batch_id: str) -> Rules:
    """The class of a batch, under the id that was asked for."""
    at = f"$['{batch_id}']"
    return {f"{at}.class_id": _must(_UUID), f"{at}.class_name": _must(_TYPE)}


def moments(body: Any, at: str = "$") -> Rules:
    """For every date-time of a pinned answer: that moment, in any spelling that the contract allows."""
    if isinstance(body, str):
        return {at: _must({"match": "regex", "regex": _moment(body)})} if re.fullmatch(DATE_TIME_PATTERN, body) else {}
    children: Iterable[tuple[str, Any]] = ()
    if is_object(body):
        children = ((f".{key}", value) for key, value in body.items())
    elif is_array(body):
        children = ((f"[{index}]", value) for index, value in enumerate(body))
    found: Rules = {}
    for step, value in children:
        found |= moments(value, at + step)
    return found


def _moment(value: str) -> str:
    seconds, _, fraction = value.partition(".")
    digits = rf"\.{fraction}(?:000)?" if fraction else r"(?:\.000(?:000)?)?"
    return f"^{seconds}{digits}(?:Z|[+]00:00)?$"
