"""What a provider team is told when its service, its handlers or the call of the kit are wrong. It is never a pass."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bff_contracts.states import BATCHES_HAVE_CLASSES, KINDS, USER_HAS_BATCHES, ByBatch
from bff_contracts.verification import CannotVerify, NotVerified, interactions_of, running_provider, verify_provider
from tests.provider.small import SmallCms, for_ever, once, states_with

ROOT = Path(__file__).parents[2]
CMS = "class-management-service"
NEEDS_STATE = "classes of batches: all have one"
NEEDS_NONE = "refused: classes of batches without a key"


@pytest.fixture
def cms() -> SmallCms:
    return SmallCms()


def failures(app: Any, states: Any, *, seconds: float = 5.0) -> dict[str, str]:
    """What is told of each interaction that is not verified."""
    with running_provider(app, provider=CMS, states=states, seconds=seconds) as running:
        outcomes = list(running.outcomes())
    return {found.interaction: str(found) for found in outcomes if not found.verified}


# What verifies


def test_a_provider_that_keeps_its_contract_is_verified(cms: SmallCms) -> None:
    verification = verify_provider(cms, provider=CMS, states=cms.states)

    assert verification.verified
    assert [outcome.interaction for outcome in verification.outcomes] == list(interactions_of(CMS))


def test_the_short_name_will_do(cms: SmallCms) -> None:
    assert verify_provider(cms, provider="cms", states=cms.states).provider == CMS


def test_an_application_can_be_made_by_a_function(cms: SmallCms) -> None:
    async def factory() -> SmallCms:
        return cms

    assert verify_provider(lambda: cms, provider=CMS, states=cms.states).verified
    assert verify_provider(factory, provider=CMS, states=cms.states).verified


def test_one_interaction_can_be_verified_by_its_name(cms: SmallCms) -> None:
    with running_provider(cms, provider=CMS, states=cms.states) as running:
        running.verify(NEEDS_STATE)

        assert cms.keys == ["INJECTED-AT-VERIFICATION"]


# Provider states


def test_params_arrive_as_the_models_of_the_catalogue(cms: SmallCms) -> None:
    seen: list[Any] = []

    def seed(params: ByBatch) -> None:
        seen.append(params)
        cms.seed(params)

    verify_provider(cms, provider=CMS, states=states_with(seed))

    assert {type(params) for params in seen} == set(KINDS.values())


def _plain(log: list[str], cms: SmallCms) -> Callable[[Any], Any]:
    def seed(params: ByBatch) -> None:
        log.append("set up")
        cms.seed(params)

    return seed


def _async(log: list[str], cms: SmallCms) -> Callable[[Any], Any]:
    async def seed(params: ByBatch) -> None:
        log.append("set up")
        cms.seed(params)

    return seed


def _generator(log: list[str], cms: SmallCms) -> Callable[[Any], Any]:
    def seed(params: ByBatch) -> Generator[None]:
        log.append("set up")
        cms.seed(params)
        yield
        log.append("restored")

    return seed


def _async_generator(log: list[str], cms: SmallCms) -> Callable[[Any], Any]:
    async def seed(params: ByBatch) -> AsyncGenerator[None]:
        log.append("set up")
        cms.seed(params)
        yield
        log.append("restored")

    return seed


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(_plain, ["set up"], id="function"),
        pytest.param(_async, ["set up"], id="async-function"),
        pytest.param(_generator, ["set up", "restored"], id="generator"),
        pytest.param(_async_generator, ["set up", "restored"], id="async-generator"),
    ],
)
def test_a_handler_may_be_any_of_these(
    cms: SmallCms, make: Callable[[list[str], SmallCms], Callable[[Any], Any]], expected: list[str]
) -> None:
    log: list[str] = []
    with running_provider(cms, provider=CMS, states=states_with(make(log, cms))) as running:
        running.verify(NEEDS_STATE)

    assert log == expected


def test_a_state_without_a_handler_is_named(cms: SmallCms) -> None:
    told = failures(cms, {})

    assert f"nothing sets provider state {BATCHES_HAVE_CLASSES!r} up" in told[NEEDS_STATE]
    assert NEEDS_NONE not in told


def _raises() -> None:
    message = "no such table: batch_classes"
    raise RuntimeError(message)


@pytest.mark.parametrize(
    ("fail", "told"),
    [
        pytest.param(_raises, "its handler raised RuntimeError: no such table: batch_classes", id="raises"),
        pytest.param(lambda: sys.exit(3), "its handler raised SystemExit: 3", id="exits"),
        pytest.param(lambda: pytest.skip("not today"), "its handler raised Skipped: not today", id="skips"),
        pytest.param(lambda: next(iter(())), "its handler raised RuntimeError: StopIteration", id="stops-iterating"),
        pytest.param(lambda: 17, "its handler did nothing but return 17", id="returns-something"),
        pytest.param(lambda: lambda: None, "its handler did nothing but return <function", id="forgot-to-call"),
        pytest.param(threading.Event().wait, "its handler took longer than 0.3 s", id="hangs"),
        pytest.param(for_ever, "its handler took longer than 0.3 s", id="hangs-asynchronously"),
    ],
)
def test_a_handler_that_fails_is_a_failure_and_says_how(cms: SmallCms, fail: Callable[[], Any], told: str) -> None:
    def seed(_: ByBatch) -> Any:
        return fail()

    found = failures(cms, states_with(seed), seconds=0.3)

    first = list(found.values())[:3]  # after three that take too long the rest is not tried
    assert all(told in text and BATCHES_HAVE_CLASSES in text for text in first)
    assert len(found) >= sum("refused" not in name and "health" not in name for name in interactions_of(CMS))


def test_the_exception_of_a_handler_is_the_cause(cms: SmallCms) -> None:
    def seed(_: ByBatch) -> None:
        _raises()

    states = states_with(seed)
    with running_provider(cms, provider=CMS, states=states) as running, pytest.raises(NotVerified) as caught:
        running.verify(NEEDS_STATE)

    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_context_manager_is_a_handler(cms: SmallCms) -> None:
    log: list[str] = []

    @contextmanager
    def seed(params: ByBatch) -> Generator[None]:
        log.append("set up")
        cms.seed(params)
        yield
        log.append("restored")

    @asynccontextmanager
    async def seed_async(params: ByBatch) -> AsyncGenerator[None]:
        log.append("set up")
        cms.seed(params)
        yield
        log.append("restored")

    for handler in (seed, seed_async):
        with running_provider(cms, provider=CMS, states=states_with(handler)) as running:
            running.verify(NEEDS_STATE)

    assert log == ["set up", "restored"] * 2


def test_a_second_yield_is_a_failure(cms: SmallCms) -> None:
    def seed(params: ByBatch) -> Generator[None]:
        cms.seed(params)
        yield
        yield

    assert "its handler yields more than once" in failures(cms, states_with(seed))[NEEDS_STATE]


def test_a_handler_that_cancels_itself_is_a_failure_of_its_own(cms: SmallCms) -> None:
    async def seed(_: ByBatch) -> None:
        task = asyncio.get_running_loop().create_task(for_ever())
        task.cancel()
        await task

    assert "its handler was cancelled" in failures(cms, states_with(seed))[NEEDS_STATE]


def test_hanging_handlers_of_a_long_contract_end_soon() -> None:
    """RAS has 31 interactions, and a lock that is held hangs all of their handlers."""
    started = time.monotonic()
    with running_provider(
        SmallCms(), provider="ras", states={USER_HAS_BATCHES: lambda _: for_ever()}, seconds=0.5
    ) as ras:
        outcomes = list(ras.outcomes())

    assert not any(outcome.verified for outcome in outcomes)
    assert time.monotonic() - started < 15, "31 times half a second, and the restoring, would be longer"


def test_what_cannot_be_restored_is_a_failure(cms: SmallCms) -> None:
    def seed(params: ByBatch) -> Generator[None]:
        cms.seed(params)
        yield
        _raises()

    assert "its handler raised RuntimeError" in failures(cms, states_with(seed))[NEEDS_STATE]


# Answers


def test_a_difference_says_where_what_was_expected_and_what_came(cms: SmallCms) -> None:
    cms.echo = True
    told = failures(cms, cms.states)[NEEDS_STATE]

    assert "body $['26b9045a-e947-5833-ab3e-161507389763'].class_name" in told
    assert 'expected  "Svenska 1 – SA24B"' in told
    assert 'actual    "sent INJECTED-AT-VERIFICATION"' in told


@pytest.mark.parametrize(
    ("fail", "told", "kind"),
    [
        pytest.param(_raises, "the provider raised RuntimeError: no such table", RuntimeError, id="raises"),
        pytest.param(lambda: sys.exit(3), "the provider raised SystemExit: 3", SystemExit, id="exits"),
    ],
)
def test_an_exception_of_the_application_is_told(
    cms: SmallCms, fail: Callable[[], Any], told: str, kind: type[BaseException]
) -> None:
    cms.before = once(fail)
    with running_provider(cms, provider=CMS, states=cms.states) as running:
        with pytest.raises(NotVerified, match=told) as caught:
            running.verify(NEEDS_STATE)
        running.verify(NEEDS_STATE)

    assert isinstance(caught.value.__cause__, kind)


def test_a_provider_that_never_answers_fails_and_soon_is_asked_no_more(cms: SmallCms) -> None:
    cms.before = for_ever
    told = list(failures(cms, cms.states, seconds=0.2).values())

    assert len(told) == len(interactions_of(CMS))
    assert all(text.endswith("the provider gave no answer within 0.2 s") for text in told[:3]), "and nothing else"
    assert all("not tried: those before it took too long" in text for text in told[3:])


def test_a_provider_that_holds_its_event_loop_is_left_behind(cms: SmallCms) -> None:
    end = threading.Event()

    def hold() -> None:
        end.wait()

    cms.before = hold
    told = list(failures(cms, cms.states, seconds=0.2).values())
    end.set()

    assert len(told) == len(interactions_of(CMS))
    assert "the provider holds its event loop" in told[0]


def test_one_failure_does_not_touch_the_next_interaction(cms: SmallCms) -> None:
    cms.before = once(for_ever)

    assert len(failures(cms, cms.states, seconds=0.2)) == 1


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(_raises, id="raises"),
        pytest.param(for_ever, id="never-answers"),
    ],
)
def test_nothing_of_the_kits_own_is_what_a_contract_expects(cms: SmallCms, before: Any, tmp_path: Path) -> None:
    """Not even where a contract expects a 500."""
    pact = {
        "consumer": {"name": "a"},
        "provider": {"name": CMS},
        "interactions": [
            {
                "type": "Synchronous/HTTP",
                "description": "it is broken",
                "request": {"method": "GET", "path": "/healthz"},
                "response": {"status": 500},
            }
        ],
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    (tmp_path / "pact.json").write_text(json.dumps(pact), encoding="utf-8")
    cms.before = before
    with pytest.raises(NotVerified):
        verify_provider(cms, provider=CMS, pact=tmp_path / "pact.json", seconds=0.3)


def test_a_proxy_of_the_environment_is_not_used(tmp_path: Path) -> None:
    """The engine reads it when it starts, so in a process of its own."""
    program = (
        "from tests.provider.small import SmallCms; from bff_contracts.verification import verify_provider\n"
        "cms = SmallCms(); verify_provider(cms, provider='cms', states=cms.states); print('verified')"
    )
    done = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "HTTP_PROXY": "http://127.0.0.1:1",
            "ALL_PROXY": "http://127.0.0.1:1",
            "PYTHONPATH": str(ROOT),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "verified" in done.stdout.splitlines(), done.stdout + done.stderr


# Keys


@pytest.mark.parametrize("how", ["application", "handler", "factory", "start"])
def test_a_key_in_an_exception_is_not_told(how: str) -> None:
    key = "real-4711-secret"

    def fails(*_: Any) -> Any:
        message = f'bad key:\n{key} "quoted"'
        raise RuntimeError(message)

    async def start(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        fails()

    cms = SmallCms(key)
    if how == "application":
        cms.before = fails
    states = states_with(fails) if how == "handler" else cms.states
    app: Any = {"factory": lambda: fails("made"), "start": start}.get(how, cms)
    with pytest.raises((NotVerified, CannotVerify)) as caught:
        verify_provider(app, provider=CMS, states=states, api_key=key)

    told = "".join(traceback.format_exception(caught.value)) + repr(getattr(caught.value, "outcomes", ""))
    assert "bad key" in str(caught.value)
    assert key not in told


@pytest.mark.parametrize("source", ["argument", "environment"])
def test_the_real_key_replaces_the_placeholder_and_nothing_else(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cms = SmallCms("real-4711")
    if source == "environment":
        monkeypatch.setenv("HULEEDU_INTERNAL_API_KEY", "real-4711")
    verify_provider(cms, provider=CMS, states=cms.states, api_key="real-4711" if source == "argument" else None)

    assert set(cms.keys) == {"real-4711", "not-the-key", None}


def test_a_key_that_the_provider_tells_is_not_told_again(cms: SmallCms) -> None:
    cms.key, cms.echo = "real-4711", True
    with pytest.raises(NotVerified) as caught:
        verify_provider(cms, provider=CMS, states=cms.states, api_key="real-4711")

    assert "sent [the key]" in str(caught.value)
    assert "real-4711" not in str(caught.value) + repr(caught.value.outcomes)


@pytest.mark.parametrize(
    ("argument", "variable", "told"),
    [
        (None, "", "none was given, so the contract's placeholder was sent: set HULEEDU_INTERNAL_API_KEY, or api_key"),
        (None, "other", "the one in HULEEDU_INTERNAL_API_KEY was sent"),
        ("other", "real-4711", "the one in api_key was sent"),
    ],
)
def test_a_refused_key_is_explained_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, argument: str | None, variable: str, told: str
) -> None:
    monkeypatch.setenv("HULEEDU_INTERNAL_API_KEY", variable)
    cms = SmallCms("real-4711")
    with pytest.raises(NotVerified, match=f"the provider refused the key: {told}") as caught:
        verify_provider(cms, provider=CMS, states=cms.states, api_key=argument)

    assert {tuple(each.where for each in outcome.differences) for outcome in caught.value.outcomes} == {("status",)}


def test_a_refusal_with_another_status_is_not_blamed_on_the_key(cms: SmallCms) -> None:
    cms.refusal = 403
    told = failures(cms, cms.states)

    assert set(told) == {name for name in interactions_of("cms") if name.startswith("refused: ")}
    assert all("expected  401\n    actual    403" in text and "refused the key" not in text for text in told.values())


@pytest.mark.parametrize("key", ["x", "key", "a", "200"])
def test_a_short_key_does_not_garble_what_is_told(key: str) -> None:
    cms = SmallCms(key)
    cms.before = once(_raises)
    with (
        running_provider(cms, provider=CMS, states=cms.states, api_key=key) as running,
        pytest.raises(NotVerified) as it,
    ):
        running.verify(NEEDS_STATE)

    assert "the provider raised RuntimeError: no such table: batch_classes" in str(it.value)


# What cannot be verified at all


def _no_app() -> Any:
    message = "DATABASE_URL is not set"
    raise RuntimeError(message)


async def _lifespan_fails(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "lifespan"
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


async def _lifespan_raises(_scope: Any, receive: Any, _send: Any) -> None:
    await receive()
    message = "no database"
    raise ConnectionError(message)


async def _lifespan_exits(_scope: Any, receive: Any, _send: Any) -> None:
    await receive()
    sys.exit(3)


@pytest.mark.parametrize(
    ("app", "options", "told"),
    [
        pytest.param(
            SmallCms(), {"provider": "cls"}, "there is no contract with 'cls'; known: class-man", id="provider"
        ),
        pytest.param(
            SmallCms(), {"states": {"batch exists": print}}, "no provider state 'batch exists'; it", id="state"
        ),
        pytest.param("my_service.app:create_app", {}, "give the ASGI application itself, or a function", id="name"),
        pytest.param(None, {}, "give an ASGI application or url=, and", id="nothing"),
        pytest.param(
            SmallCms(), {"url": "http://127.0.0.1:1"}, "give an ASGI application or url=, and not both", id="both"
        ),
        pytest.param(
            None,
            {"url": "http://127.0.0.1:1", "states": {}, "states_url": "http://127.0.0.1:1"},
            "states_url, not",
            id="2x",
        ),
        pytest.param(
            None, {"url": "127.0.0.1:5002"}, "url is not an http or https URL: '127.0.0.1:5002'", id="no-scheme"
        ),
        pytest.param(None, {"url": "http://a:b@127.0.0.1"}, "url has credentials", id="credentials"),
        pytest.param(None, {"url": "http://127.0.0.1:99999"}, "url is not an http or https URL", id="port"),
        pytest.param(None, {"url": "http://127.0.0.1:1"}, "nobody answers at http://127.0.0.1:1:", id="refused"),
        pytest.param(_no_app, {}, "could not be made: RuntimeError: DATABASE_URL is not set", id="factory"),
        pytest.param(lambda: sys.exit("no config"), {}, "could not be made: SystemExit: no config", id="factory-exits"),
        pytest.param(_lifespan_exits, {}, f"{CMS} did not start: it called sys.exit(3)", id="start-exits"),
        pytest.param(_lifespan_raises, {}, f"{CMS} did not start: ConnectionError: no database", id="start-raises"),
        pytest.param(
            lambda: None, {}, "what makes the application gave None, which is none", id="factory-gives-nothing"
        ),
        pytest.param(None, {"url": "http://[::1"}, "url is not an http or https URL", id="brackets"),
        pytest.param(None, {"url": "http://a:sekret@h:99999"}, "url has credentials", id="secret-and-port"),
        pytest.param(None, {"url": "http://a..b"}, "nobody answers at http://a..b", id="label"),
        pytest.param(_lifespan_fails, {}, f"{CMS} did not start: no database", id="start"),
        pytest.param(SmallCms(), {"pact": "no/such.json"}, "No such file", id="no-pact"),
        pytest.param(SmallCms(), {"pact": __file__}, "not JSON", id="broken-pact"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_verified(app: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises(CannotVerify) as caught:
        verify_provider(app, **{"provider": CMS, **options})  # pyright: ignore[reportArgumentType]  # of many types

    assert told in str(caught.value)


def test_an_interaction_that_there_is_not_is_no_pass(cms: SmallCms) -> None:
    told = "has no interaction 'classes: all'; it has"
    with running_provider(cms, provider=CMS) as running, pytest.raises(CannotVerify, match=told):
        running.verify("classes: all")
