"""How interactions are described to people."""

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.pact.wording import endpoint_of


def test_an_endpoint_is_named_without_an_id() -> None:
    """Every segment that a request may change is named after the param that fills it."""
    shapes = [each for pact in shipped_pacts() for each in pact.interactions if each.role is not None]

    assert {endpoint_of(shape) for shape in shapes} >= {
        "GET /healthz",
        "GET /internal/v1/batches/class-info",
        "GET /internal/v1/batches/user/{user_id}",
        "GET /internal/v1/batches/{batch_id}/status",
        "GET /internal/v1/batches/{batch_id}/student-names",
    }
