"""Both variables for proxies are merged for the time of a run, and restored after it."""

import os

import pytest

from bff_contracts.verification.no_proxy import without_proxy

NAMES = ("NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def found() -> list[str | None]:
    return [os.environ.get(name) for name in NAMES]


@pytest.mark.parametrize(
    ("upper", "lower", "merged"),
    [
        pytest.param("corp.example", "internal.example", "127.0.0.1,corp.example,internal.example", id="both"),
        pytest.param("corp.example", None, "127.0.0.1,corp.example", id="upper-case"),
        pytest.param(None, "internal.example", "127.0.0.1,internal.example", id="lower-case"),
        pytest.param("same.example", "same.example", "127.0.0.1,same.example", id="the-same-twice"),
        pytest.param(None, None, "127.0.0.1", id="none"),
        pytest.param("", "", "127.0.0.1", id="empty"),
    ],
)
def test_both_variables_keep_what_either_had(
    upper: str | None, lower: str | None, merged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(NAMES, (upper, lower), strict=True):
        if value is not None:
            monkeypatch.setenv(name, value)

    with without_proxy():
        assert found() == [merged, merged]

    assert found() == [upper, lower]


def test_the_last_of_overlapping_runs_restores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "corp.example")
    first, second = without_proxy(), without_proxy()
    first.__enter__()
    second.__enter__()

    first.__exit__(None, None, None)
    during = found()
    second.__exit__(None, None, None)

    assert (during, found()) == (["127.0.0.1,corp.example"] * 2, ["corp.example", None])
