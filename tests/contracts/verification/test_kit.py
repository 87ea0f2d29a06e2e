"""What the kit reports when a provider's service or the call of the kit is wrong. It is never a pass."""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bff_contracts.platform import CMS
from bff_contracts.verification import CannotVerify, NotVerified, interactions_of, running_provider, verify_provider
from tests.providers.small import NEEDS_STATE, SmallCms, failures, forever, once, raises
from tests.support.golden import Golden

ROOT = Path(__file__).parents[3]


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


def test_the_certificates_of_the_system_are_read_once_and_not_for_each_interaction(
    cms: SmallCms, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_provider(cms, provider=CMS, states=cms.states) as running:
        running.verify(NEEDS_STATE)
        for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.setenv(variable, "/nowhere")

        running.verify(NEEDS_STATE)


# Responses


def test_a_difference_has_place_expected_and_actual_value(cms: SmallCms) -> None:
    cms.echo = True
    reported = failures(cms, cms.states)[NEEDS_STATE]

    assert re.search(r"body \$\['[0-9a-f-]{36}'\]\.class_name", reported)
    assert 'expected  "Svenska 1 – SA24B"' in reported
    assert 'actual    "sent INJECTED-AT-VERIFICATION"' in reported


@pytest.mark.parametrize(
    ("fail", "kind"),
    [pytest.param(raises, RuntimeError, id="raises"), pytest.param(lambda: sys.exit(3), SystemExit, id="exits")],
)
def test_an_exception_of_the_application_is_reported(
    cms: SmallCms, fail: Callable[[], Any], kind: type[BaseException], golden: Golden
) -> None:
    cms.before = once(fail)
    with running_provider(cms, provider=CMS, states=cms.states) as running:
        with pytest.raises(NotVerified) as caught:
            running.verify(NEEDS_STATE)
        running.verify(NEEDS_STATE)

    assert isinstance(caught.value.__cause__, kind)
    golden.check("\n".join(caught.value.outcomes[0].troubles))


def test_of_a_long_message_the_beginning_is_reported(cms: SmallCms) -> None:
    def fail() -> None:
        raise ValueError("x" * 1_000_000)

    cms.before = fail

    reported = failures(cms, cms.states)[NEEDS_STATE]
    assert "the provider raised ValueError: xxx" in reported
    assert len(reported) < 3000


def test_a_provider_that_never_answers_fails_and_gets_no_more_requests(cms: SmallCms, golden: Golden) -> None:
    cms.before = forever
    reported = list(failures(cms, cms.states, seconds=0.2).values())

    assert len(reported) == len(interactions_of(CMS))
    golden.check("\n".join(sorted({text.splitlines()[-1] for text in reported})))


@pytest.mark.usefixtures("short_grace")
def test_a_provider_that_holds_its_event_loop_is_left_behind(cms: SmallCms) -> None:
    end = threading.Event()

    def hold() -> None:
        end.wait()

    cms.before = hold
    reported = list(failures(cms, cms.states, seconds=0.2).values())
    end.set()

    assert len(reported) == len(interactions_of(CMS))
    assert "the provider holds the event loop" in reported[0]


def test_one_failure_does_not_touch_the_next_interaction(cms: SmallCms) -> None:
    cms.before = once(forever)

    assert len(failures(cms, cms.states, seconds=2)) == 1


async def _cancels() -> None:
    raise asyncio.CancelledError


async def _cancels_its_task() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


def _interrupts() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(raises, id="raises"),
        pytest.param(forever, id="never-answers"),
        pytest.param(_cancels, id="cancels"),
        pytest.param(_cancels_its_task, id="cancels-its-task"),
        pytest.param(_interrupts, id="interrupts"),
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


def test_a_proxy_of_the_environment_is_not_used_and_the_environment_stays(tmp_path: Path) -> None:
    """In a separate process, because the engine reads it when it starts."""
    program = (
        "import os\n"
        "from tests.providers.small import SmallCms; from bff_contracts.verification import verify_provider\n"
        "cms = SmallCms(); verify_provider(cms, provider='cms', states=cms.states); print('verified')\n"
        "print(os.environ['NO_PROXY'], os.environ['no_proxy'])"
    )
    done = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "HTTP_PROXY": "http://127.0.0.1:1",
            "ALL_PROXY": "http://127.0.0.1:1",
            "NO_PROXY": "corp.example",
            "no_proxy": "internal.example",
            "PYTHONPATH": str(ROOT),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    printed = done.stdout.splitlines()
    assert "verified" in printed, done.stdout + done.stderr
    assert printed[-1] == "corp.example internal.example"


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
    ("app", "options"),
    [
        pytest.param(SmallCms(), {"provider": "cls"}, id="provider"),
        pytest.param(SmallCms(), {"states": {"batch exists": print}}, id="state"),
        pytest.param("my_service.app:create_app", {}, id="name"),
        pytest.param(None, {}, id="nothing"),
        pytest.param(SmallCms(), {"url": "http://127.0.0.1:1"}, id="both"),
        pytest.param(None, {"url": "http://127.0.0.1:1", "states": {}, "states_url": "http://127.0.0.1:1"}, id="2x"),
        pytest.param(None, {"url": "127.0.0.1:5002"}, id="no-scheme"),
        pytest.param(None, {"url": "http://a:b@127.0.0.1"}, id="credentials"),
        pytest.param(None, {"url": "http://127.0.0.1:99999"}, id="port"),
        pytest.param(None, {"url": "http://127.0.0.1:1"}, id="refused"),
        pytest.param(_no_app, {}, id="factory"),
        pytest.param(lambda: sys.exit("no config"), {}, id="factory-exits"),
        pytest.param(_lifespan_exits, {}, id="start-exits"),
        pytest.param(_lifespan_raises, {}, id="start-raises"),
        pytest.param(lambda: None, {}, id="factory-gives-nothing"),
        pytest.param(None, {"url": "http://[::1"}, id="brackets"),
        pytest.param(None, {"url": "http://a:sekret@h:99999"}, id="secret-and-port"),
        pytest.param(None, {"url": "http://a..b"}, id="label"),
        pytest.param(_lifespan_fails, {}, id="start"),
        pytest.param(SmallCms(), {"pact": "no/such.json"}, id="no-pact"),
        pytest.param(SmallCms(), {"pact": __file__}, id="broken-pact"),
    ],
)
def test_a_verification_that_cannot_run_is_rejected_with_its_reason(
    app: Any, options: dict[str, Any], golden: Golden
) -> None:
    with pytest.raises(CannotVerify) as caught:
        verify_provider(app, **{"provider": CMS, **options})  # pyright: ignore[reportArgumentType]  # of many types

    golden.check(str(caught.value).replace(__file__, "FILE"))


def test_an_unknown_interaction_is_an_error(cms: SmallCms, golden: Golden) -> None:
    with running_provider(cms, provider=CMS) as running, pytest.raises(CannotVerify) as caught:
        running.verify("classes: all")

    golden.check(str(caught.value).splitlines()[0])
