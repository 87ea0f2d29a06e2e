"""Less waiting for providers that never answer."""

import pytest

from bff_contracts.verification import provider


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a provider that holds its event loop behind soon."""
    monkeypatch.setattr(provider, "_GRACE_SECONDS", 0.2)
