"""A world has the rows of its provider states, and the values that RAS derives from them."""

import threading
from functools import partial
from typing import Any

import pytest

from bff_contracts.platform import CMS
from bff_contracts.states import (
    BATCH_MISSING,
    BATCHES_HAVE_CLASSES,
    USER_HAS_BATCHES,
    Params,
    ProviderState,
)
from bff_mock_server import StateError
from bff_mock_server.world import states as states_module
from bff_mock_server.world import world as world_module
from bff_mock_server.world.rows import Rows
from bff_mock_server.world.world import World, rows_with
from tests.mock_server.building import OTHER_USER, USER, batch, batch_id, essay, user_has
from tests.support.golden import Golden

CLASS = {"class_id": batch_id(900), "class_name": "Svenska 1 – SA24B"}


def ids(world: World, user_id: str = USER) -> list[int]:
    return [int(row.batch_id[-12:]) for row in world.rows.users.get(user_id, ())]


def world_with(*numbers: int, user_id: str = USER) -> World:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(*map(batch, numbers), user_id=user_id))
    return world


def test_exactly_replaces_the_rows_of_that_user_only() -> None:
    world = world_with(1, 2)
    world.apply(USER_HAS_BATCHES, user_has(batch(3), user_id=OTHER_USER))

    world.apply(USER_HAS_BATCHES, user_has(batch(4)))

    assert (ids(world), ids(world, OTHER_USER)) == ([4], [3])
    assert batch_id(1) not in world.rows.batches


def test_a_batch_of_another_user_moves() -> None:
    world = world_with(1, 2, user_id=OTHER_USER)

    world.apply(USER_HAS_BATCHES, user_has(batch(2)))

    assert (ids(world), ids(world, OTHER_USER)) == ([2], [1])
    assert world.rows.batches[batch_id(2)].user_id == USER


def test_a_missing_batch_belongs_to_no_user() -> None:
    world = world_with(1, 2)

    world.apply(BATCH_MISSING, {"batch_id": batch_id(1)})

    assert (ids(world), list(world.rows.batches)) == ([2], [batch_id(2)])


def test_what_becomes_of_batches_leaves_their_classes_alone() -> None:
    world = World()
    world.apply(BATCHES_HAVE_CLASSES, {"classes": {batch_id(1): CLASS}})

    world.apply(USER_HAS_BATCHES, user_has(batch(1)))
    world.apply(BATCH_MISSING, {"batch_id": batch_id(1)})

    assert list(world.rows.facts(BATCHES_HAVE_CLASSES)) == [batch_id(1)]


def test_chance_is_the_same_in_each_world_that_is_given_no_other_seed() -> None:
    assert World().random.random() == World(seed="0").random.random()


def test_classes_are_replaced_batch_by_batch() -> None:
    world = World()
    world.apply(BATCHES_HAVE_CLASSES, {"classes": {batch_id(1): CLASS, batch_id(2): CLASS}})

    world.apply(BATCHES_HAVE_CLASSES, {"classes": {batch_id(2): None}})

    entries = world.rows.facts(BATCHES_HAVE_CLASSES)

    assert {one: known and known.fields for one, known in entries.items()} == {batch_id(1): CLASS, batch_id(2): None}


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["as-set-up", "in-reverse"])
def test_teardown_restores_the_previous_rows_in_any_order(order: list[int]) -> None:
    world = world_with(1, 2)
    world.apply(USER_HAS_BATCHES, user_has(batch(3), user_id=OTHER_USER))
    states = [user_has(batch(3)), user_has(batch(1), user_id=OTHER_USER)]
    for params in states:
        world.apply(USER_HAS_BATCHES, params)

    for at in order:
        world.teardown(USER_HAS_BATCHES, states[at])

    assert (ids(world), ids(world, OTHER_USER)) == ([1, 2], [3])


def test_tearing_down_an_unknown_state_changes_nothing() -> None:
    world = world_with(1)

    world.teardown(USER_HAS_BATCHES, user_has(batch(9)))

    assert ids(world) == [1]


@pytest.mark.parametrize(("first", "left"), [(0, [0]), (1, [])], ids=["too-long-ago", "just-in-time"])
def test_only_so_many_states_can_be_taken_back(monkeypatch: pytest.MonkeyPatch, first: int, left: list[int]) -> None:
    monkeypatch.setattr(world_module, "_UNDO_LIMIT", 3)
    world = World()
    states = [user_has(batch(number), user_id=f"user {number}") for number in range(4)]
    for params in states:
        world.apply(USER_HAS_BATCHES, params)

    world.teardown(USER_HAS_BATCHES, states[first])
    world.teardown(USER_HAS_BATCHES, states[3])

    assert ids(world, f"user {first}") == left
    assert [len(ids(world, f"user {number}")) for number in (2, 3)] == [1, 0]


def test_rows_come_newest_first_in_every_form_of_date() -> None:
    world = World()
    moments = ["2026-01-31T08:15:30", "2026-01-31T09:15:30.500", "2026-01-31T11:00:00+02:00", "2026-01-31T08:15:31Z"]

    world.apply(USER_HAS_BATCHES, user_has(*(batch(at, created_at=moment) for at, moment in enumerate(moments))))

    assert ids(world) == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("internal", "client"),
    [
        ("awaiting_content_validation", "pending_content"),
        ("awaiting_pipeline_configuration", "pending_content"),
        ("ready_for_pipeline_execution", "ready"),
        ("processing_pipelines", "processing"),
        ("awaiting_student_validation", "processing"),
        ("student_validation_completed", "processing"),
        ("validation_timeout_processed", "processing"),
        ("completed_successfully", "completed_successfully"),
        ("completed_with_failures", "completed_with_failures"),
        ("content_ingestion_failed", "failed"),
        ("failed_critically", "failed"),
        ("cancelled", "cancelled"),
    ],
)
def test_the_client_status_follows_from_the_internal_one(internal: str, client: str) -> None:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(batch(internal_status=internal)))

    answer = world.rows.batches[batch_id(1)].fields
    assert answer["overall_status"] == client
    assert "internal_status" not in answer


@pytest.mark.parametrize(
    ("status", "essays", "phase"),
    [
        pytest.param("processing_pipelines", [("completed", None), ("processing", None)], "spellcheck", id="checking"),
        pytest.param("processing_pipelines", [(None, None)], "spellcheck", id="not-begun"),
        pytest.param("processing_pipelines", [("completed", None)], "cj_assessment", id="checked"),
        pytest.param("processing_pipelines", [("completed", "pending")], "cj_assessment", id="assessing"),
        pytest.param(
            "processing_pipelines", [("completed", "completed"), ("failed", "failed")], None, id="all-finished"
        ),
        pytest.param("processing_pipelines", [("failed", None)], "cj_assessment", id="not-assessed"),
        pytest.param("processing_pipelines", [], None, id="no-essays"),
        pytest.param("awaiting_student_validation", [("processing", None)], None, id="shown-as-processing-too"),
    ],
)
def test_the_phase_is_the_first_unfinished_one(
    status: str, essays: list[tuple[str | None, str | None]], phase: str | None
) -> None:
    world = World()
    rows = [essay(*progress, essay_id=str(number)) for number, progress in enumerate(essays)]

    world.apply(USER_HAS_BATCHES, user_has(batch(internal_status=status, essays=rows)))

    assert world.rows.batches[batch_id(1)].fields["current_phase"] == phase


@pytest.mark.parametrize(
    ("name", "params"),
    [
        pytest.param("user is rich", {}, id="name"),
        pytest.param(BATCH_MISSING, {}, id="missing"),
        pytest.param(BATCH_MISSING, {"batch_id": batch_id(1), "x": 1}, id="unknown-param"),
        pytest.param(USER_HAS_BATCHES, user_has(batch(essay_count="3")), id="type"),
        pytest.param(BATCH_MISSING, {"x": 1}, id="several"),
    ],
)
def test_a_wrong_state_is_refused_and_changes_nothing(name: str, params: dict[str, Any], golden: Golden) -> None:
    world = world_with(1)

    with pytest.raises(StateError) as refused:
        world.apply(name, params)

    golden.check(str(refused.value))
    assert ids(world) == [1]


class Weather(Params):
    sky: str


def test_a_state_that_only_a_simulator_knows_is_kept_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states_module, "CATALOGUE", [ProviderState("the sky is", CMS, "It is so.", Weather)])
    world = World()

    world.apply("the sky is", {"sky": "grey"})
    world.apply("the sky is", {"sky": "blue"})
    blue = world.rows.latest["the sky is"]
    world.teardown("the sky is", {"sky": "blue"})

    assert (blue, world.rows.latest["the sky is"]) == ({"sky": "blue"}, {"sky": "grey"})


def test_a_batch_that_is_put_belongs_to_its_owner_alone() -> None:
    world = world_with(1, 2)
    world.apply(USER_HAS_BATCHES, user_has(batch(2), user_id=OTHER_USER))
    world.put(world.rows.batches[batch_id(2)])

    world.teardown(USER_HAS_BATCHES, user_has(batch(9)))

    assert (ids(world), ids(world, OTHER_USER)) == ([1], [2])


def test_batches_that_are_put_take_their_place_among_their_owners() -> None:
    world, made = World(), World()
    world.apply(USER_HAS_BATCHES, user_has(batch(1), batch(2, created_at="2026-01-29T08:00:00")))
    world.apply(USER_HAS_BATCHES, user_has(batch(4), user_id=OTHER_USER))
    world.apply(BATCHES_HAVE_CLASSES, {"classes": {batch_id(1): CLASS}})
    made.apply(
        USER_HAS_BATCHES,
        user_has(batch(2, created_at="2026-02-02T08:00:00"), batch(3, created_at="2026-01-30T08:00:00")),
    )
    made.apply(USER_HAS_BATCHES, user_has(batch(5, created_at="2026-02-01T08:00:00"), user_id=OTHER_USER))

    world.put(*made.rows.batches.values())

    assert (ids(world), ids(world, OTHER_USER)) == ([2, 1, 3], [5, 4])
    assert sorted(world.rows.batches) == [batch_id(number) for number in range(1, 6)]
    assert list(world.rows.facts(BATCHES_HAVE_CLASSES)) == [batch_id(1)]


def test_a_batch_that_is_put_for_another_user_moves() -> None:
    world, made = world_with(1, 2), world_with(2, user_id=OTHER_USER)

    world.put(made.rows.batches[batch_id(2)])

    assert (ids(world), ids(world, OTHER_USER)) == ([1], [2])


def test_states_from_several_threads_all_come_true() -> None:
    world = World()

    def work(first: int) -> None:
        for number in range(first, first + 60):
            world.apply(USER_HAS_BATCHES, user_has(batch(number), user_id=f"user {number}"))

    threads = [threading.Thread(target=work, args=[first]) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(world.rows.batches) == 180


def test_a_provider_knows_its_own_states_only(golden: Golden) -> None:
    for set_up in (World().apply, World().teardown, partial(rows_with, Rows())):
        with pytest.raises(StateError) as refused:
            set_up(BATCH_MISSING, {"batch_id": batch_id(1)}, provider=CMS)
        golden.check(str(refused.value))


def test_the_first_of_many_wrong_rows_is_reported() -> None:
    with pytest.raises(StateError, match=r"batches\.0\.batch_id") as refused:
        World().apply(USER_HAS_BATCHES, {"user_id": USER, "batches": [{}] * 20_000})

    assert len(str(refused.value)) < 2000


def test_a_wrong_row_among_many_is_found() -> None:
    with pytest.raises(StateError, match=r"batches\.150\.batch_id"):
        World().apply(
            USER_HAS_BATCHES,
            {"user_id": USER, "batches": [*(batch(at) for at in range(150)), {**batch(1), "batch_id": "x"}]},
        )


def problems_of(state: str, **params: Any) -> str:
    with pytest.raises(StateError) as refused:
        World().apply(state, params)
    return str(refused.value)


@pytest.mark.parametrize(("wrong", "end"), [(20, "instance of BatchRow"), (21, "; and 1 more"), (100, "; and 80 more")])
def test_twenty_problems_of_params_are_named(wrong: int, end: str) -> None:
    assert problems_of(USER_HAS_BATCHES, user_id=USER, batches=[1] * wrong).endswith(end)


def test_only_the_first_hundred_entries_of_wrong_params_are_reported() -> None:
    def problems(count: int) -> tuple[str, str]:
        return (
            problems_of(USER_HAS_BATCHES, user_id=USER, batches=[1] * count),
            problems_of(BATCHES_HAVE_CLASSES, classes={batch_id(number): 1 for number in range(count)}),
        )

    assert problems(150) == problems(100) != problems(99)


def test_a_wrong_entry_behind_a_hundred_of_a_map_is_found() -> None:
    classes = {batch_id(number): CLASS if number < 120 else 1 for number in range(121)}

    assert f"classes.{batch_id(120)}" in problems_of(BATCHES_HAVE_CLASSES, classes=classes)
