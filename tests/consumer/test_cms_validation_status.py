"""What the BFF needs of CMS: how far the validation of a batch's students is."""

from typing import Any, Final

import httpx
import pytest

from bff_clients import CMSClient
from bff_contracts.states import BATCHES_HAVE_VALIDATIONS
from tests.consumer.conftest import Receives
from tests.consumer.recording import ids_query, settings_for
from tests.consumer.refusing import REFUSALS, Refusal, error_of
from tests.consumer.rows import VALIDATED_BATCHES, Json, ids_of
from tests.consumer.rules import DATE_TIME, EQUALITY, INTEGER, must, null_or, pinned
from tests.support.body_values import has_the_values_of

pytestmark = pytest.mark.anyio

PATH = "/internal/v1/batches/validation-status"


def _validation(pending: int, confirmed: int, total: int, deadline: str | None) -> Json:
    return {
        "deviation_count": pending,
        "auto_confirm_deadline": deadline,
        "total_associations": total,
        "confirmed_associations": confirmed,
    }


UNDER_WAY: Final = _validation(2, 23, 25, "2026-02-01T08:15:30.120")
COUNTS: Final = ("deviation_count", "total_associations", "confirmed_associations")
FREE = dict.fromkeys(COUNTS, must(INTEGER)) | {"batch_id": must(EQUALITY), "auto_confirm_deadline": null_or(DATE_TIME)}


@pytest.mark.parametrize(
    ("description", "found"),
    [
        pytest.param("with and without one", [UNDER_WAY, None], id="shape"),
        pytest.param("with and without a deadline", [UNDER_WAY, _validation(0, 24, 25, None)], id="deadlines"),
        pytest.param(
            "one has begun, one is through",
            [_validation(7, 0, 8, "2026-03-29T02:30:00"), _validation(0, 9, 9, None)],
            id="ends",
        ),
        pytest.param("every association was rejected", [_validation(0, 0, 3, None)], id="rejected"),
        pytest.param("none has one", [None, None], id="none"),
        pytest.param("as many as are asked for at once", [*([None] * 98), UNDER_WAY, None], id="many"),
    ],
)
async def test_validation_status(
    cms_receives: Receives, http: httpx.AsyncClient, description: str, found: list[Any]
) -> None:
    """Each id asked for has an entry, which is about that batch, or `null`."""
    is_shape = description == "with and without one"
    batch_ids = VALIDATED_BATCHES if is_shape else ids_of(f"validation {description}", len(found))
    seeded = dict(zip(batch_ids, found, strict=True))
    body = {batch_id: row and {"batch_id": batch_id, **row} for batch_id, row in seeded.items()}
    expected = cms_receives(f"progress of validation: {description}").given(
        BATCHES_HAVE_VALIDATIONS, validations=seeded
    )
    rules = pinned(body)
    if is_shape:
        expected.shape()
        rules = {f"$['{VALIDATED_BATCHES[0]}'].{name}": rule for name, rule in FREE.items()}
    expected.get(PATH, **ids_query(*body)).authenticated().answers(200, body, rules)

    with expected.served() as url:
        read = await CMSClient(http, settings_for(url)).get_batch_validation_status(body)

    assert has_the_values_of(read, body)


@pytest.mark.parametrize("refused", REFUSALS)
async def test_validation_status_is_refused(cms_receives: Receives, refused: Refusal) -> None:
    """CMS compares the key."""
    (batch_id,) = ids_of("refused validation", 1)
    expected = cms_receives(f"refused: progress of validation {refused.reason}").get(PATH, **ids_query(batch_id))

    async def call(http: httpx.AsyncClient, url: str) -> object:
        return await CMSClient(http, settings_for(url)).get_batch_validation_status([batch_id])

    assert (await error_of(call, expected, refused)).status_code == 401
