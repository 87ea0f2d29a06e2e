"""The mock's headers in a request: states, faults and sessions."""

import json
from typing import Any

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.states import BATCHES_HAVE_CLASSES, USER_HAS_BATCHES
from bff_mock_server import MockApp, StateError
from bff_mock_server.world.world import World
from tests.mock_server.building import (
    HEADERS,
    KEY,
    PAGE,
    USER,
    Answer,
    app_of,
    batch,
    batch_id,
    call,
    cms_app,
    interaction,
    pact,
    ras_app,
    regex,
    set_state,
    user_has,
)
from tests.support.golden import Golden

BATCH = f"/internal/v1/batches/{batch_id(1)}/status"
CLASSES = f"/internal/v1/batches/class-info?batch_ids={batch_id(1)},{batch_id(2)}"


async def ask(app: MockApp, target: str, **directives: str) -> Answer:
    extra = {f"X-Mock-{name.capitalize()}": value for name, value in directives.items()}
    return await call(app, target, headers={**HEADERS, **extra})


def totals(*answers: Answer) -> list[int]:
    return [answer.json["pagination"]["total"] for answer in answers]


@pytest.fixture
def app() -> MockApp:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(batch(1)))
    return ras_app(world)


async def test_a_state_by_header_holds_for_one_answer(app: MockApp) -> None:
    state = f"{USER_HAS_BATCHES}; {json.dumps(user_has(batch(2), batch(3)))}"

    answers = [await ask(app, PAGE, state=state), await ask(app, PAGE)]

    assert totals(*answers) == [2, 1]


async def test_states_can_be_given_several_times() -> None:
    first = f'{BATCHES_HAVE_CLASSES}; {{"classes": {{"{batch_id(1)}": null}}}}'
    known = {"class_id": batch_id(9), "class_name": "Åk 1"}
    second = f"{BATCHES_HAVE_CLASSES};{json.dumps({'classes': {batch_id(2): known}})}"
    headers = [*HEADERS.items(), ("X-Mock-State", first), ("X-Mock-State", second)]
    answer = await call(cms_app(), CLASSES, headers=headers)

    assert answer.json == {batch_id(1): None, batch_id(2): known}


async def test_a_state_without_params_has_those_of_the_contract_filled_in_for_the_request(app: MockApp) -> None:
    missing = await ask(app, BATCH, state="batch does not exist; ")
    page = await ask(app, PAGE.replace(USER, "someone"), state=USER_HAS_BATCHES)

    assert (missing.status, missing.json) == (404, {"error": "Batch not found"})
    assert {row["user_id"] for row in page.json["batches"]} == {"someone"}


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("user is rich", id="unknown"),
        pytest.param("(", id="a-pattern-is-a-name"),
        pytest.param("", id="empty"),
        pytest.param(f"{USER_HAS_BATCHES.upper()}", id="another-case"),
        pytest.param(BATCHES_HAVE_CLASSES, id="another-providers"),
        pytest.param("batch does not exist; {", id="not-json"),
        pytest.param("batch does not exist; []", id="not-an-object"),
        pytest.param("batch does not exist; {}", id="missing-param"),
        pytest.param("batch does not exist;" + "[" * 100_000, id="too-deep"),
    ],
)
async def test_an_invalid_state_is_a_400_that_names_the_known_states(app: MockApp, state: str, golden: Golden) -> None:
    answer = await ask(app, BATCH, state=state)

    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    golden.check(answer.json["detail"])


async def test_a_state_that_is_about_other_requests_needs_its_params(app: MockApp, golden: Golden) -> None:
    answer = await ask(app, PAGE, state="batch does not exist")

    assert answer.status == 400
    golden.check(answer.json["detail"])


async def test_an_invalid_directive_is_reported_as_text_to_a_client_that_prefers_text(app: MockApp) -> None:
    headers = {**HEADERS, "X-Mock-Fault": "explode", "Accept": "text/plain"}

    answer = await call(app, PAGE, headers=headers)

    assert (answer.status, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert answer.body.startswith(b"X-Mock-Fault: unknown fault 'explode'")
    assert app.mock.journal.exchanges()[-1].reason == answer.body.decode().strip()


async def test_a_state_may_hold_any_letter(app: MockApp) -> None:
    state = f'{USER_HAS_BATCHES}; {{"user_id": "åsa", "batches": []}}'.encode().decode("latin-1")

    answer = await ask(app, PAGE, state=state)

    assert answer.status == 200


async def test_a_header_that_comes_again_and_again_makes_a_sequence(app: MockApp) -> None:
    """The faults of one header are counted over the requests of a session that ask for the same path."""
    sequence = "status=503 times=1; then status=429 times=1"

    async def statuses(path: str, session: str) -> list[int]:
        return [(await ask(app, path, fault=sequence, session=session)).status for _ in range(3)]

    assert await statuses(PAGE, "a") == [503, 429, 200]
    assert await statuses("/healthz", "a") == [503, 429, 200]
    assert await statuses(PAGE, "b") == [503, 429, 200]
    assert await statuses(PAGE, "b") == [200, 200, 200]


async def test_what_headers_have_counted_is_forgotten_when_all_is_disarmed(app: MockApp) -> None:
    first = await ask(app, PAGE, fault="status=503 times=1")
    app.mock.disarm()
    second = await ask(app, PAGE, fault="status=503 times=1")

    assert (first.status, second.status) == (503, 503)


async def test_a_session_has_its_own_world(app: MockApp) -> None:
    await set_state(app, USER_HAS_BATCHES, user_has(batch(2), batch(3)), session="a")
    before = totals(await ask(app, PAGE), await ask(app, PAGE, session="a"), await ask(app, PAGE, session="b"))
    await set_state(app, USER_HAS_BATCHES, user_has(batch(2), batch(3)), session="a", action="teardown")

    assert before == [1, 2, 0]
    assert totals(await ask(app, PAGE, session="a")) == [0]


@pytest.mark.parametrize("session", ["", "å", "a b", "x" * 129], ids=["empty", "not-ascii", "blank", "long"])
async def test_a_session_needs_an_id(app: MockApp, session: str, golden: Golden) -> None:
    for answer in (
        await ask(app, PAGE, session=session),
        await set_state(app, USER_HAS_BATCHES, user_has(), session=session),
    ):
        assert answer.status == 400
        golden.check(answer.json["detail"])


async def test_a_fault_by_header_replaces_what_is_armed(app: MockApp) -> None:
    app.mock.arm("*", "status=503")

    statuses = [
        (await call(app, PAGE)).status,
        (await ask(app, PAGE, fault="status=429")).status,
        (await ask(app, PAGE, fault="none")).status,
    ]

    assert statuses == [503, 429, 200]


async def test_several_fault_headers_count_as_one(app: MockApp) -> None:
    headers = [*HEADERS.items(), ("X-Mock-Fault", "latency=1ms"), ("X-Mock-Fault", "html=502")]

    assert (await call(app, PAGE, headers=headers)).status == 502


async def test_a_fault_by_header_strikes_at_its_rate(app: MockApp) -> None:
    statuses = [(await ask(app, PAGE, fault="status=503 rate=0.5")).status for _ in range(60)]

    assert 10 < statuses.count(503) < 50


async def test_an_invalid_fault_is_a_400_that_lists_the_known_faults(app: MockApp, golden: Golden) -> None:
    answer = await ask(app, PAGE, fault="explode")

    assert answer.status == 400
    golden.check(answer.json["detail"])


@pytest.mark.parametrize(
    ("route", "about", "statuses"),
    [
        pytest.param("*", [], [503, 503, 503], id="everything"),
        pytest.param("cms", [], [200, 200, 503], id="one-provider"),
        pytest.param("GET /internal/v1/batches/user/*", [], [503, 200, 200], id="one-endpoint"),
        pytest.param("*", [batch_id(1)], [200, 503, 503], id="one-batch"),
        pytest.param("*", [USER], [503, 200, 200], id="one-teacher"),
    ],
)
async def test_faults_are_armed_for_routes_and_ids(route: str, about: list[str], statuses: list[int]) -> None:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(batch(1)))
    app = app_of(*shipped_pacts(), world=world)
    app.mock.arm(route, "status=503", about=about)

    assert [(await call(app, target)).status for target in (PAGE, BATCH, CLASSES)] == statuses


async def test_an_armed_fault_belongs_to_its_session(app: MockApp) -> None:
    app.mock.arm("*", "status=503", session="a")

    assert [(await ask(app, PAGE)).status, (await ask(app, PAGE, session="a")).status] == [200, 503]


async def test_faults_do_not_affect_the_mocks_own_answers(app: MockApp) -> None:
    app.mock.arm("*", "status=503")

    assert (await call(app, f"{PAGE}&sort=up")).headers["content-type"] == "application/problem+json"


async def test_a_status_that_the_contract_has_is_answered_as_there(app: MockApp) -> None:
    refused, missing = await ask(app, PAGE, fault="status=401"), await ask(app, BATCH, fault="status=404")

    assert (refused.status, refused.json) == (401, {"error": "Invalid credentials"})
    assert (missing.status, missing.json) == (404, {"error": "Batch not found"})


async def test_a_run_with_the_same_seed_repeats_exactly() -> None:
    async def run(seed: int) -> list[int]:
        app = ras_app(seed=seed)
        app.mock.arm("*", "status=503 rate=0.5")
        return [(await call(app, PAGE)).status for _ in range(40)]

    first, again, other = await run(1), await run(1), await run(2)
    assert first == again != other
    assert {200, 503} == set(first)


async def test_a_wrong_key_gets_a_hint_beside_the_contracts_answer(app: MockApp) -> None:
    answer = await call(app, PAGE, headers={**HEADERS, "X-Internal-API-Key": "wrong"})

    assert answer.json == {"error": "Invalid credentials"}
    assert KEY in answer.headers["x-mock-hint"]


PUPIL = regex("^/pupils/[a-z]+$")
STATES: dict[str, Any] = {"rules": {"path": PUPIL}}
PUPILS = app_of(
    pact(
        interaction("a pupil", "/pupils/anna", states=[{"name": "en elev på plats"}], body={"id": "anna"}, **STATES),
        interaction("none", "/pupils/anna", status=404, states=[{"name": "no pupils"}], body={"error": "no"}, **STATES),
        provider="school-service",
    )
)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        pytest.param("no pupils", 404, id="ascii"),
        pytest.param("en elev på plats", 200, id="latin-1"),
        pytest.param("en elev på plats".encode().decode("latin-1"), 200, id="utf-8"),
    ],
)
async def test_a_contract_without_a_simulator_answers_by_the_interaction_in_that_state(state: str, status: int) -> None:
    answer = await call(PUPILS, "/pupils/bo", headers={"X-Mock-State": state})

    assert answer.status == status


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("nobody's", id="unknown"),
        pytest.param("no pupil", id="typo"),
        pytest.param("no pupils", id="not-here"),
    ],
)
async def test_a_state_that_no_interaction_is_in_is_refused(state: str, golden: Golden) -> None:
    others = pact(
        interaction("a", "/a", states=[{"name": "en elev på plats"}]),
        interaction("b", "/b", states=[{"name": "no pupils"}]),
    )
    answer = await call(app_of(others), "/a", headers={"X-Mock-State": state})

    assert answer.status == 400
    golden.check(answer.json["detail"])


def test_a_state_that_is_not_in_the_catalogue_cannot_be_set(app: MockApp) -> None:
    with pytest.raises(StateError):
        app.mock.set_state(app.backends[0], "user is rich", {})
