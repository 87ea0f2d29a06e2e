"""Time: batches move from content to their end, and every answer on the way keeps the contract."""

import json
from collections import Counter
from datetime import datetime
from typing import Any

import httpx
import pytest

from bff_contracts.judge import Judge
from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import RAS
from bff_contracts.states import BATCHES_HAVE_CLASSES
from bff_mock_server import MockApp, find_scenario
from bff_mock_server.cli.assembly import Plan, assemble
from bff_mock_server.cli.contracts import Contracts
from bff_mock_server.serving.server import running
from bff_mock_server.world import life
from bff_mock_server.world.life import Life
from bff_mock_server.world.rows import CLIENT_STATUS
from tests.mock_server.building import HEADERS, app_of, request

ANDERS = find_scenario("default").teachers[1].user_id
PAGE = f"/internal/v1/batches/user/{ANDERS}?limit=100&offset=0"
JUDGE = Judge(next(pact for pact in shipped_pacts() if pact.provider == RAS))
FINAL = {"completed_successfully", "completed_with_failures", "failed", "cancelled"}


def living(*, seed: int = 0) -> tuple[MockApp, Life]:
    app = app_of(*shipped_pacts())
    return app, Life(app.mock.sessions, seed=seed, now=lambda: datetime(2026, 2, 1, 8))  # noqa: DTZ001


def pass_to(alive: Life, moment: float) -> int:
    """Let time pass; in how many parts."""
    return next(count for count in range(1, 1000) if alive.pass_to(moment))


def statuses(app: MockApp) -> dict[str, str]:
    page = json.loads(app.reply(request(PAGE)).body)
    return {row["batch_id"]: row["overall_status"] for row in page["batches"]}


def test_batches_come_to_their_end_some_with_failures() -> None:
    app, alive = living(seed=1)
    seen: dict[str, list[str]] = {}
    for moment in range(400):
        pass_to(alive, moment)
        for batch_id, status in statuses(app).items():
            if seen.setdefault(batch_id, []) == [] or seen[batch_id][-1] != status:
                seen[batch_id].append(status)

    paths = Counter(tuple(path) for path in seen.values())
    assert ("pending_content", "ready", "processing", "completed_successfully") in paths
    assert {path[-1] for path in list(paths)[:5]} <= FINAL | {"pending_content", "ready", "processing"}
    rows = list(app.mock.sessions.default.rows.batches.values())
    assert {"completed_with_failures", "content_ingestion_failed"} <= {row.internal_status for row in rows}


@pytest.mark.slow("asks for every batch at every step of its life")
def test_every_answer_on_the_way_keeps_the_contract_and_phases_follow_one_another() -> None:
    app, alive = living(seed=3)
    phases: list[str | None] = []
    answer: dict[str, Any] = {}
    batch_id = next(batch for batch, status in statuses(app).items() if status == "pending_content")
    for moment in range(240):
        pass_to(alive, moment)
        for target in (PAGE, f"/internal/v1/batches/{batch_id}/status"):
            reply = app.reply(request(target))
            answer = json.loads(reply.body)
            found = JUDGE.violations(
                method="GET", target=target, status=reply.status, content_type="application/json", body=reply.body
            )
            assert found == []
        if not phases or phases[-1] != answer["current_phase"]:
            phases.append(answer["current_phase"])
        assert answer["essay_count"] in {0, len(answer["essays"])} or not answer["essays"]

    assert phases == [None, "spellcheck", "cj_assessment", None]
    assert answer["completed_essay_count"] + answer["failed_essay_count"] == len(answer["essays"])
    assert answer["processing_started_at"] <= answer["processing_completed_at"]


def test_the_same_seed_lives_the_same_life() -> None:
    def run(seed: int) -> list[dict[str, str]]:
        app, alive = living(seed=seed)
        lived: list[dict[str, str]] = []
        for moment in range(0, 120, 4):
            pass_to(alive, moment)
            lived.append(statuses(app))
        return lived

    assert run(1) == run(1) != run(2)


def test_new_batches_are_handed_in_for_the_same_class_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "_ARRIVALS", 12)
    app, alive = living()
    before = set(app.mock.sessions.default.rows.batches)
    for moment in range(0, 3000, 10):
        pass_to(alive, moment)

    rows = app.mock.sessions.default.rows
    arrived = set(rows.batches) - before
    assert len(arrived) == 12
    assert arrived <= set(rows.facts(BATCHES_HAVE_CLASSES))
    assert any(rows.facts(BATCHES_HAVE_CLASSES)[batch_id] for batch_id in arrived)
    newest = [user_rows[0].batch_id in arrived for user_rows in rows.users.values() if user_rows]
    assert any(newest)


def test_all_that_is_due_in_a_long_tick_happens_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "_MOST_STEPS", 50)
    app, alive = living()
    pass_to(alive, 0)
    before = set(app.mock.sessions.default.rows.batches)
    parts = pass_to(alive, 2000)

    rows = app.mock.sessions.default.rows.batches
    assert {CLIENT_STATUS[rows[batch_id].internal_status] for batch_id in before} <= FINAL
    assert len(rows) - len(before) > 50  # one in 20 seconds
    arrived = Counter(CLIENT_STATUS[rows[batch_id].internal_status] in FINAL for batch_id in rows.keys() - before)
    assert arrived[True] > arrived[False]
    assert parts > 10


def test_what_a_test_takes_back_does_not_turn_back_time() -> None:
    app, alive = living()
    world = app.mock.sessions.default
    state = "user has exactly these batches"
    world.apply(state, {"user_id": "x", "batches": []})
    for moment in range(0, 60, 2):
        pass_to(alive, moment)
    lived = statuses(app)

    world.teardown(state, {"user_id": "x", "batches": []})

    assert statuses(app) == lived


def test_an_empty_school_stays_empty() -> None:
    app = app_of(*shipped_pacts())
    app.mock.sessions.restart(None, find_scenario("empty-school"))
    alive = Life(app.mock.sessions)
    for moment in range(0, 100, 5):
        pass_to(alive, moment)

    assert app.mock.sessions.default.rows.batches == {}


def test_time_passes_in_a_mock_that_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "TICK_SECONDS", 0.01)
    assembly = assemble(Plan(Contracts(), live=200.0))
    with running(assembly.listeners, beside=assembly.beside, at_end=assembly.at_end):
        url = f"{assembly.mock.urls[RAS]}{PAGE}"
        first = latest = httpx.get(url, headers=HEADERS).json()
        for _ in range(500):
            latest = httpx.get(url, headers=HEADERS).json()
            if latest != first:
                break

    assert latest != first
