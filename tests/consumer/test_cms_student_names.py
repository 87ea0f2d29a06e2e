"""What the BFF needs of CMS: who wrote the essays of a batch."""

from typing import Final

import httpx
import pytest

from bff_clients import CMSClient
from bff_contracts.states import BATCHES_HAVE_STUDENT_NAMES
from tests.consumer import rules
from tests.consumer.conftest import Receives
from tests.consumer.recording import NAMES_PATH_PATTERN, settings_for
from tests.consumer.refusing import REFUSALS, Refusal, error_of
from tests.consumer.rows import NAMED_BATCH, Json, name_row, uuid_of
from tests.support.body_values import has_the_values_of

pytestmark = pytest.mark.anyio

SHAPE: Final = [name_row("a batch", "a student", "Åsa", "Öberg", "Åsa Kristina Öberg")]
SPECIAL: Final = (
    ("", "Lindqvist", "Lindqvist"),
    ("Anna-Lena", "", "Anna-Lena"),
    ("null", "0012", "null 0012"),
    (" Maja ", "Ek ", " Maja Ek "),
    ("<b>Bo</b>", 'O\'Hara & "Söner"', "Bo"),
    ("Rene\u0301e", "Ren\u00e9e \N{OWL}", "Li"),
    ("Lars", "von Essen", "Lars Gustav Fredrik von Essen"),
    ("Al", "Hassan", "Al-Hassan"),
)
"""Names that are easily mistaken: for none, for a number, for markup, for another name, for one with other parts."""


def path_of(batch_id: str) -> str:
    return f"/internal/v1/batches/{batch_id}/student-names"


async def test_shape_of_student_names(cms_receives: Receives, http: httpx.AsyncClient) -> None:
    """Each essay whose student is known has an entry with both ids and the name."""
    expected = (
        cms_receives("names of students: a batch")
        .given(BATCHES_HAVE_STUDENT_NAMES, student_names={NAMED_BATCH: SHAPE})
        .shape()
        .get(path_of(NAMED_BATCH), NAMES_PATH_PATTERN)
        .authenticated()
        .answers(200, SHAPE, rules.student_names_shape())
    )

    with expected.served() as url:
        names = await CMSClient(http, settings_for(url)).get_batch_student_names(NAMED_BATCH)

    assert has_the_values_of(names, SHAPE)


@pytest.mark.parametrize(
    ("description", "names"),
    [
        pytest.param("one essay", [name_row("one", "one", "Åsa", "Öberg", "Åsa Kristina Öberg")], id="one"),
        pytest.param(
            "three essays",
            [
                name_row("first", "first", "Märta", "Sjöberg", "Märta Sjöberg"),
                name_row("second", "second", "Elias", "Häggström", "Elias Häggström"),
                name_row("third", "third", "Anna-Lena", "Lindqvist", "Anna-Lena Maria Lindqvist"),
            ],
            id="three",
        ),
        pytest.param(
            "a student with two essays, and another of the same name",
            [
                name_row("twice", "twice", "Nils", "Ekström", "Nils Ekström"),
                name_row("twice, again", "twice", "Nils", "Ekström", "Nils Ekström"),
                name_row("namesake", "namesake", "Nils", "Ekström", "Nils Ekström"),
            ],
            id="same-names",
        ),
        pytest.param(
            "no full name is stored",
            [
                name_row("without", "without", "Fatima", "Al-Hassan", None),
                name_row("with", "with", "Göran", "Åkesson", "Göran Per Åkesson"),
            ],
            id="no-full-name",
        ),
        pytest.param(
            "names that are easily mistaken",
            [name_row(f"special {at}", f"special {at}", *name) for at, name in enumerate(SPECIAL)],
            id="special",
        ),
        pytest.param("none", [], id="none"),
    ],
)
async def test_student_names(
    cms_receives: Receives, http: httpx.AsyncClient, description: str, names: list[Json]
) -> None:
    """Every essay of the batch has its student, whose name is as it is stored; other batches' essays are not there."""
    batch_id, neighbour = uuid_of("names", description), uuid_of("names", description, "neighbour")
    stored = {neighbour: [name_row(f"beside {description}", "neighbour", "Li", "Nguyen", "Li Nguyen")], batch_id: names}
    expected = (
        cms_receives(f"names of students: {description}")
        .given(BATCHES_HAVE_STUDENT_NAMES, student_names=stored)
        .get(path_of(batch_id), NAMES_PATH_PATTERN)
        .authenticated()
        .answers(200, names, rules.pinned_names(names))
    )

    with expected.served() as url:
        found = await CMSClient(http, settings_for(url)).get_batch_student_names(batch_id)

    assert has_the_values_of(found, names)


@pytest.mark.parametrize("refused", REFUSALS)
async def test_student_names_are_refused(cms_receives: Receives, refused: Refusal) -> None:
    """CMS compares the key."""
    batch_id = uuid_of("names", "refused")
    expected = cms_receives(f"refused: names of students {refused.reason}").get(path_of(batch_id), NAMES_PATH_PATTERN)

    async def call(http: httpx.AsyncClient, url: str) -> object:
        return await CMSClient(http, settings_for(url)).get_batch_student_names(batch_id)

    assert (await error_of(call, expected, refused)).status_code == 401
