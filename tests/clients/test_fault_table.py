"""Each row of the fault table in docs/reliability.md is true."""

import re

import pytest

from bff_clients import BackendSettings
from tests.clients.fault_table import FAULTS, HEAD, PAGE, Fault

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_what_the_table_says(fault: Fault) -> None:
    row = await fault.row()

    assert row in PAGE.read_text(encoding="utf-8"), f"stale: pdm run fault-table\n{row}"


def test_the_table_has_no_other_rows() -> None:
    table = PAGE.read_text(encoding="utf-8").partition(HEAD)[2].partition("\n\n")[0]

    assert len(table.splitlines()) == len(FAULTS)


def test_every_setting_of_the_page_is_there_with_its_default() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Settings")[2].partition("\n## ")[0]
    reported = dict(re.findall(r"^\| `(HTTP_\w+)` \| ([\d.]+) \|", section, re.MULTILINE))
    fields = BackendSettings.model_fields
    expected = {
        name.upper(): field.default
        for name, field in fields.items()
        if name.startswith(("http_retr", "http_breaker", "http_max_in", "http_max_wait", "http_client"))
    }

    assert {name: float(value) for name, value in reported.items()} == expected
