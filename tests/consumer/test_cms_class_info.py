"""What the BFF needs of CMS: which class a batch belongs to."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from bff_clients import ClassInfo, CMSClient
from bff_contracts.states import BATCHES_HAVE_CLASSES
from tests.consumer import rules
from tests.consumer.conftest import Receives
from tests.consumer.recording import ids_query, settings_for
from tests.consumer.rows import BATCH_IDS, ENGLISH_CLASS, SWEDISH_CLASS

pytestmark = pytest.mark.anyio

PATH = "/internal/v1/batches/class-info"
_FIRST, _SECOND, _THIRD = BATCH_IDS[0], BATCH_IDS[2], BATCH_IDS[4]


async def test_shape_of_class_info(cms_receives: Receives, http: httpx.AsyncClient) -> None:
    """Each id asked for has an entry, which is a class or `null`."""
    classes = {_FIRST: SWEDISH_CLASS, _SECOND: None}
    expected = (
        cms_receives("classes of batches: with and without a class")
        .given(BATCHES_HAVE_CLASSES, classes=classes)
        .shape()
        .get(PATH, **ids_query(*classes))
        .authenticated()
        .answers(200, classes, rules.class_shape(_FIRST))
    )

    with expected.served() as url:
        found = await CMSClient(http, settings_for(url)).get_batch_class_info(list(classes))

    assert found == _models(classes)


@pytest.mark.parametrize(
    ("description", "classes"),
    [
        pytest.param("classes of batches: all have one", [SWEDISH_CLASS, ENGLISH_CLASS], id="all"),
        pytest.param("classes of batches: one batch", [ENGLISH_CLASS], id="one"),
        pytest.param("classes of batches: none has one", [None, None], id="none"),
        pytest.param("classes of batches: some have one", [SWEDISH_CLASS, None, ENGLISH_CLASS], id="some"),
    ],
)
async def test_class_info(
    cms_receives: Receives, http: httpx.AsyncClient, description: str, classes: list[Any]
) -> None:
    """Every batch has the class that it was given, and `null` stands for none."""
    body: dict[str, Any] = dict(zip((_FIRST, _SECOND, _THIRD), classes, strict=False))
    expected = (
        cms_receives(description)
        .given(BATCHES_HAVE_CLASSES, classes=body)
        .get(PATH, **ids_query(*body))
        .authenticated()
        .answers(200, body)
    )

    with expected.served() as url:
        found = await CMSClient(http, settings_for(url)).get_batch_class_info(list(body))

    assert found == _models(body)


def _models(classes: Mapping[str, Any]) -> dict[str, ClassInfo | None]:
    return {batch_id: ClassInfo.model_validate(value) if value else None for batch_id, value in classes.items()}
