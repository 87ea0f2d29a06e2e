"""Recordings of real providers: a scenario to serve later, without names of people."""

import errno
import json
import os
import stat
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import NoReturn

import pytest

from bff_contracts.platform import CMS, RAS, SHAPE
from bff_contracts.states import BATCHES_HAVE_CLASSES, USER_HAS_BATCHES
from bff_mock_server import find_scenario
from bff_mock_server.proxy.recording import Recorder
from tests.mock_server.building import call, cms_app, ras_app, request, shipped
from tests.mock_server.proxy.proxying import CLASSES, IDS, ask, proxying, served
from tests.support.golden import Golden
from tests.support.platform import BATCH, TEACHER
from tests.support.quart_providers import KEY, NAMES, PAGE, PERSONS, Mistake, Providers, first

CLASS = {BATCH: {"class_id": "8232d49d-8ace-5fcf-bc17-5fc74acfda47", "class_name": "Svenska 2"}}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def providers() -> Providers:
    return Providers()


def test_a_known_internal_status_is_recorded_and_unknown_fields_are_left_out(
    providers: Providers, tmp_path: Path
) -> None:
    file = tmp_path / "r.yaml"
    row = next(row for row in providers.rows if row["overall_status"] == "processing")
    providers.rows[:] = [row]
    row["essays"] = [{**essay, "word_count": 5} for essay in row["essays"]]
    with served(providers) as (ras, _), proxying(ras=ras, record=file) as mock:
        ask(mock, RAS, f"{PAGE}&status=awaiting_student_validation")
        ask(mock, RAS, PAGE)

    (recorded,) = find_scenario(str(file)).rows.batches.values()
    assert recorded.internal_status == "awaiting_student_validation"


def test_what_was_recorded_is_served_later_without_names_of_people(providers: Providers, tmp_path: Path) -> None:
    file = tmp_path / "recorded.yaml"
    providers.rows.append(
        {**providers.rows[-1], "user_id": "anna.andersson@skola.example", "batch_id": BATCH[:-1] + "4"}
    )
    with served(providers) as (ras, cms), proxying(ras=ras, cms=cms, record=file) as mock:
        page = ask(mock, RAS, PAGE).json()
        statuses = {
            row["batch_id"]: ask(mock, RAS, f"/internal/v1/batches/{row['batch_id']}/status").json()
            for row in page["batches"]
        }
        classes = ask(mock, CMS, CLASSES).json()
        ask(mock, RAS, PAGE.replace(TEACHER, "nobody"))
        ask(mock, RAS, PAGE.replace(TEACHER, "anna.andersson@skola.example"))
    text = file.read_text(encoding="utf-8")
    world = find_scenario(str(file)).build()
    app = ras_app(world)

    replayed = [row.fields for row in world.rows.users[TEACHER]]
    assert [row["batch_id"] for row in replayed] == [row["batch_id"] for row in page["batches"]]
    assert [row["overall_status"] for row in replayed] == [row["overall_status"] for row in page["batches"]]
    assert [row["current_phase"] for row in replayed] == [row["current_phase"] for row in page["batches"]]
    assert [len(row["essays"]) for row in replayed] == [len(statuses[row["batch_id"]]["essays"]) for row in replayed]
    recorded = world.rows.facts(BATCHES_HAVE_CLASSES)
    assert {batch_id: known and known.fields for batch_id, known in recorded.items()} == classes
    assert len(world.rows.users) == 3
    assert [word for word in ("anna", "öhman", "ekström", KEY, "nobody") if word in text] == []
    assert app.mock.sessions.default is world


async def test_every_kind_of_cms_row_is_recorded(tmp_path: Path) -> None:
    target = f"/internal/v1/batches/validation-status?batch_ids={IDS}"
    known = {"deviation_count": 0, "auto_confirm_deadline": None, "total_associations": 9, "confirmed_associations": 2}
    first, second = IDS.split(",")
    body = {first: {"batch_id": first, **known}, second: None}
    recorder = Recorder(tmp_path / "recorded.yaml")
    recorder.observe(shipped(CMS), request(target), 200, json.dumps(body).encode())
    recorder.observe(shipped(CMS), request(target), 200, b"[]")
    recorder.observe(shipped(CMS), request(target), 200, b"{")
    await recorder.finish()

    world = find_scenario(str(tmp_path / "recorded.yaml")).build()
    assert (await call(cms_app(world), target)).json == body


def test_rows_are_read_as_the_present_contract_defines_them(tmp_path: Path) -> None:
    path = "/internal/v2/classes"
    moved = [
        replace(one, request=replace(one.request, path=path, path_rule=None))
        for one in shipped(CMS).interactions
        if one.role == SHAPE and one.request.path.endswith("/class-info")
    ]
    recorder = Recorder(tmp_path / "recorded.yaml")

    recorder.observe(replace(shipped(CMS), interactions=tuple(moved)), request(path), 200, json.dumps(CLASS).encode())

    assert recorder.document()["states"] == [{"state": BATCHES_HAVE_CLASSES, "params": {"classes": CLASS}}]


async def test_names_of_students_are_recorded_as_pseudonyms(tmp_path: Path) -> None:
    target = f"/internal/v1/batches/{BATCH}/student-names"
    recorder = Recorder(tmp_path / "recorded.yaml")
    recorder.observe(shipped(CMS), request(target), 200, json.dumps(NAMES).encode())
    recorder.observe(shipped(CMS), request(target.replace(BATCH, UNKNOWN)), 200, b"[]")
    recorder.observe(shipped(CMS), request(target), 200, json.dumps([{"essay_id": 1}]).encode())
    await recorder.finish()
    text = (tmp_path / "recorded.yaml").read_text(encoding="utf-8")

    app = cms_app(find_scenario(str(tmp_path / "recorded.yaml")).build())
    served = sorted((await call(app, target)).json, key=itemgetter("essay_id"))
    assert [person for person in PERSONS if person in text] == []
    assert [(row["essay_id"], row["student_id"]) for row in served] == [(r["essay_id"], r["student_id"]) for r in NAMES]
    assert [tuple(row["student_person_name"].values()) for row in served] == [
        ("Name 1", "Name 2", "Name 3"),
        ("Name 1", "Name 2", "Name 3"),
        ("Name 4", "", None),
    ]
    assert UNKNOWN in text


def test_answers_that_break_the_contract_are_not_recorded(providers: Providers, tmp_path: Path) -> None:
    file = tmp_path / "recorded.yaml"
    providers.mistake = Mistake(body=first("essay_count", "many"))
    with served(providers) as (ras, _), proxying(ras=ras, record=file) as mock:
        count = len(ask(mock, RAS, PAGE).json()["batches"])
        providers.mistake = Mistake(text="{")
        ask(mock, RAS, PAGE)

    assert len(find_scenario(str(file)).rows.users[TEACHER]) == count - 1


def test_many_batches_that_cannot_be_recorded_are_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    body = json.dumps({"batches": [{"batch_id": "x" * 500}] * 3000}).encode()

    Recorder(tmp_path / "r.yaml").observe(shipped(RAS), request(PAGE), 200, body)

    (line,) = caplog.messages
    assert len(line) < 300
    golden.check(line)


@pytest.mark.parametrize(("provider", "target"), [(RAS, PAGE), (CMS, CLASSES)])
def test_what_is_nested_too_deeply_is_not_recorded(provider: str, target: str, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.yaml")

    recorder.observe(shipped(provider), request(target), 200, b"[" * 200_000)

    assert recorder.document()["states"] in (
        [],
        [{"state": USER_HAS_BATCHES, "params": {"user_id": TEACHER, "batches": []}}],
    )


async def test_a_recording_is_written_again_after_a_failure_and_is_readable_by_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    file = tmp_path / "r.yaml"
    recorder = Recorder(file)
    recorder.observe(shipped(RAS), request("/internal/v1/batches/user/nobody"), 200, b'{"batches": []}')
    with monkeypatch.context() as full:
        full.setattr("bff_mock_server.proxy.recording.os.fdopen", no_space)
        await recorder.finish()
    problem, exists = recorder.problem, file.exists()
    await recorder.finish()

    assert not exists
    golden.check(problem.replace(str(tmp_path), "FOLDER"))
    assert (recorder.problem, stat.S_IMODE(file.stat().st_mode)) == ("", 0o600)


def no_space(descriptor: int, *_: object, **__: object) -> NoReturn:
    os.close(descriptor)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
