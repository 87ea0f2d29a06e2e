"""Scenario files: their content, and errors that name file, line and field."""

import os
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.states import BATCHES_HAVE_CLASSES
from bff_mock_server import Scenario, ScenarioError, find_scenario, read_scenario
from bff_mock_server.world.scenarios import shipped_scenarios
from bff_mock_server.world.world import World
from tests.mock_server.building import app_of, batch_id, request
from tests.support.golden import Golden

BATCH = """\
      - batch_id: 26b9045a-e947-5833-ab3e-000000000001
        internal_status: cancelled
        assignment_id: null
        essay_count: 0
        completed_essay_count: 0
        failed_essay_count: 0
        requested_pipeline: null
        essays: []
        created_at: 2026-01-31T08:15:30
        last_updated: 2026-01-31T08:15:30
        processing_started_at: null
        processing_completed_at: null
        student_prompt_ref: null
"""
STATE = f"""\
states:
  - state: user has exactly these batches
    params:
      user_id: no
      batches:
{BATCH.replace("      -", "        -").replace("        ", "          ").replace("          -", "        -")}"""


def bomb(form: str) -> str:
    """A few lines that expand to 9 to the power of 9 values."""
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{at}: &a{at} {form % ','.join([f'*a{at - 1}'] * 9)}" for at in range(1, 10)]
    return "\n".join(lines)


def read(text: str) -> Scenario:
    return read_scenario(dedent(text), name="mine", source="mine.yaml")


def test_the_shipped_scenarios_are_those_that_the_help_names() -> None:
    assert shipped_scenarios() == ("default", "empty-school", "everything-failing", "exam-week")


@pytest.mark.parametrize("name", shipped_scenarios())
def test_each_shipped_scenario_has_teachers_and_says_what_it_is_good_for(name: str) -> None:
    scenario = find_scenario(name)

    assert scenario.about
    assert [len(scenario.rows.users[teacher.user_id]) for teacher in scenario.teachers] == [
        teacher.batches for teacher in scenario.teachers
    ]


def test_in_exam_week_many_teachers_have_many_batches_in_progress() -> None:
    scenario = find_scenario("exam-week")
    statuses = [row.internal_status for row in scenario.rows.batches.values()]

    assert len(scenario.teachers) >= 10
    assert min(teacher.batches for teacher in scenario.teachers) >= 30
    assert statuses.count("processing_pipelines") > len(statuses) / 3


def test_an_empty_school_has_teachers_and_nothing_else() -> None:
    scenario = find_scenario("empty-school")

    assert scenario.teachers
    assert (dict(scenario.rows.batches), dict(scenario.rows.facts(BATCHES_HAVE_CLASSES))) == ({}, {})


def test_where_everything_fails_each_teacher_meets_another_fault() -> None:
    scenario = find_scenario("everything-failing")
    app = app_of(*shipped_pacts(), world=scenario.build())

    undisturbed = app_of(*shipped_pacts(), world=World(scenario.rows))
    unharmed: list[str] = []
    for teacher in scenario.teachers:
        targets = [f"/internal/v1/batches/user/{teacher.user_id}?limit=20&offset=0"]
        targets += [f"/internal/v1/batches/{row.batch_id}/status" for row in scenario.rows.users[teacher.user_id]]
        for target in targets * 5:
            reply, usual = app.reply(request(target)), undisturbed.reply(request(target))
            if (reply.status, reply.body, reply.delivery) == (usual.status, usual.body, None):
                unharmed.append(teacher.name)

    assert set(unharmed) == {"Björn Åström"}  # half of whose answers fail
    assert 0 < len(unharmed) < 20
    assert len({armed.faults[0].kind for armed in scenario.faults}) == 9
    assert app.reply(request("/healthz", headers={})).status == 503


def test_states_are_those_of_the_catalogue_and_dates_are_text() -> None:
    scenario = read(STATE)

    (row,) = scenario.rows.users["no"]
    assert (row.batch_id, row.fields["created_at"]) == (batch_id(1), "2026-01-31T08:15:30")
    assert scenario.teachers == ()


def test_a_teacher_may_have_a_given_id_and_classes_in_turn() -> None:
    scenario = read(
        """
        teachers:
          - {name: A, user_id: a/1, batches: 3, classes: [Sv 1, null]}
        """
    )

    rows = scenario.rows.users["a/1"]
    entries = scenario.rows.facts(BATCHES_HAVE_CLASSES)
    known = [entries[row.batch_id] for row in rows]

    assert [one and one.fields["class_name"] for one in known] == ["Sv 1", None, "Sv 1"]


def test_teachers_of_the_same_name_have_different_batches() -> None:
    scenario = read("teachers: [{name: A, user_id: a, batches: 3}, {name: A, user_id: b, batches: 3}]")

    assert [len(scenario.rows.users[user_id]) for user_id in ("a", "b")] == [3, 3]


def test_a_fault_of_a_state_is_about_its_ids() -> None:
    scenario = read(STATE + "    fault: reset\n")

    (armed,) = scenario.faults
    assert armed.route.about == {"no", batch_id(1)}


def test_faults_may_be_armed_for_routes() -> None:
    (armed,) = read("faults: [{on: cms GET /internal/*, fault: latency=1s}]").faults

    assert str(armed.route) == "class-management-service GET /internal/*"


def test_a_file_may_be_empty() -> None:
    assert read("").rows.batches == {}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("teachers: [", id="not-yaml"),
        pytest.param("a: 1\nb: [1, 2\nc: 3\n", id="not-yaml-further-down"),
        pytest.param("about: 0x_", id="no-number"),
        pytest.param("about: !!int abc", id="tag-that-does-not-fit"),
        pytest.param("about: !!bool x", id="no-boolean"),
        pytest.param("about: !!timestamp 2026-99-99", id="no-date"),
        pytest.param("about: x\nteachers: !!python/object:os.system [x]", id="tag-of-a-program"),
        pytest.param("about: x\nteachers:\n- {name: A, batches: %s}" % ("9" * 5000), id="huge-number"),
        pytest.param('about: x\n\nteachers:\n- {name: "A\x1b"}', id="control-character"),
        pytest.param("about: " + "[" * 100_000, id="deep"),
        pytest.param("about: x\nteachers:\n" + "- " * 5000, id="deep-without-brackets"),
        pytest.param("faults: [{on: cms, fault: none}]", id="nothing-armed"),
        pytest.param("[]", id="no-mapping"),
        pytest.param(
            "teachers:\n" + "".join(f"- {{name: A{at}, batches: 10000}}\n" for at in range(51)), id="too-many-batches"
        ),
        pytest.param("&a [*a]", id="in-itself"),
        pytest.param("about: 1\nteachers: []", id="type"),
        pytest.param(bomb("[%s]"), id="alias-bomb"),
        pytest.param(bomb("{<<: [%s]}"), id="merge-bomb"),
        pytest.param("about: x\ntaechers: []", id="typo"),
        pytest.param("teachers:\n  - name: A\n    name: B\n", id="twice"),
        pytest.param("teachers:\n  - name: A\n    batches: -1\n", id="number"),
        pytest.param("teachers:\n  - name: A\n    class: x\n", id="typo-of-a-teacher"),
        pytest.param("teachers:\n  - name: A\n    classes: x\n", id="list"),
        pytest.param("teachers:\n  - purpose: A\n", id="missing"),
        pytest.param("teachers:\n  - name: A\n    statuses:\n      - ready\n", id="client-status"),
        pytest.param("teachers:\n  - name: A\n  - name: A\n", id="same-id"),
        pytest.param("teachers:\n  - name: A\n    fault: boom\n", id="fault"),
        pytest.param("faults:\n  - on: grades\n    fault: reset\n", id="route"),
        pytest.param("faults:\n  - on: '*'\n    fault: x\n", id="faults"),
        pytest.param("states:\n  - state: user is rich\n    params: {}\n", id="state"),
        pytest.param("states:\n  - state: batch does not exist\n    params:\n      batch_id: X\n", id="param"),
        pytest.param(STATE.replace("essay_count: 0", "essay_count: '0'", 1), id="deep-param"),
    ],
)
def test_an_error_names_file_line_and_field(text: str, golden: Golden) -> None:
    with pytest.raises(ScenarioError) as refused:
        read(text)

    place, yaml, _ = str(refused.value).partition("not YAML: ")  # PyYAML words the rest
    golden.check(place + yaml)


def test_a_file_is_found_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "my school.yaml"
    path.write_text("teachers: [{name: Åsa}]", encoding="utf-8")

    scenario = find_scenario(str(path))

    assert (scenario.name, scenario.teachers[0].name) == ("my school", "Åsa")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("defualt", id="typo"),
        pytest.param("missing.yaml", id="no-file"),
        pytest.param("../x", id="no-way-out"),
    ],
)
def test_an_unknown_scenario_is_rejected(name: str, golden: Golden) -> None:
    with pytest.raises(ScenarioError) as refused:
        find_scenario(name)

    golden.check(str(refused.value))


def test_a_file_needs_the_extra_that_reads_it(monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    for name in ("files", "document"):
        monkeypatch.delitem(sys.modules, f"bff_mock_server.world.scenarios.{name}")
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(ScenarioError) as refused:
        find_scenario("mine.yaml")

    golden.check(str(refused.value))


def test_a_file_that_is_not_utf_8_is_rejected(tmp_path: Path, golden: Golden) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"about: \xff")

    with pytest.raises(ScenarioError) as refused:
        find_scenario(str(path))

    golden.check(str(refused.value).replace(str(tmp_path), "FOLDER"))


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_rejected(tmp_path: Path, kind: str, golden: Golden) -> None:
    """Reading a pipe without a writer, or an endless device, would never end."""
    path = tmp_path / "a.yaml"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case _:
            path.mkdir()

    with pytest.raises(ScenarioError) as refused:
        find_scenario(str(path))

    golden.check(str(refused.value).replace(str(tmp_path), "FOLDER"))


def test_faults_of_a_scenario_take_turns() -> None:
    text = 'faults: [{on: cms GET /healthz, fault: "status=503 times=1; then status=429 times=1"}]'
    world = read_scenario(text, name="mine", source="mine.yaml").build()

    struck = [[fault.status for fault in world.faults[0].strike(world.random)] for _ in range(3)]

    assert struck == [[503], [429], []]
