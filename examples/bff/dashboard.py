"""The dashboard: a page of the teacher's batches from RAS, with their class names from CMS."""

from datetime import datetime
from typing import Annotated, Self

from dishka.integrations.fastapi import DishkaRoute, FromDishka
from fastapi import APIRouter, Query
from pydantic import BaseModel

from bff_clients import (
    Batch,
    BatchClientStatus,
    ClassInfo,
    CMSClientProtocol,
    ProcessingPhase,
    RASClientProtocol,
)
from examples.bff.identity import TeacherId

router = APIRouter(route_class=DishkaRoute)


class BatchSummary(BaseModel):
    """One batch as a front end lists it; date-times carry their offset."""

    batch_id: str
    assignment_id: str | None
    class_name: str | None
    status: BatchClientStatus
    current_phase: ProcessingPhase | str | None
    essay_count: int
    completed_essay_count: int
    failed_essay_count: int
    created_at: datetime

    @classmethod
    def of(cls, batch: Batch, known: ClassInfo | None) -> Self:
        """The view of a batch; `known` is `None` if it has no class."""
        return cls(
            batch_id=batch.batch_id,
            assignment_id=batch.assignment_id,
            class_name=known.class_name if known else None,
            status=batch.overall_status,
            current_phase=batch.current_phase,
            essay_count=batch.essay_count,
            completed_essay_count=batch.completed_essay_count,
            failed_essay_count=batch.failed_essay_count,
            created_at=batch.created_at,
        )


class Dashboard(BaseModel):
    """A page of batches, newest first; `total` counts all that match, on all pages."""

    batches: list[BatchSummary]
    limit: int
    offset: int
    total: int


@router.get("/bff/v1/teacher/dashboard")
async def dashboard(
    teacher: TeacherId,
    ras: FromDishka[RASClientProtocol],
    cms: FromDishka[CMSClientProtocol],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, lt=10**18)] = 0,
    status: BatchClientStatus | None = None,
) -> Dashboard:
    """The teacher's batches, those in one status if it is given."""
    page = await ras.get_batches_for_user(teacher, limit=limit, offset=offset, status=status)
    classes = await cms.get_batch_class_info([batch.batch_id for batch in page.batches])
    return Dashboard(
        batches=[BatchSummary.of(batch, classes[batch.batch_id]) for batch in page.batches],
        limit=limit,
        offset=offset,
        total=page.pagination.total,
    )
