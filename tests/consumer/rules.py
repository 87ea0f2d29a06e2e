"""The matching rules that the contract uses, spelled as a pact file spells them.

They are given beside plain examples and not as pact-python matchers, because an OR of rules has no matcher and because
a matcher at the same path would turn that OR into an AND.
"""

import re
from collections.abc import Iterable
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
EQUALITY: Final = {"match": "equality"}
_UUID: Final = {"match": "regex", "regex": f"^{UUID}$"}
DATE_TIME: Final = {"match": "regex", "regex": DATE_TIME_PATTERN}
_ESSAY_STATUS: Final = one_of(("pending", "initialized", "processing", "completed", "failed", "cancelled"))
_PHASE: Final = one_of(("spellcheck", "cj_assessment"))
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
    """The value has to be what a matcher says."""
    return {"combine": "AND", "matchers": [matcher]}


def null_or(matcher: dict[str, str]) -> dict[str, Any]:
    """The value has to be `null`, or what a matcher says."""
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
        f"{at}.current_phase": null_or(_PHASE),
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
    """A page of anybody's batches: all of the user asked for, and as many as there are."""
    batch = _batch("$.batches[*]", user_id=EQUALITY, batch_id=_UUID)
    pagination = {f"$.pagination.{name}": must(INTEGER) for name in ("limit", "offset", "total")}
    return {"$.batches": must(_TYPE), **batch, **pagination}


def status_shape() -> Rules:
    """Any batch in any state: the one asked for, and whoever's it is."""
    return {**_batch("$", user_id=_TYPE, batch_id=EQUALITY), **_essays("$.essays")}


def class_shape(batch_id: str) -> Rules:
    """The class of a batch, under the id that was asked for."""
    at = f"$['{batch_id}']"
    return {f"{at}.class_id": must(_UUID), f"{at}.class_name": must(_TYPE)}


def moments(body: Any, at: str = "$") -> Rules:
    """For every date-time of a pinned answer: that moment, in any spelling that the contract allows."""
    if isinstance(body, str):
        return {at: must({"match": "regex", "regex": _moment(body)})} if re.fullmatch(DATE_TIME_PATTERN, body) else {}
    children: Iterable[tuple[str, Any]] = ()
    if is_object(body):
        children = ((f".{key}" if key.isidentifier() else f"['{key}']", value) for key, value in body.items())
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
