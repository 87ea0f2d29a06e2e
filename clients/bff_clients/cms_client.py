"""The Class Management Service over HTTP: which class a batch belongs to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from bff_clients._backend import Backend
from bff_clients._call import BackendClient, Call
from bff_clients._ids import canonical_batch_id
from bff_clients.errors import BackendError
from bff_clients.models import BatchId, ClassInfo

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    import httpx

    from bff_clients.config import BackendSettings

SERVICE: Final = "class-management-service"
MAX_IDS_PER_REQUEST: Final = 100
"""100 ids are 3.7 KB of query: common servers and proxies stop at 4 to 8 KB of request head."""
MAX_URL_BYTES: Final = 4000
MAX_CONCURRENT_REQUESTS: Final = 4

_PATH: Final = "/internal/v1/batches/class-info?batch_ids="
_ID_BYTES: Final = 37
"""A canonical UUID and its comma."""

_CLASSES: Final = TypeAdapter(dict[str, ClassInfo | None])


class CMSClient(BackendClient):
    """Reads classes from CMS. Takes its base URL from the settings, never from the HTTP client."""

    def __init__(self, http: httpx.AsyncClient, settings: BackendSettings) -> None:
        super().__init__(Backend(http, settings, service=SERVICE, base_url=settings.cms_base_url))
        room = MAX_URL_BYTES - len(settings.cms_base_url) - len(_PATH)
        self._ids_per_request = min(MAX_IDS_PER_REQUEST, (room + 1) // _ID_BYTES)

    async def get_batch_class_info(
        self, batch_ids: Iterable[str], *, correlation_id: str | UUID | None = None
    ) -> dict[str, ClassInfo | None]:
        """Read the class of each batch; `None` when it has none, or CMS does not know the batch.

        Many ids are asked for in several requests, at most 4 at a time, under one deadline.

        Args:
            batch_ids: UUIDs in any usual spelling, duplicates allowed; none makes no request.
            correlation_id: A UUID for ``X-Correlation-ID``; a new one when there is none.

        Returns:
            Exactly the caller's ids, spelled as the caller did.

        Raises:
            ValueError: An id is not a UUID, and the message names it; nothing was sent.
            TypeError: `batch_ids` is one string.
            BackendError: There is no whole answer; see `bff_clients.errors`.
        """
        if isinstance(batch_ids, str):
            message = "batch_ids must be a collection of ids, not one string"
            raise TypeError(message)
        wanted = {spelled: canonical_batch_id(spelled) for spelled in batch_ids}
        distinct = list(dict.fromkeys(wanted.values()))
        async with Call(self._backend, "get_batch_class_info", correlation_id) as call:
            size = self._ids_per_request
            chunks = [distinct[start : start + size] for start in range(0, len(distinct), size)]
            found = await _all_classes(call, chunks)
        return {spelled: found[canonical] for spelled, canonical in wanted.items()}


async def _all_classes(call: Call, chunks: list[list[BatchId]]) -> dict[str, ClassInfo | None]:
    """Ask for every chunk; the first failure cancels the rest and is what the caller gets."""
    found: dict[str, ClassInfo | None] = {}
    turns = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)

    async def ask(ids: list[BatchId]) -> None:
        async with turns:
            found.update(await _classes(call, ids))

    try:
        async with asyncio.TaskGroup() as group:
            for chunk in chunks:
                group.create_task(ask(chunk))
    except* BackendError as failures:
        # Unwrapped, so that callers meet one error tree, whatever the number of requests.
        raise failures.exceptions[0] from None
    return found


async def _classes(call: Call, ids: list[BatchId]) -> dict[str, ClassInfo | None]:
    answer = await call.get(_PATH + ",".join(ids))
    classes = call.decode(answer, _CLASSES)
    missing = [batch_id for batch_id in ids if batch_id not in classes]
    if missing:
        raise call.violation(f"{len(missing)} of the {len(ids)} ids asked for are missing", answer.status_code)
    return {batch_id: classes[batch_id] for batch_id in ids}
