"""The front adds the real key only to requests of its own verifier, and no other request reaches the provider."""

import asyncio
import threading
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bff_contracts.platform import CMS, KEY_HEADER, SERVICE_HEADER, STATES_PATH
from bff_contracts.verification import NotVerified, running_provider
from bff_contracts.verification.front import Front
from bff_contracts.verification.state_handlers import HandledStates
from tests.providers.small import NEEDS_STATE, PLACEHOLDER, SmallCms, states_with

KEY = "real-4711"
HEADERS = {KEY_HEADER: PLACEHOLDER, SERVICE_HEADER: "bff-teacher-service"}
KEYS = {PLACEHOLDER.encode(): KEY.encode()}
ASKED = "/internal/v1/batches/class-info?batch_ids=x"


async def requested(front: Front, path: str, method: str = "GET") -> int:
    """The status that a process of this machine gets."""
    transport = httpx.ASGITransport(front, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return (await client.request(method, path, headers=HEADERS, json={"state": ""})).status_code


@pytest.fixture
def front(cms: SmallCms) -> Front:
    cms.key = KEY
    states = HandledStates(CMS, cms.states, seconds=5)
    front = Front(cms, states, seconds=5)
    front.begin(keys=KEYS)
    return front


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(ASKED, id="the-contracts-path"),
        pytest.param("/", id="root"),
        pytest.param(STATES_PATH, id="states"),
        pytest.param(f"/guessed{ASKED}", id="another-beginning"),
        pytest.param(f"//{ASKED}", id="an-empty-beginning"),
    ],
)
async def test_a_request_of_another_process_is_refused_and_has_no_key(cms: SmallCms, front: Front, path: str) -> None:
    assert await requested(front, path) == 404
    assert await requested(front, path, "POST") == 404
    assert (cms.keys, front.failures, front.failed_states) == ([], [], [])


async def test_the_beginning_of_the_run_is_another_one_for_each_and_none_between_them(
    cms: SmallCms, front: Front
) -> None:
    first = front.prefix
    assert await requested(front, first + ASKED) == 200
    front.begin(keys=KEYS)
    second = front.prefix
    assert await requested(front, first + ASKED) == 404
    assert await requested(front, second + ASKED) == 200
    front.end()
    assert await requested(front, second + ASKED) == 404
    assert await requested(front, ASKED) == 404
    assert first != second
    assert cms.keys == [KEY, KEY]


def test_a_process_beside_the_verifier_is_refused_while_it_runs(cms: SmallCms) -> None:
    """The front's own port, asked while an interaction is being verified."""
    found: list[int] = []
    paths: list[str] = []

    def ask() -> None:
        url = running._url  # pyright: ignore[reportPrivateUsage]  # the port, which another process finds by trying
        paths.append(urlsplit(url).path)
        headers = {KEY_HEADER: PLACEHOLDER, "Host": "evil.example", "Origin": "http://evil.example"}
        with httpx.Client(trust_env=False) as client:
            found.extend(client.get(url + path, headers=headers).status_code for path in (ASKED, "/healthz"))

    async def before() -> None:
        await asyncio.to_thread(ask)

    cms.key, cms.before = KEY, before
    with running_provider(cms, provider=CMS, states=cms.states, api_key=KEY) as running:
        running.verify(NEEDS_STATE)

    assert found == [404, 404]
    assert cms.keys == [KEY]


def test_the_secret_of_a_run_is_not_in_what_is_reported() -> None:
    secrets: list[str] = []

    async def lost(_scope: Any, _receive: Any, send: Any) -> None:
        secrets.append(running._front.prefix)  # pyright: ignore[reportPrivateUsage]  # what must not be seen
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        await send({"type": "http.response.body", "body": b"{}"})

    with (
        running_provider(lost, provider=CMS, states=states_with(lambda _: None)) as running,
        pytest.raises(NotVerified) as caught,
    ):
        running.verify(NEEDS_STATE)

    assert secrets[0] not in str(caught.value) + repr(caught.value.outcomes)


@pytest.mark.usefixtures("short_grace")
def test_an_abandoned_run_sets_no_more_states_up(cms: SmallCms) -> None:
    """The provider holds its loop until the run is abandoned; then the verifier sends the next state change."""
    held, seeded = threading.Event(), list[Any]()

    def hold() -> None:
        held.wait()

    def seed(params: Any) -> Any:
        seeded.append("set up")
        cms.seed(params)
        yield
        seeded.append("restored")

    cms.before = hold
    with running_provider(cms, provider=CMS, states=states_with(seed), seconds=0.2) as running:
        outcome = running.outcome(0)
        front = running._front  # pyright: ignore[reportPrivateUsage]  # whether it takes requests
        closed = front.prefix
        held.set()

    assert "holds the event loop" in str(outcome)
    assert closed == ""
    assert seeded == ["set up"]
