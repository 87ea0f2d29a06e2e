"""The journal records requests, is bounded, and contains no keys."""

import json
import logging
from typing import Any

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS, RAS
from bff_mock_server import Backend, Mock, MockApp, find_scenario
from bff_mock_server.answering.exchange import KeptResponse, Violation, Wanted
from bff_mock_server.answering.journal import SIZE, Journal
from bff_mock_server.answering.scrubbing import BODY_BYTES, Scrubber
from bff_mock_server.matching.request import Asked
from bff_mock_server.responses.reply import AttributedReply, Head, Reply
from bff_mock_server.world.world import World
from tests.mock_server.building import (
    CLASSES,
    HEADERS,
    KEY,
    PAGE,
    app_of,
    call,
    interaction,
    pact,
    ras_app,
    request,
    shipped,
    used,
)
from tests.support.golden import Golden


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
    assert page.interaction == "batches of a user: none"
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
        pytest.param(Wanted(interaction="batches of a user: none"), [1], id="interaction"),
        pytest.param(Wanted(session="a"), [2], id="session"),
        pytest.param(Wanted(session=None), [1, 3, 4, 5], id="default-world"),
        pytest.param(Wanted(refused=True), [3], id="refused"),
        pytest.param(Wanted(refused=False, provider=RAS), [1, 2, 4], id="not-refused"),
    ],
)
def test_exchanges_are_found_by_what_they_are(app: MockApp, wanted: Wanted, numbers: list[int]) -> None:
    assert [found.number for found in app.mock.journal.exchanges(wanted)] == numbers
    assert [found.number for found in app.mock.journal.exchanges(wanted, after=3)] == [n for n in numbers if n > 3]


def test_a_busy_session_evicts_only_its_own_requests() -> None:
    app = ras_app(World())

    def ask(session: str, times: int) -> None:
        for _ in range(times):
            app.reply(request("/healthz", headers={**HEADERS, "X-Mock-Session": session}))

    def kept(session: str) -> int:
        return len(app.mock.journal.exchanges(Wanted(session=session)))

    ask("few", 3)
    for at in range(6):
        ask(f"much-{at}", SIZE + 1)

    assert kept("few") == 3
    assert kept("much-5") <= SIZE
    everything = app.mock.journal.exchanges()
    assert len(everything) == 5 * SIZE
    assert [one.number for one in everything] == sorted(one.number for one in everything)


def test_keys_are_not_kept(app: MockApp) -> None:
    assert KEY not in repr(app.mock.journal.exchanges())
    assert "wrong" not in [value for found in app.mock.journal.exchanges() for value in found.headers.values()]
    assert all("x-internal-api-key" not in found.headers for found in app.mock.journal.exchanges())


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        pytest.param(f"{PAGE}&status=swordfish-4711", {}, id="value-of-a-parameter"),
        pytest.param(f"{PAGE}&swordfish-4711=1", {}, id="name-of-a-parameter"),
        pytest.param("/swordfish-4711", {}, id="path"),
        pytest.param(PAGE, {"X-Mock-Fault": "swordfish-4711"}, id="unknown-fault"),
        pytest.param(PAGE, {"X-Mock-Fault": "violation=swordfish-4711"}, id="fault"),
        pytest.param(PAGE, {"X-Service-ID": "swordfish-4711"}, id="header"),
    ],
)
def test_no_report_of_a_request_shows_a_key_of_the_mock(target: str, headers: dict[str, str]) -> None:
    """The differences, the fault and the reason repeat parts of the request."""
    mock = Mock([Backend(shipped(RAS))], find_scenario("default"), keys=["swordfish-4711"])

    MockApp(mock, *mock.backends).reply(request(target, headers={**HEADERS, **headers}))

    (found,) = mock.journal.exchanges()
    assert found.response is not None
    assert "swordfish" not in repr((found, found.response.headers, found.response.body))


def test_a_key_that_a_real_service_repeats_is_not_in_its_violations(
    caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    journal = Journal(keys=["swordfish-4711"])
    violation = Violation("body", "$.swordfish-4711", "Expected 'x' but got 'swordfish-4711'")
    answer = AttributedReply(Reply(Head(200), b"{}"))

    journal.record(RAS, request(PAGE), answer, violations=[violation], is_real=True)

    (found,) = journal.exchanges()
    assert found.violations == (Violation("body", "$.…", "Expected 'x' but got '…'"),)
    golden.check("\n".join(caplog.messages))


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


def test_a_request_that_no_socket_brought_is_as_safe() -> None:
    app = ras_app()
    headers = {"X-Vault-Token": "secret-swordfish", "cookie": "secret-swordfish", "accept": "application/json"}
    made = Asked("GET", "/healthz", {"token": ("secret-swordfish",)}, headers, "token=secret-swordfish")

    app.reply(made)

    (found,) = app.mock.journal.exchanges()
    assert "swordfish" not in repr(found)
    assert (found.headers, made.headers) == ({"accept": "application/json"}, headers)


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

    await call(app, "/things", method="POST", body=b"y" * 10_000)

    assert app.mock.journal.exchanges()[0].body == b"y" * BODY_BYTES


def test_what_is_recorded_holds_no_long_body_and_its_repr_no_key() -> None:
    asked = Asked("POST", "/", {}, {"x-internal-api-key": KEY}, body=b"x" * 1_000_000)

    recorded = Journal().record(RAS, asked, AttributedReply(Reply(Head(200), b"")))

    assert len(recorded.asked.body) == BODY_BYTES
    assert len(asked.body) == 1_000_000
    assert KEY not in repr(recorded)


@pytest.mark.parametrize("is_real", [True, False], ids=["answered", "refused"])
def test_no_key_of_a_real_service_is_stored(app: MockApp, is_real: bool) -> None:  # noqa: FBT001  # a row of the table
    endpoint = app.backends[0].table.endpoints[0]
    answer = AttributedReply(Reply(Head(200), b""), endpoint, endpoint.entries[0] if is_real else None)

    recorded = Journal().record(RAS, request(PAGE), answer, is_real=is_real)

    assert KEY in repr(request(PAGE))
    assert KEY not in repr(recorded.asked)
    assert recorded.exchange(Scrubber()).target == PAGE


def test_a_record_that_is_read_twice_is_the_same(app: MockApp) -> None:
    assert app.mock.journal.exchanges() == app.mock.journal.exchanges()


def test_coverage_counts_what_was_used_and_lists_what_never_was(app: MockApp) -> None:
    uses = app.mock.coverage()

    times = {use.interaction: use.times for use in uses if use.interaction.startswith(("refused", "health"))}
    assert times.pop("refused: batches of a user with a wrong key") == 1
    assert "health: the service is up" in times
    assert set(times.values()) == {0}
    assert len(uses) == sum(len(one.interactions) for one in shipped_pacts())


def test_an_interaction_is_used_when_an_answer_is_of_its_case(app: MockApp) -> None:
    assert used(app) == {
        "batches of a user: a page": 2,  # the shape of both pages; the filtered one has no row
        "batches of a user: none": 1,
        "refused: batches of a user with a wrong key": 1,
    }


def test_clearing_forgets_all_but_the_count(app: MockApp) -> None:
    app.mock.journal.clear()

    assert (app.mock.journal.exchanges(), used(app), app.mock.journal.count) == ([], {}, 5)


async def test_requests_are_logged_when_asked_for(caplog: pytest.LogCaptureFixture, golden: Golden) -> None:
    app = ras_app()
    app.mock.journal = type(app.mock.journal)(log_requests=True)
    with caplog.at_level(logging.INFO):
        await call(app, "/healthz", headers={"X-Mock-Fault": "html=502"})

    golden.check("\n".join(caplog.messages))


async def test_a_target_with_odd_bytes_is_recorded_as_sent() -> None:
    app = ras_app()
    odd: dict[str, Any] = {"limit": "%ff%00", "ö": "x"}

    await call(app, f"/x?{'&'.join(f'{name}={value}' for name, value in odd.items())}".replace("ö", "%C3%B6"))

    (found,) = app.mock.journal.exchanges()
    assert found.target == "/x?limit=%ff%00&%C3%B6=x"
    assert json.dumps(dict(found.query)) == '{"limit": ["\\ufffd\\u0000"], "\\u00f6": ["x"]}'


async def test_what_was_answered_is_kept_with_how_long_it_took() -> None:
    app = ras_app()
    answer = await call(app, PAGE)
    app.mock.arm("*", "latency=2s")
    await call(app, "/healthz")

    first, late = app.mock.journal.exchanges()
    assert first.response is not None
    assert (first.response.size, first.response.body) == (len(answer.body), answer.body[:2000])
    assert first.response.headers["content-type"] == "application/json"
    assert 0 <= first.seconds < 2 <= late.seconds


async def test_a_long_answer_is_shortened_and_shown_with_its_size() -> None:
    app = app_of(pact(interaction("long", "/long", body={"text": "x" * 5000})))
    await call(app, "/long", headers={})

    (found,) = app.mock.journal.exchanges()
    assert found.response is not None
    assert found.response.text.endswith("xxx… (5011 bytes)")
    assert len(found.response.body) == 2000


async def test_a_lost_answer_is_not_recorded() -> None:
    app = ras_app()
    app.mock.arm("*", "reset")
    await call(app, "/healthz")

    (found,) = app.mock.journal.exchanges()
    assert (found.status, found.response) == (0, None)


async def test_no_secret_of_an_answer_is_kept() -> None:
    app = app_of(pact(interaction("own", "/own", body={"echo": "a-known-key"})))
    app.mock.journal = Journal(keys=["a-known-key"])
    await call(app, "/own", headers={})

    (found,) = app.mock.journal.exchanges()
    assert found.response is not None
    assert found.response.text == '{"echo":"…"}'
    assert "a-known-key" not in repr(found)


def test_no_secret_header_of_an_answer_is_kept() -> None:
    head = Head(200, ((b"set-cookie", b"a=b"), (b"x-a", b"1"), (b"x-a", b"a-known-key")))

    assert KeptResponse(head, b"", Scrubber(["a-known-key"])).headers == {"x-a": "1, …"}


@pytest.mark.parametrize("before", range(1980, 2001, 5))
def test_a_known_key_that_is_cut_off_is_not_kept_in_part(before: int) -> None:
    body = b"x" * before + b"a-known-key" + b"y" * 100

    kept = KeptResponse(Head(200), body, Scrubber(["a-known-key"])).body

    assert b"a-" not in kept
    assert kept.startswith(b"x" * before)


def test_a_character_that_is_cut_off_is_left_out_of_the_text() -> None:
    answer = KeptResponse(Head(200), b"x" * 1999 + "å".encode() + b"y", Scrubber())

    assert answer.text == f"{'x' * 1999}… (2002 bytes)"


def test_no_name_of_a_person_is_shown_wherever_the_answer_breaks_off() -> None:
    person = {"first_name": "Ada", "last_name": "Ek", "legal_full_name": "Ada Ek"}
    names = {"names": [{"student_person_name": person}, {"student_person_name": ["Ada", {"a": "Ek"}]}, {"x": [person]}]}
    body = json.dumps({"pad": "x" * 1700, **names}).encode()

    for end in range(1700, len(body)):
        kept = KeptResponse(Head(200), body[:end], Scrubber()).text
        assert "Ada" not in kept
        assert "Ek" not in kept
