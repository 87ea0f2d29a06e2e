"""What the routes need of the backends."""

from typing import Any, Protocol
from uuid import UUID


class RASClientProtocol(Protocol):
    """Reads batches."""

    async def get_batches_for_user(
        self, user_id: str, correlation_id: UUID, limit: int, offset: int, status: str | None
    ) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """A page of rows, and its pagination."""
        ...


class CMSClientProtocol(Protocol):
    """Reads classes."""

    async def get_class_info_for_batches(
        self, batch_ids: list[UUID], correlation_id: UUID
    ) -> dict[str, dict[str, str] | None]:
        """The class of each batch, or none."""
        ...
