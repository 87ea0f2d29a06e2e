"""Mock RAS: pages, single batches, and credentials."""

from typing import Any

import pytest

from bff_contracts.states import USER_HAS_BATCHES
from bff_mock_server import MockApp
from bff_mock_server.world.world import World
from tests.mock_server.building import HEADERS, USER, batch, batch_id, call, essay, ras_app, set_state, user_has

STATUSES = ["completed_successfully", "cancelled", "completed_successfully", "failed_critically", "cancelled"]


def page(user_id: str = USER, *, limit: int = 20, offset: int = 0, status: str = "") -> str:
    wanted = f"&status={status}" if status else ""
    return f"/internal/v1/batches/user/{user_id}?limit={limit}&offset={offset}{wanted}"


def status_of(number: int) -> str:
    return f"/internal/v1/batches/{batch_id(number)}/status"


def numbers(body: Any) -> list[int]:
    return [int(row["batch_id"][-12:]) for row in body["batches"]]


@pytest.fixture
def app() -> MockApp:
    """Batches 0 to 4, of which 0 is the newest, seeded out of order."""
    world = World()
    rows = [
        batch(at, internal_status=status, created_at=f"2026-01-{31 - at}T08:00:00")
        for at, status in enumerate(STATUSES)
    ]
    world.apply(USER_HAS_BATCHES, user_has(*rows[2:], *rows[:2]))
    return ras_app(world)


@pytest.mark.parametrize(
    ("target", "rows", "pagination"),
    [
        pytest.param(page(), [0, 1, 2, 3, 4], (20, 0, 5), id="all"),
        pytest.param(page(limit=2), [0, 1], (2, 0, 5), id="first-page"),
        pytest.param(page(limit=2, offset=4), [4], (2, 4, 5), id="last-page"),
        pytest.param(page(offset=5), [], (20, 5, 5), id="past-the-end"),
        pytest.param(page(offset=999_999_999_999_999_999), [], (20, 999_999_999_999_999_999, 5), id="far-past-the-end"),
        pytest.param(page(status="cancelled"), [1, 4], (20, 0, 2), id="filtered"),
        pytest.param(page(status="cancelled", limit=1, offset=1), [4], (1, 1, 2), id="page-of-filtered"),
        pytest.param(page(status="processing_pipelines"), [], (20, 0, 0), id="nothing-in-that-status"),
        pytest.param(page("nobody"), [], (20, 0, 0), id="unknown-user"),
        pytest.param(page("%C3%B6-%3F"), [], (20, 0, 0), id="escaped-user"),
    ],
)
async def test_a_page_is_the_users_newest_first(
    app: MockApp, target: str, rows: list[int], pagination: tuple[int, int, int]
) -> None:
    answer = await call(app, target)

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert numbers(answer.json) == rows
    assert answer.json["pagination"] == dict(zip(("limit", "offset", "total"), pagination, strict=True))


@pytest.mark.parametrize(
    ("escaped", "status"),
    [
        *((code, 404) for code in ("%00", "%09", "%0a", "%1F", "%7F", "%7f", "%2F", "%2f", "%", "%2", "%GG")),
        *((code, 200) for code in ("%20", "%2e", "%3F", "%4f", "%5F", "%6f", "%7E", "%C3%A5", "%F0%9F%98%80", "a+b")),
    ],
)
async def test_a_user_id_has_neither_a_slash_nor_a_control_character(app: MockApp, escaped: str, status: int) -> None:
    """RAS takes an escaped slash for a slash, and its database fails at a NUL; the client refuses both."""
    answer = await call(app, page(f"a{escaped}"))

    assert answer.status == status


async def test_an_escaped_user_id_is_the_same_user() -> None:
    app = ras_app(World())
    await set_state(app, USER_HAS_BATCHES, user_has(batch(1), user_id="Åsa/?#"))

    assert (await call(app, page("%C3%85sa%2f%3F%23"))).status == 404  # as RAS: no slash in an id
    assert numbers((await call(app, page("nobody"))).json) == []


async def test_rows_say_whose_they_are_and_keep_to_the_client_vocabulary(app: MockApp) -> None:
    rows = (await call(app, page())).json["batches"]

    assert {row["user_id"] for row in rows} == {USER}
    assert [row["overall_status"] for row in rows] == [
        "completed_successfully", "cancelled", "completed_successfully", "failed", "cancelled",
    ]  # fmt: skip
    assert "essays" not in rows[0]


async def test_a_batch_is_found_by_its_id_and_brings_its_essays(app: MockApp) -> None:
    answer = await call(app, status_of(3))

    assert (answer.status, answer.json["batch_id"], answer.json["overall_status"]) == (200, batch_id(3), "failed")
    assert answer.json["essays"] == []


async def test_a_prompt_is_shown_where_the_contract_shows_one() -> None:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(batch(1, student_prompt_ref={"storage": "x"})))
    app = ras_app(world)

    assert (await call(app, status_of(1))).json["student_prompt_ref"] == {"storage": "x"}
    assert "student_prompt_ref" not in (await call(app, page())).json["batches"][0]


async def test_an_unknown_batch_is_the_contracts_own_404(app: MockApp) -> None:
    answer = await call(app, status_of(77))

    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json == {"error": "Batch not found"}


async def test_a_path_with_an_upper_case_id_is_not_in_the_contract(app: MockApp) -> None:
    answer = await call(app, status_of(3).replace("26b9045a", "26B9045A"))

    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_answers_follow_the_world(app: MockApp) -> None:
    before = numbers((await call(app, page())).json)
    await set_state(app, USER_HAS_BATCHES, user_has(batch(9)))
    during = numbers((await call(app, page())).json)
    await set_state(app, USER_HAS_BATCHES, user_has(batch(9)), action="teardown")

    assert (before, during) == ([0, 1, 2, 3, 4], [9])
    assert numbers((await call(app, page())).json) == before


@pytest.mark.parametrize(
    "target", [page(), status_of(1), "/internal/v1/batches/user/x"], ids=["page", "one", "no-query"]
)
@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param({"X-Internal-API-Key": None}, "Missing authentication", id="no-key"),
        pytest.param({"X-Internal-API-Key": ""}, "Missing authentication", id="empty-key"),
        pytest.param({"X-Service-ID": None}, "Missing authentication", id="no-service"),
        pytest.param({"X-Service-ID": ""}, "Missing authentication", id="empty-service"),
        pytest.param({"X-Internal-API-Key": "wrong"}, "Invalid credentials", id="wrong-key"),
        pytest.param({"X-Service-ID": "bff_teacher_service"}, "Invalid credentials", id="service-not-allowed"),
        pytest.param({"X-Service-ID": "BFF-Teacher-Service"}, "Invalid credentials", id="service-in-another-case"),
    ],
)
async def test_credentials_are_judged_first(
    app: MockApp, target: str, change: dict[str, str | None], error: str
) -> None:
    headers = {name: value for name, value in {**HEADERS, **change}.items() if value is not None}

    answer = await call(app, target, headers=headers)

    assert (answer.status, answer.headers["content-type"]) == (401, "application/json")
    assert answer.json == {"error": error}


async def test_a_configured_key_is_accepted_beside_the_placeholder() -> None:
    app = ras_app(keys=frozenset({"mine"}))

    statuses = [
        (await call(app, page(), headers={**HEADERS, "X-Internal-API-Key": key})).status
        for key in ("mine", HEADERS["X-Internal-API-Key"], "other")
    ]

    assert statuses == [200, 200, 401]


async def test_the_health_check_needs_no_key(app: MockApp) -> None:
    assert (await call(app, "/healthz", headers={})).status == 200


@pytest.mark.parametrize(
    ("target", "place"),
    [
        pytest.param(page(limit=0), "query limit", id="limit"),
        pytest.param(page(limit=101), "query limit", id="limit-too-large"),
        pytest.param(page() + "&status=processing", "query status", id="client-status"),
        pytest.param(page() + "&status=cancelled&status=cancelled", "query status", id="repeated"),
        pytest.param("/internal/v1/batches/user/x?limit=1", "query offset", id="missing"),
    ],
)
async def test_what_the_bff_never_sends_is_refused_with_the_reason(app: MockApp, target: str, place: str) -> None:
    answer = await call(app, target)

    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [difference["where"] for difference in answer.json["differences"]] == [place]
    assert place in answer.json["detail"]


async def test_essays_come_in_varying_order() -> None:
    """RAS guarantees no order, so the order varies between answers; two mocks vary alike."""
    essays = [essay("completed", None, essay_id=str(number)) for number in range(5)]
    orders: list[list[tuple[str, ...]]] = []
    for _ in range(2):
        app = ras_app(World())
        app.mock.sessions.default.apply(USER_HAS_BATCHES, user_has(batch(essay_count=5, essays=essays)))
        answers = [(await call(app, status_of(1))).json["essays"] for _ in range(8)]
        orders.append([tuple(one["essay_id"] for one in answer) for answer in answers])

    assert orders[0] == orders[1]
    assert len(set(orders[0])) > 1
    assert {tuple(sorted(order)) for order in orders[0]} == {tuple(sorted(one["essay_id"] for one in essays))}
