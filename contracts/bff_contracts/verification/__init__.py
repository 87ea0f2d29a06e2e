"""The kit with which a provider team verifies that its service keeps the contract.

Needs the extra `contracts`. `verify_provider` verifies a whole contract, `running_provider` with `cases_of` one
interaction in each test:

    @pytest.fixture(scope="module")
    def provider():
        with running_provider(create_app, provider="class-management-service", states=STATES) as running:
            yield running

    @pytest.mark.parametrize("interaction", cases_of("class-management-service"))
    def test_contract(provider, interaction):
        provider.verify(interaction)
"""

from bff_contracts.verification.arguments import CannotVerify
from bff_contracts.verification.not_yet import NotYet, cases_of
from bff_contracts.verification.outcomes import Difference, Outcome
from bff_contracts.verification.provider import (
    RunningProvider,
    interactions_of,
    running_provider,
    verify_provider,
)
from bff_contracts.verification.result import NotVerified, Verification

__all__ = [
    "CannotVerify",
    "Difference",
    "NotVerified",
    "NotYet",
    "Outcome",
    "RunningProvider",
    "Verification",
    "cases_of",
    "interactions_of",
    "running_provider",
    "verify_provider",
]
