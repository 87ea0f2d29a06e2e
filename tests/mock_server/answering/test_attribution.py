"""The interaction of an answer: the one whose example is requested, else the plainest one that it shows."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from bff_contracts.pact.file import Interaction, read_pact
from bff_contracts.platform import CMS, RAS
from bff_contracts.states import (
    BATCHES_HAVE_CLASSES,
    BATCHES_HAVE_STUDENT_NAMES,
    BATCHES_HAVE_VALIDATIONS,
    USER_HAS_BATCHES,
)
from bff_mock_server import MockApp
from bff_mock_server.answering.coverage import Use
from bff_mock_server.world.world import World
from tests.mock_server.building import (
    A_CLASS,
    PAGE,
    Json,
    app_of,
    batch,
    batch_id,
    cms_app,
    essay,
    interaction,
    pact,
    ras_app,
    regex,
    request,
    rule,
    shipped,
    user_has,
)

CLASSES = "/internal/v1/batches/class-info?batch_ids="
VALIDATIONS = "/internal/v1/batches/validation-status?batch_ids="
NAMES = f"/internal/v1/batches/{batch_id(1)}/student-names"
STATUS = f"/internal/v1/batches/{batch_id(1)}/status"
TYPE = rule({"match": "type"})
READY = "ready_for_pipeline_execution"


def answered_by(app: MockApp) -> str | None:
    """The interaction that the latest answer is of."""
    return app.mock.journal.exchanges()[-1].interaction


def of_own_example(app: MockApp, interaction: Interaction) -> str | None:
    world = app.mock.sessions.default = World()
    for state in interaction.states:
        world.apply(state.name, state.params)
    asked = interaction.request
    query = urlencode([(name, value) for name, values in asked.query.items() for value in values])
    app.reply(request(f"{asked.path}?{query}", headers={name: ", ".join(of) for name, of in asked.headers.items()}))
    return answered_by(app)


PLAINER = {
    "classes of batches: with and without a class": "classes of batches: some have one",
    "names of students: a batch": "names of students: one essay",
    "batch status: a batch": "batch status: in CJ assessment",
}
"""Shapes whose own example shows no more than a pinned interaction does."""


@pytest.mark.parametrize("provider", [RAS, CMS])
def test_the_answer_to_an_interactions_own_example_is_of_it(provider: str) -> None:
    app = app_of(shipped(provider))
    found = {one.description: of_own_example(app, one) for one in shipped(provider).interactions}

    assert {name: other for name, other in found.items() if other != name} == {
        name: other for name, other in PLAINER.items() if name in found
    }


@pytest.mark.parametrize(
    ("classes", "interaction"),
    [
        pytest.param([A_CLASS], "one batch", id="one"),
        pytest.param([A_CLASS] * 2, "all have one", id="the-plainer-of-two"),
        pytest.param([A_CLASS] * 21, "all have one", id="many"),
        pytest.param([A_CLASS] * 20 + [None], "as many as are asked for at once", id="most-of-what-it-shows"),
        pytest.param([A_CLASS, None], "some have one", id="some"),
        pytest.param([None], "none has one", id="one-has-none"),
        pytest.param([None] * 21, "none has one", id="none-of-many"),
    ],
)
def test_classes_are_of_the_plainest_interaction_that_shows_most(classes: list[Any], interaction: str) -> None:
    known = {batch_id(at): found for at, found in enumerate(classes)}
    world = World()
    world.apply(BATCHES_HAVE_CLASSES, {"classes": known})
    app = cms_app(world)

    app.reply(request(f"{CLASSES}{','.join(known)}"))

    assert answered_by(app) == f"classes of batches: {interaction}"


def name_of(essay: int, student: int, full_name: str | None = "Ann Ek") -> dict[str, Any]:
    person = {"first_name": "Ann", "last_name": "Ek", "legal_full_name": full_name}
    return {"essay_id": batch_id(essay), "student_id": batch_id(student), "student_person_name": person}


@pytest.mark.parametrize(
    ("names", "interaction"),
    [
        pytest.param([], "none", id="none"),
        pytest.param([name_of(1, 7)], "one essay", id="one"),
        pytest.param([name_of(1, 7), name_of(2, 8)], "three essays", id="the-plainer-of-two"),
        pytest.param([name_of(1, 7, None), name_of(2, 8)], "no full name is stored", id="null"),
        pytest.param(
            [name_of(1, 7), name_of(2, 7)], "a student with two essays, and another of the same name", id="repeats"
        ),
    ],
)
def test_names_are_of_the_plainest_interaction_that_shows_most(names: list[Any], interaction: str) -> None:
    world = World()
    world.apply(BATCHES_HAVE_STUDENT_NAMES, {"student_names": {batch_id(1): names}})
    app = cms_app(world)

    app.reply(request(NAMES))

    assert answered_by(app) == f"names of students: {interaction}"


def test_an_answer_that_two_interactions_show_alike_is_of_the_shape() -> None:
    """No more can be said of it: which of both is meant is known when its own example is asked for."""
    all_confirmed = {
        "deviation_count": 0,
        "auto_confirm_deadline": None,
        "total_associations": 1,
        "confirmed_associations": 1,
    }
    known = {batch_id(1): all_confirmed, batch_id(2): all_confirmed}
    world = World()
    world.apply(BATCHES_HAVE_VALIDATIONS, {"validations": known})
    app = cms_app(world)

    app.reply(request(f"{VALIDATIONS}{','.join(known)}"))

    assert answered_by(app) == "progress of validation: with and without one"


@pytest.mark.parametrize(
    ("status", "interaction"),
    [
        pytest.param(READY, f"in the internal status {READY}", id="one"),
        pytest.param("failed_critically", "in the internal status failed_critically", id="of-two-that-answer-alike"),
    ],
)
def test_a_batch_is_of_the_interaction_that_shows_its_status(status: str, interaction: str) -> None:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(batch(1, internal_status=status, essays=[essay(None, None)])))
    app = ras_app(world)

    app.reply(request(STATUS))

    assert answered_by(app) == f"batch status: {interaction}"


def test_an_answer_counts_for_its_shape_too() -> None:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(batch(1, internal_status=READY, essays=[essay(None, None)])))
    app = ras_app(world)
    for target in (STATUS, f"/internal/v1/batches/{batch_id(9)}/status", PAGE):
        app.reply(request(target))

    assert {use.interaction: use.times for use in app.mock.coverage() if use.times} == {
        "batch status: a batch": 1,
        f"batch status: in the internal status {READY}": 1,
        "batch status: no such batch": 1,
        "batches of a user: a page": 1,
    }


def test_the_use_of_an_interaction_says_what_it_asks_and_answers() -> None:
    app = cms_app(World())
    app.reply(request(NAMES))
    asked = next(one.request.path for one in shipped(CMS).interactions if one.description == "names of students: none")

    assert [use for use in app.mock.coverage() if use.interaction == "names of students: none"] == [
        Use(
            provider=CMS,
            interaction="names of students: none",
            route=f"{CMS} GET /internal/v1/batches/*/student-names",
            path=asked,
            status=200,
            times=1,
        )
    ]


def test_an_answer_that_came_before_is_of_the_same_interaction() -> None:
    app = cms_app(World())
    for _ in range(2):
        app.reply(request(NAMES))

    assert {one.interaction for one in app.mock.journal.exchanges()} == {"names of students: none"}


def test_where_nothing_tells_answers_apart_the_interaction_that_matched_has_answered() -> None:
    anything: Json = {"rules": {"path": regex("/things/[0-9]")}, "body": {"a": 1}, "body_rules": {"$": TYPE}}
    app = app_of(
        pact(interaction("any thing", "/things/1", role="shape", **anything), interaction("two", "/things/2", body={}))
    )

    app.reply(request("/things/2", headers={}))

    assert answered_by(app) == "two"


def changed(change: Callable[[dict[str, Json]], object]) -> MockApp:
    """RAS with another contract: `change` gets its interactions by description."""
    document = json.loads(json.dumps(shipped(RAS).document))
    known = {one["description"]: one for one in document["interactions"]}
    change(known)
    document["interactions"] = list(known.values())
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(*(batch(at, internal_status=READY) for at in range(1, 3))))
    return app_of(read_pact(json.dumps(document), source="ras.json"), world=world)


NOT_THERE = "batch status: no such batch"


def test_of_two_that_answer_alike_with_another_status_than_the_shape_the_first_counts() -> None:
    def add(known: dict[str, Json]) -> None:
        path = f"/internal/v1/batches/{batch_id(8)}/status"
        request = {**known[NOT_THERE]["request"], "path": path}
        known["z"] = {**known[NOT_THERE], "description": "z", "request": request, "providerStates": []}

    app = changed(add)

    app.reply(request(f"/internal/v1/batches/{batch_id(9)}/status"))

    assert answered_by(app) == NOT_THERE


def test_an_interaction_without_a_body_shows_nothing() -> None:
    app = changed(lambda known: known[NOT_THERE]["response"].pop("body"))

    app.reply(request(f"/internal/v1/batches/{batch_id(9)}/status"))

    assert answered_by(app) == NOT_THERE


def test_of_pages_that_show_the_same_that_with_fewer_rows_counts() -> None:
    name = "batches of a user: texts that are easily mistaken"
    app = changed(lambda known: known[name]["response"]["body"]["content"]["batches"].pop())

    app.reply(request(PAGE))

    assert answered_by(app) == name
