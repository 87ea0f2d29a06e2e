"""Pages of batches as RAS answers them."""

import json
from typing import Any

from tests.support.platform import recorded


def page(*rows: dict[str, Any], total: int | None = None, limit: int = 20, offset: int = 0) -> dict[str, Any]:
    counted = len(rows) if total is None else total
    return {"batches": list(rows), "pagination": {"limit": limit, "offset": offset, "total": counted}}


def row(**changes: Any) -> dict[str, Any]:
    listed = json.loads(recorded("ras_user_batches_all_statuses").body)["batches"][8]
    return {**listed, **changes}
