"""Makes models for tests, in one line each; fields that are not named get values that the contract allows.

```python
page = make_page(make_batch(overall_status="ready"), total=7)
```
"""

from typing import Any, Final, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from bff_clients.models import (
    AnswerModel,
    Batch,
    BatchDetails,
    BatchPage,
    ClassInfo,
    Essay,
    Pagination,
    PersonName,
    StudentName,
    ValidationStatus,
)

_M = TypeVar("_M", bound=AnswerModel)
_MOMENT: Final = "2026-01-31T08:15:30Z"


def make_batch(number: int = 1, **fields: Any) -> Batch:
    """Make a batch.

    Args:
        number: Batches with different numbers have different values of `batch_id`.
        fields: Fields of `Batch` to set; ids, statuses and date-times may be given as text.

    Raises:
        pydantic.ValidationError: A field has a value that a batch cannot have.
        TypeError: A batch has no such field.
    """
    return _made(Batch, _batch(number), fields)


def make_batch_details(number: int = 1, *essays: Essay, **fields: Any) -> BatchDetails:
    """Make a batch with its essays; arguments and errors are those of `make_batch`."""
    return _made(BatchDetails, {**_batch(number), "essays": essays, "essay_count": len(essays)}, fields)


def make_essay(number: int = 1, **fields: Any) -> Essay:
    """Make an essay; arguments and errors are those of `make_batch`."""
    defaults = {
        "essay_id": _id("essay", number),
        "filename": f"essay_{number}.docx",
        "file_upload_id": _id("upload", number),
        "spellcheck_status": None,
        "spellcheck_correction_count": None,
        "spellcheck_corrected_text_storage_id": None,
        "cj_assessment_status": None,
        "cj_rank": None,
        "cj_score": None,
        "last_updated": _MOMENT,
    }
    return _made(Essay, defaults, fields)


def make_page(*batches: Batch, limit: int = 20, offset: int = 0, total: int | None = None) -> BatchPage:
    """Make a page of batches; `total` counts these batches and those before them, unless it is given."""
    count = offset + len(batches) if total is None else total
    return BatchPage(batches=batches, pagination=Pagination(limit=limit, offset=offset, total=count))


def make_class_info(number: int = 1, **fields: Any) -> ClassInfo:
    """Make the class of a batch; arguments and errors are those of `make_batch`."""
    return _made(ClassInfo, {"class_id": _id("class", number), "class_name": f"Svenska {number}"}, fields)


def make_validation_status(number: int = 1, **fields: Any) -> ValidationStatus:
    """Make the progress of validation of the batch with this number; arguments and errors are those of `make_batch`."""
    defaults = {
        "batch_id": _id("batch", number),
        "deviation_count": 0,
        "auto_confirm_deadline": None,
        "total_associations": 20,
        "confirmed_associations": 20,
    }
    return _made(ValidationStatus, defaults, fields)


def make_student_name(number: int = 1, first_name: str = "Åsa", last_name: str = "Öberg", **fields: Any) -> StudentName:
    """Make the student of the essay with this number, and their name; arguments and errors are those of `make_batch`.

    Args:
        number: Students with different numbers have different values of `essay_id` and `student_id`.
        first_name: The student's.
        last_name: The student's; the full name is made of both.
        fields: Fields of `StudentName` to set.
    """
    name = PersonName(first_name=first_name, last_name=last_name, legal_full_name=f"{first_name} {last_name}")
    defaults = {
        "essay_id": _id("essay", number),
        "student_id": _id("student", number),
        "student_person_name": name,
    }
    return _made(StudentName, defaults, fields)


def _batch(number: int) -> dict[str, Any]:
    return {
        "batch_id": _id("batch", number),
        "user_id": _id("user", 1),
        "assignment_id": None,
        "overall_status": "ready",
        "essay_count": 0,
        "completed_essay_count": 0,
        "failed_essay_count": 0,
        "requested_pipeline": None,
        "current_phase": None,
        "created_at": _MOMENT,
        "last_updated": _MOMENT,
        "processing_started_at": None,
        "processing_completed_at": None,
    }


def _id(kind: str, number: int) -> str:
    if not isinstance(number, int):  # pyright: ignore[reportUnnecessaryIsInstance]  # `make_batch_details(make_essay())`
        message = f"the number comes first, before {type(number).__name__}"
        raise TypeError(message)
    return str(uuid5(NAMESPACE_URL, f"{kind}-{number}"))


def _made(model: type[_M], defaults: dict[str, Any], fields: dict[str, Any]) -> _M:
    unknown = next((name for name in fields if name not in model.model_fields), None)
    if unknown is not None:
        message = f"{model.__name__} has no field {unknown!r}; it has {', '.join(model.model_fields)}"
        raise TypeError(message)
    values = {name: str(value) if isinstance(value, UUID) else value for name, value in fields.items()}
    return model.model_validate({**defaults, **values})
