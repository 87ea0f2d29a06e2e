"""The kit sends a provider's real key, never shows it, and reports when the key was refused."""

import traceback
from typing import Any

import pytest

from bff_contracts.platform import CMS
from bff_contracts.verification import CannotVerify, NotVerified, interactions_of, running_provider, verify_provider
from tests.providers.small import NEEDS_STATE, SmallCms, failures, once, raises, states_with
from tests.support.golden import Golden

pytestmark = pytest.mark.slow("runs the official verifier many times")


@pytest.mark.parametrize("how", ["application", "handler", "factory", "start"])
def test_a_key_in_an_exception_is_not_shown(how: str) -> None:
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

    reported = "".join(traceback.format_exception(caught.value)) + repr(getattr(caught.value, "outcomes", ""))
    assert "bad key" in str(caught.value)
    assert key not in reported


@pytest.mark.parametrize("source", ["argument", "environment"])
def test_the_real_key_replaces_the_placeholder_and_nothing_else(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cms = SmallCms("real-4711")
    if source == "environment":
        monkeypatch.setenv("HULEEDU_INTERNAL_API_KEY", "real-4711")
    verify_provider(cms, provider=CMS, states=cms.states, api_key="real-4711" if source == "argument" else None)

    assert set(cms.keys) == {"real-4711", "not-the-key", None}


def test_a_key_that_the_provider_echoes_is_not_shown(cms: SmallCms) -> None:
    cms.key, cms.echo = "real-4711", True
    with pytest.raises(NotVerified) as caught:
        verify_provider(cms, provider=CMS, states=cms.states, api_key="real-4711")

    assert "sent [the key]" in str(caught.value)
    assert "real-4711" not in str(caught.value) + repr(caught.value.outcomes)


@pytest.mark.parametrize(("argument", "variable"), [(None, ""), (None, "other"), ("other", "real-4711")])
def test_a_refused_key_is_explained_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, argument: str | None, variable: str, golden: Golden
) -> None:
    monkeypatch.setenv("HULEEDU_INTERNAL_API_KEY", variable)
    cms = SmallCms("real-4711")
    with pytest.raises(NotVerified) as caught:
        verify_provider(cms, provider=CMS, states=cms.states, api_key=argument)

    assert {tuple(each.where for each in outcome.differences) for outcome in caught.value.outcomes} == {("status",)}
    golden.check(caught.value.outcomes[0].troubles[0])


def test_a_refusal_with_another_status_is_not_attributed_to_the_key(cms: SmallCms) -> None:
    cms.refusal = 403
    reported = failures(cms, cms.states)

    assert set(reported) == {name for name in interactions_of("cms") if name.startswith("refused: ")}
    assert all(
        "expected  401\n    actual    403" in text and "refused the key" not in text for text in reported.values()
    )


@pytest.mark.parametrize("key", ["x", "key", "a", "200"])
def test_a_short_key_does_not_garble_the_report(key: str, golden: Golden) -> None:
    cms = SmallCms(key)
    cms.before = once(raises)
    with (
        running_provider(cms, provider=CMS, states=cms.states, api_key=key) as running,
        pytest.raises(NotVerified) as it,
    ):
        running.verify(NEEDS_STATE)

    golden.check(str(it.value).splitlines()[-1])


KEY = "a-real-key-of-the-provider"


async def failing(scope: Any, _receive: Any, send: Any) -> None:
    """A provider whose error pages show the reason and the key."""
    if scope["type"] != "http":
        raise NotImplementedError
    page = f"<title>NoFactoryError: no <b>factory</b></title><p>{KEY}</p>"
    if scope["path"].endswith("class-info"):
        page = f"<h1>Wrong &#x27;{KEY}&#x27;</h1>"
    await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": page.encode()})


def test_an_error_page_is_reported_without_the_key() -> None:
    with running_provider(failing, provider=CMS, states=states_with(lambda _: None), api_key=KEY) as provider:
        reported = {outcome.interaction: str(outcome) for outcome in provider.outcomes()}

    assert "text      NoFactoryError: no factory\n" in reported["progress of validation: none has one"] + "\n"
    assert "text      Wrong '[the key]'" in reported[NEEDS_STATE]
    assert KEY not in "".join(reported.values())
