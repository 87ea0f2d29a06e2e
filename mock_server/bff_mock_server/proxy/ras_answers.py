"""Reads batches out of the answers of a real RAS."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard
from uuid import UUID

from bff_contracts.pact.json_path import is_array, is_object

_OK: Final = 200


def batches_in(status: int, body: bytes) -> Iterator[Mapping[str, Any]]:
    """The batches of an answer of RAS: of a page, or one alone."""
    if status != _OK:
        return
    try:
        document: object = json.loads(body)
    except ValueError:
        return
    if not is_object(document):
        return
    rows = document.get("batches", [document] if "batch_id" in document else [])
    yield from (row for row in rows if is_object(row)) if is_array(rows) else ()


def is_uuid(text: object) -> TypeGuard[str]:
    """Whether a value is a UUID in its canonical form."""
    try:
        return isinstance(text, str) and str(UUID(text)) == text
    except ValueError:
        return False
