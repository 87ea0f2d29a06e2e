"""The journal says what was asked, stays small, and keeps no keys."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.states import CMS, RAS
from bff_mock_server import MockApp
from bff_mock_server.engine.journal import BODY_BYTES, SIZE, Wanted
from bff_mock_server.world.world import World
from tests.mock_server.building import HEADERS, KEY, USER, app_of, batch_id, call, interaction, pact, ras_app, request

PAGE = f"/internal/v1/batches/user/{USER}?limit=20&offset=0"
CLASSES = f"/internal/v1/batches/class-info?batch_ids={batch_id(1)}"


@pytest.fixture
def app() -> MockApp:
    """Five requests: a page, a filtered page in a session, a refusal, a wrong key, and classes that fail."""
    app = app_of(*shipped_pacts(), world=World())
    app.reply(request(PAGE))
    app.reply(request(f"{PAGE}&status=cancelled", headers={**HEADERS, "X-Mock-Session": "a"}))
    app.reply(request(f"{PAGE}&status=processing"))
    app.reply(request(PAGE, headers={**HEADERS, "X-Internal-API-Key": "wrong"}))
    app.reply(request(CLASSES, headers={**HEADERS, "X-Mock-Fault": "reset; latency=1ms"}))
    return app


def test_each_request_is_there_with_what_became_of_it(app: MockApp) -> None:
    page, filtered, refused, keyless, failed = app.mock.journal.exchanges()

    assert (page.number, page.provider, page.method, page.target, page.status) == (1, RAS, "GET", PAGE, 200)
    assert page.interaction == "batches of a user: a page"
    assert page.correlation_id == HEADERS["X-Correlation-ID"]
    assert (filtered.session, filtered.query["status"]) == ("a", ("cancelled",))
    assert (refused.status, refused.interaction, refused.differences[0].where) == (400, None, "query status")
    assert (keyless.status, keyless.interaction) == (401, "refused: batches of a user with a wrong key")
    assert (failed.provider, failed.status, failed.fault) == (CMS, 0, "reset; latency=1ms")


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        pytest.param(Wanted(), [1, 2, 3, 4, 5], id="all"),
        pytest.param(Wanted(provider=CMS), [5], id="provider"),
        pytest.param(Wanted(method="POST"), [], id="method"),
        pytest.param(Wanted(path="/internal/v1/batches/user/*"), [1, 2, 3, 4], id="path"),
        pytest.param(Wanted(query={"status": "cancelled"}), [2], id="query"),
        pytest.param(Wanted(query={"limit": "21"}), [], id="other-query"),
        pytest.param(Wanted(headers={"X-Service-ID": HEADERS["X-Service-ID"]}), [1, 2, 3, 4, 5], id="headers"),
        pytest.param(Wanted(status=401), [4], id="status"),
        pytest.param(Wanted(interaction="batches of a user: a page"), [1], id="interaction"),
        pytest.param(Wanted(session="a"), [2], id="session"),
        pytest.param(Wanted(refused=True), [3], id="refused"),
        pytest.param(Wanted(refused=False, provider=RAS), [1, 2, 4], id="not-refused"),
    ],
)
def test_exchanges_are_found_by_what_they_are(app: MockApp, wanted: Wanted, numbers: list[int]) -> None:
    assert [found.number for found in app.mock.journal.exchanges(wanted)] == numbers
    assert [found.number for found in app.mock.journal.exchanges(wanted, after=3)] == [n for n in numbers if n > 3]


def test_keys_are_not_kept(app: MockApp) -> None:
    assert KEY not in repr(app.mock.journal.exchanges())
    assert "wrong" not in [value for found in app.mock.journal.exchanges() for value in found.headers.values()]
    assert all("x-internal-api-key" not in found.headers for found in app.mock.journal.exchanges())


@pytest.mark.parametrize("name", ["Authorization", "Cookie"])
async def test_other_secrets_are_not_kept_either(name: str) -> None:
    app = ras_app()

    await call(app, PAGE, headers={**HEADERS, name: "secret-swordfish"})

    assert "secret-swordfish" not in repr(app.mock.journal.exchanges())


@pytest.mark.parametrize("name", ["api_key", "API_KEY", "internal_api_key", "session_token", "password"])
async def test_keys_in_a_query_are_not_kept(name: str) -> None:
    app = ras_app()

    await call(app, f"{PAGE}&{name}=secret-swordfish&x=1")

    (found,) = app.mock.journal.exchanges()
    assert "swordfish" not in repr(found)
    assert found.target.endswith(f"&{name}=…&x=1")


async def test_the_five_hundredth_secret_header_is_not_kept_either() -> None:
    app = ras_app()
    for number in range(600):
        await call(app, "/healthz", headers={f"X-Token-{number}": f"secret-swordfish-{number}"})

    assert "swordfish" not in repr(app.mock.journal.exchanges())


async def test_only_the_last_thousand_are_kept_and_all_are_counted() -> None:
    app = ras_app()
    for _ in range(SIZE + 5):
        await call(app, "/healthz", headers={})

    found = app.mock.journal.exchanges()
    assert (len(found), found[0].number, app.mock.journal.count) == (SIZE, 6, SIZE + 5)


async def test_of_a_long_body_the_beginning_is_kept() -> None:
    made = interaction("make", method="POST")
    made["request"]["body"] = {"content": "x", "contentType": "text/plain", "encoded": False}
    app = app_of(pact(made))

    await call(app, "/things", method="POST", body=[b"y" * 10_000])

    assert app.mock.journal.exchanges()[0].body == b"y" * BODY_BYTES


def used(app: MockApp) -> dict[str, int]:
    return {use.interaction: use.times for use in app.mock.coverage() if use.times}


def test_coverage_counts_what_was_used_and_lists_what_never_was(app: MockApp) -> None:
    uses = app.mock.coverage()

    times = {use.interaction: use.times for use in uses if use.interaction.startswith(("refused", "health"))}
    assert times.pop("refused: batches of a user with a wrong key") == 1
    assert "health: the service is up" in times
    assert set(times.values()) == {0}
    assert len(uses) == sum(len(one.interactions) for one in shipped_pacts())


def test_interactions_that_ask_the_same_count_together(app: MockApp) -> None:
    assert used(app) == {
        "batches of a user: a page": 1,
        "batches of a user: the first page, newest first": 1,
        "batches of a user: a full page": 1,
        "batches of a user: a later page": 1,
        "batches of a user: in CJ assessment": 1,
        "batches of a user: in spellcheck": 1,
        "batches of a user: moments that are easily mistaken": 1,
        "batches of a user: none": 1,
        "batches of a user: past the end": 1,
        "batches of a user: texts that are easily mistaken": 1,
        "batches of a user: the last page": 1,
        "batches of a user: the longest page": 1,
        "batches of a user: users with similar ids": 1,
        "batches of a user: in the internal status cancelled": 1,
        "refused: batches of a user with a wrong key": 1,
    }


async def test_another_status_uses_another_interaction() -> None:
    app = ras_app(World())

    await call(app, f"/internal/v1/batches/{batch_id(1)}/status")

    assert used(app) == {"batch status: no such batch": 1}


def test_clearing_forgets_all_but_the_count(app: MockApp) -> None:
    app.mock.journal.clear()

    assert (app.mock.journal.exchanges(), used(app), app.mock.journal.count) == ([], {}, 5)


async def test_requests_are_logged_when_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    app = ras_app()
    app.mock.journal = type(app.mock.journal)(log_requests=True)
    with caplog.at_level(logging.INFO):
        await call(app, "/healthz", headers={"X-Mock-Fault": "html=502"})

    assert caplog.messages == [f"{RAS} GET /healthz -> 502 (html=502)"]


async def test_a_target_with_odd_bytes_is_kept_as_sent() -> None:
    app = ras_app()
    odd: dict[str, Any] = {"limit": "%ff%00", "ö": "x"}

    await call(app, f"/x?{'&'.join(f'{name}={value}' for name, value in odd.items())}".replace("ö", "%C3%B6"))

    (found,) = app.mock.journal.exchanges()
    assert found.target == "/x?limit=%ff%00&%C3%B6=x"
    assert json.dumps(dict(found.query)) == '{"limit": ["\\ufffd\\u0000"], "\\u00f6": ["x"]}'
