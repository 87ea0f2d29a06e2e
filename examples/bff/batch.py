"""One batch of the teacher, with its essays and the students who wrote them."""

import asyncio
from http import HTTPStatus
from typing import Self
from uuid import UUID

from dishka.integrations.fastapi import DishkaRoute, FromDishka
from fastapi import APIRouter
from pydantic import BaseModel, Field

from bff_clients import (
    BatchId,
    CMSClientProtocol,
    EndpointMissing,
    Essay,
    PersonName,
    RASClientProtocol,
    ValidationStatus,
)
from examples.bff.dashboard import BatchSummary
from examples.bff.errors import ApiError
from examples.bff.identity import TeacherId

router = APIRouter(route_class=DishkaRoute)


class EssaySummary(BaseModel):
    """One essay, its author and its progress; `student` is `None` if CMS does not know them."""

    essay_id: str
    filename: str | None
    student: str | None = Field(repr=False)
    spellcheck_status: str | None
    cj_assessment_status: str | None
    cj_rank: int | None

    @classmethod
    def of(cls, essay: Essay, student: PersonName | None) -> Self:
        """The view of an essay."""
        return cls(
            essay_id=essay.essay_id,
            filename=essay.filename,
            student=None if student is None else _full_name(student),
            spellcheck_status=essay.spellcheck_status,
            cj_assessment_status=essay.cj_assessment_status,
            cj_rank=essay.cj_rank,
        )


def _full_name(name: PersonName) -> str:
    return name.legal_full_name or f"{name.first_name} {name.last_name}".strip()


class ValidationSummary(BaseModel):
    """The progress of validating the students."""

    confirmed: int
    total: int

    @classmethod
    def of(cls, status: ValidationStatus) -> Self:
        """The view of a validation status."""
        return cls(confirmed=status.confirmed_associations, total=status.total_associations)


class BatchView(BaseModel):
    """A batch and its essays; `validation` is `None` if there is none, or CMS has not deployed the endpoint yet."""

    batch: BatchSummary
    validation: ValidationSummary | None
    essays: list[EssaySummary]


@router.get("/bff/v1/teacher/batches/{batch_id}")
async def batch(
    batch_id: UUID, teacher: TeacherId, ras: FromDishka[RASClientProtocol], cms: FromDishka[CMSClientProtocol]
) -> BatchView:
    """A batch of this teacher; any other one is a 404."""
    found = await ras.get_batch_status(str(batch_id))
    # RAS does not check the owner. Another teacher gets a 404: a 403 would reveal that the batch exists.
    if found is None or found.user_id != teacher:
        raise ApiError(HTTPStatus.NOT_FOUND, "RESOURCE_NOT_FOUND", "You have no such batch")
    classes, students, validation = await asyncio.gather(
        cms.get_batch_class_info([found.batch_id]), _students(cms, found.batch_id), _validation(cms, found.batch_id)
    )
    # RAS guarantees no order of the essays: unsorted, they would change places between requests.
    essays = sorted(found.essays, key=lambda essay: (essay.filename or "", essay.essay_id))
    return BatchView(
        batch=BatchSummary.of(found, classes[found.batch_id]),
        validation=validation,
        essays=[EssaySummary.of(essay, students.get(essay.essay_id)) for essay in essays],
    )


async def _students(cms: CMSClientProtocol, batch_id: BatchId) -> dict[str, PersonName]:
    """The names of the students by their essays."""
    try:
        names = await cms.get_batch_student_names(batch_id)
    except EndpointMissing:
        return {}
    return {name.essay_id: name.student_person_name for name in names}


async def _validation(cms: CMSClientProtocol, batch_id: BatchId) -> ValidationSummary | None:
    try:
        status = (await cms.get_batch_validation_status([batch_id]))[batch_id]
    except EndpointMissing:
        # CMS deploys this endpoint after the BFF: until then the page shows the rest.
        return None
    return None if status is None else ValidationSummary.of(status)
