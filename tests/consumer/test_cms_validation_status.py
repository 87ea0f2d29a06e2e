"""What the BFF needs of CMS: how far the validation of a batch's students is."""

from typing import Any

import httpx
import pytest

from bff_clients import CMSClient
from bff_contracts.states import BATCHES_HAVE_VALIDATIONS
from tests.consumer.conftest import Receives
from tests.consumer.recording import ids_query, settings_for
from tests.consumer.refusing import REFUSALS, error_of
from tests.consumer.rows import BATCH_IDS
from tests.consumer.rules import DATE_TIME, EQUALITY, INTEGER, moments, must, null_or
from tests.support.saying import says_the_same

pytestmark = pytest.mark.anyio

PATH = "/internal/v1/batches/validation-status"
COUNTS = {"deviation_count": 1, "total_associations": 25, "confirmed_associations": 23}
WITH, WITHOUT = ({**COUNTS, "auto_confirm_deadline": deadline} for deadline in ("2026-02-01T08:15:30.120", None))
FREE = dict.fromkeys(COUNTS, must(INTEGER)) | {"batch_id": must(EQUALITY), "auto_confirm_deadline": null_or(DATE_TIME)}


@pytest.mark.parametrize(
    ("description", "found"),
    [
        pytest.param("with and without one", [WITH, None], id="shape"),
        pytest.param("with and without a deadline", [WITH, WITHOUT], id="deadlines"),
        pytest.param("none has one", [None, None], id="none"),
    ],
)
async def test_validation_status(
    cms_receives: Receives, http: httpx.AsyncClient, description: str, found: list[Any]
) -> None:
    """Each id asked for has an entry, which is about that batch, or `null`."""
    seeded = dict(zip(BATCH_IDS, found, strict=False))
    body = {batch_id: row and {"batch_id": batch_id, **row} for batch_id, row in seeded.items()}
    expected = cms_receives(f"progress of validation: {description}").given(
        BATCHES_HAVE_VALIDATIONS, validations=seeded
    )
    rules = moments(body)
    if description == "with and without one":
        expected.shape()
        rules = {f"$['{BATCH_IDS[0]}'].{name}": rule for name, rule in FREE.items()}
    expected.get(PATH, **ids_query(*body)).authenticated().answers(200, body, rules)

    with expected.served() as url:
        read = await CMSClient(http, settings_for(url)).get_batch_validation_status(body)

    assert says_the_same(read, body)


@pytest.mark.parametrize(("reason", "header", "value", "answer"), REFUSALS)
async def test_validation_status_is_refused(
    cms_receives: Receives, reason: str, header: str, value: str | None, answer: dict[str, str]
) -> None:
    """CMS compares the key."""
    expected = cms_receives(f"refused: progress of validation {reason}").get(PATH, **ids_query(BATCH_IDS[0]))

    async def call(http: httpx.AsyncClient, url: str) -> object:
        return await CMSClient(http, settings_for(url)).get_batch_validation_status([BATCH_IDS[0]])

    assert (await error_of(call, expected, header, value, answer)).status_code == 401
