"""What the BFF needs from RAS and CMS; the HTTP clients are one implementation."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from bff_clients.models import (
    Batch,
    BatchDetails,
    BatchPage,
    ClassInfo,
    Id,
    StatusFilter,
    StudentName,
    ValidationStatus,
)


class RASClientProtocol(Protocol):
    """Reads batches and their status."""

    async def ping(self, *, correlation_id: str | UUID | None = None) -> None:
        """Check that the service is up, for a readiness route."""
        ...

    async def get_batches_for_user(
        self,
        user_id: str | UUID,
        *,
        limit: int = 20,
        offset: int = 0,
        status: StatusFilter | None = None,
        correlation_id: str | UUID | None = None,
    ) -> BatchPage:
        """Read one page of a teacher's batches, newest first."""
        ...

    def iter_batches_for_user(
        self,
        user_id: str | UUID,
        *,
        status: StatusFilter | None = None,
        page_size: int = 100,
        correlation_id: str | UUID | None = None,
    ) -> AsyncIterator[Batch]:
        """Read all of a teacher's batches, newest first, page by page."""
        ...

    async def get_batch_status(
        self, batch_id: str | UUID, *, correlation_id: str | UUID | None = None
    ) -> BatchDetails | None:
        """Read one batch with its essays; `None` when RAS does not know it."""
        ...


class CMSClientProtocol(Protocol):
    """Reads the classes of batches, the progress of validating their students, and the students' names."""

    async def ping(self, *, correlation_id: str | UUID | None = None) -> None:
        """Check that the service is up, for a readiness route."""
        ...

    async def get_batch_class_info(
        self, batch_ids: Iterable[Id], *, correlation_id: str | UUID | None = None
    ) -> Mapping[Id, ClassInfo | None]:
        """Read the class of each batch; `None` when it has none."""
        ...

    async def get_batch_validation_status(
        self, batch_ids: Iterable[Id], *, correlation_id: str | UUID | None = None
    ) -> Mapping[Id, ValidationStatus | None]:
        """Read the progress of validating each batch's students; `None` for a batch that is not being validated."""
        ...

    async def get_batch_student_names(
        self, batch_id: str | UUID, *, correlation_id: str | UUID | None = None
    ) -> Sequence[StudentName]:
        """Read who wrote the essays of one batch; empty if no student is known."""
        ...
