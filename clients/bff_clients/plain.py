"""RAS and CMS as plain data: dictionaries with JSON-ready values, for code that was written for the planned protocols.

Prefer the typed clients: a type checker finds a misspelled field there. These adapters are for code that already takes
dictionaries, until it is rewritten.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from bff_clients.models import StatusFilter
from bff_clients.protocols import CMSClientProtocol, RASClientProtocol

_NO_CLASS: Final[Mapping[str, None]] = {"class_id": None, "class_name": None}


class PlainRASClientProtocol(Protocol):
    """Reads batches as dictionaries."""

    async def get_batches_for_user(
        self, user_id: str, *, limit: int = 20, offset: int = 0, status: str | None = None
    ) -> list[dict[str, Any]]:
        """Read one page of a teacher's batches, newest first."""
        ...

    async def get_batch_status(self, batch_id: str) -> dict[str, Any] | None:
        """Read one batch with its essays; `None` when RAS does not know it."""
        ...


class PlainCMSClientProtocol(Protocol):
    """Reads the classes of batches as dictionaries."""

    async def get_batch_class_info(self, batch_ids: list[str]) -> dict[str, dict[str, str | None]]:
        """Read the class of each batch; the values of a batch without a class are `None`."""
        ...


class PlainRASClient:
    """Turns the responses of a typed RAS client into dictionaries; errors are those of the typed client."""

    def __init__(self, ras: RASClientProtocol) -> None:
        self._ras = ras

    async def get_batches_for_user(
        self,
        user_id: str,
        *,
        limit: int = 20,
        offset: int = 0,
        status: StatusFilter | None = None,
    ) -> list[dict[str, Any]]:
        """Read one page of a teacher's batches, newest first, without its position among all of them."""
        page = await self._ras.get_batches_for_user(user_id, limit=limit, offset=offset, status=status)
        return [batch.model_dump(mode="json") for batch in page.batches]

    async def get_batch_status(self, batch_id: str) -> dict[str, Any] | None:
        """Read one batch with its essays; `None` when RAS does not know it."""
        found = await self._ras.get_batch_status(batch_id)
        return None if found is None else found.model_dump(mode="json")


class PlainCMSClient:
    """Turns the responses of a typed CMS client into dictionaries; errors are those of the typed client."""

    def __init__(self, cms: CMSClientProtocol) -> None:
        self._cms = cms

    async def get_batch_class_info(self, batch_ids: list[str]) -> dict[str, dict[str, str | None]]:
        """Read the class of each batch; ``class_id`` and ``class_name`` of a batch without a class are `None`."""
        found = await self._cms.get_batch_class_info(batch_ids)
        return {batch_id: dict(_NO_CLASS) if info is None else info.model_dump() for batch_id, info in found.items()}
