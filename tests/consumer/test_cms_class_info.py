"""What the BFF needs of CMS: which class a batch belongs to."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest

from bff_clients import ClassInfo, CMSClient
from bff_contracts.states import BATCHES_HAVE_CLASSES
from tests.consumer import rules
from tests.consumer.conftest import Receives
from tests.consumer.recording import ids_query, settings_for
from tests.consumer.rows import ENGLISH_CLASS, SWEDISH_CLASS, ids_of, uuid_of

pytestmark = pytest.mark.anyio

PATH = "/internal/v1/batches/class-info"
SPECIAL: Final = (
    "",
    "null",
    "0012",
    " SA24B ",
    '<b>Åk 1</b> & "2"',
    "e\u0301 \u00e9 \N{OWL}",
    ENGLISH_CLASS["class_name"],
)
"""Names that are easily mistaken: for none, for a number, for another name; the last is another class's too."""


async def test_shape_of_class_info(cms_receives: Receives, http: httpx.AsyncClient) -> None:
    """Each id asked for has an entry, which is a class or `null`."""
    first, second = ids_of("shape", 2)
    classes = {first: SWEDISH_CLASS, second: None}
    expected = (
        cms_receives("classes of batches: with and without a class")
        .given(BATCHES_HAVE_CLASSES, classes=classes)
        .shape()
        .get(PATH, **ids_query(*classes))
        .authenticated()
        .answers(200, classes, rules.class_shape(first))
    )

    with expected.served() as url:
        found = await CMSClient(http, settings_for(url)).get_batch_class_info(list(classes))

    assert found == _models(classes)


@pytest.mark.parametrize(
    ("description", "classes"),
    [
        pytest.param("all have one", [SWEDISH_CLASS, ENGLISH_CLASS, SWEDISH_CLASS], id="all"),
        pytest.param("one batch", [ENGLISH_CLASS], id="one"),
        pytest.param("none has one", [None, None], id="none"),
        pytest.param("some have one", [SWEDISH_CLASS, None, ENGLISH_CLASS], id="some"),
        pytest.param(
            "names that are easily mistaken",
            [{"class_id": uuid_of("class", name), "class_name": name} for name in SPECIAL] + [ENGLISH_CLASS],
            id="names",
        ),
        pytest.param("as many as are asked for at once", [*([None] * 98), ENGLISH_CLASS, SWEDISH_CLASS], id="many"),
    ],
)
async def test_class_info(
    cms_receives: Receives, http: httpx.AsyncClient, description: str, classes: list[Any]
) -> None:
    """Every batch has the class that it was given, and `null` stands for none."""
    body: dict[str, Any] = dict(zip(ids_of(description, len(classes)), classes, strict=True))
    expected = (
        cms_receives(f"classes of batches: {description}")
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
