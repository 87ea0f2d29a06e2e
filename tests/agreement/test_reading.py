"""For any answer of a backend: a body that the contract allows becomes a model, any other a `ContractViolation`."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bff_clients import BatchDetails, ras_client
from bff_clients._decoding import Body
from tests.agreement.operations import QUICK, READING, TO_BE_FOUND, Operation
from tests.agreement.reading import agree
from tests.support.lanes import few_or_many


def searched(operation: Operation, how: settings) -> Counter[str]:
    counts: Counter[str] = Counter()

    @how
    @given(st.data())
    def search(data: st.DataObject) -> None:
        agree(operation, data, counts)

    search()
    return counts


@few_or_many(10, 60)
@pytest.mark.parametrize("operation", READING, ids=str)
def test_client_and_contract_agree(operation: Operation, examples: int) -> None:
    counts = searched(operation, settings(QUICK, max_examples=examples))

    assert min(counts["allowed"], counts["forbidden"]) > examples, counts


class _AnyEssays(BatchDetails):
    essays: list[object]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]


def test_a_client_that_takes_too_much_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ras_client, "_DETAILS", Body(_AnyEssays, entries="essays"))

    with pytest.raises(AssertionError, match="forbidden by the contract, the client gives"):
        searched(next(one for one in READING if one.name == "get_batch_status"), TO_BE_FOUND)
