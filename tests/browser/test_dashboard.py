"""The demo's page while faults are armed. `pdm run pictures` writes those of `docs/images/`."""

import os
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from bff_clients import BatchClientStatus
from bff_mock_server import find_scenario
from tests.browser.conftest import visiting
from tests.support.demo_process import RunningDemo, running_demo

IMAGES = Path(__file__).parents[2] / "docs" / "images"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_a_teachers_batches_are_shown_with_their_classes(board: Page) -> None:
    expect(board.locator("#range")).to_have_text("1–20 of 250")
    expect(board.locator("#rows > tr")).to_have_count(20)
    first = board.locator("#rows > tr").nth(2)

    expect(first.get_by_role("cell")).to_have_text(
        [
            "Uppgift 3: Min språkliga bakgrund",
            "Engelska 6 NA23a",
            "processing",
            "spellcheck",
            "0 of 5 done",
            "30 Jan 2026, 02:16",
        ]
    )


def test_pages_are_turned_and_the_address_remembers_it(board: Page) -> None:
    expect(board.get_by_role("button", name="Previous")).to_be_disabled()
    board.get_by_role("button", name="Next").click()
    expect(board.locator("#range")).to_have_text("21–40 of 250")

    board.reload()

    expect(board.locator("#range")).to_have_text("21–40 of 250")
    board.get_by_role("button", name="Previous").click()
    expect(board.locator("#range")).to_have_text("1–20 of 250")


def test_the_filter_takes_every_status_and_begins_at_the_first_page(board: Page) -> None:
    scenario = find_scenario("default")
    rows = scenario.rows.users[scenario.teachers[0].user_id]
    count = sum(row.internal_status in BatchClientStatus.PROCESSING.internal for row in rows)
    board.get_by_role("button", name="Next").click()
    board.get_by_label("Status", exact=True).select_option("processing")

    expect(board.locator("#range")).to_have_text(f"1–20 of {count}")
    assert set(board.locator("#rows .status").all_inner_texts()) == {"processing"}
    offered = board.locator("#status option").evaluate_all("all => all.map(one => one.value)")
    assert offered == ["", *BatchClientStatus]


def test_another_teacher_is_chosen_from_the_scenarios(board: Page) -> None:
    board.get_by_label("Teacher").select_option("Elin Björk")

    expect(board.locator("#nothing")).to_have_text("No batches yet.")
    expect(board.locator("#purpose")).to_have_text("new here: no batches")
    assert find_scenario("default").teachers[4].user_id in board.url


def test_any_id_can_be_typed(board: Page) -> None:
    board.get_by_label("Teacher").select_option("another id …")
    expect(board.get_by_label("User id")).to_be_focused()
    board.keyboard.type(find_scenario("default").teachers[2].user_id)
    board.keyboard.press("Enter")

    expect(board.locator("#range")).to_have_text("1–5 of 5")


def test_an_id_that_no_header_can_carry_is_reported(board: Page) -> None:
    board.get_by_label("Teacher").select_option("another id …")
    board.keyboard.type("王")
    board.keyboard.press("Enter")

    expect(board.get_by_role("alert")).to_have_text("No such id")
    expect(board.locator("#message")).to_contain_text("ASCII")


def test_a_fault_of_a_backend_shows_code_message_and_correlation_id(demo: RunningDemo, board: Page) -> None:
    demo.arm("cms", "status=503 retry-after=7")
    board.get_by_role("button", name="Refresh").click()

    problem = board.locator("#problem")
    expect(board.get_by_role("alert")).to_have_text("503 SERVICE_UNAVAILABLE")
    expect(problem).to_contain_text("class-management-service could not be read")
    expect(problem).to_contain_text("CMS (class-management-service)")
    expect(problem).to_contain_text("7 s")
    expect(board.locator("#rows")).to_be_hidden()
    found = UUID.search(problem.inner_text())
    assert found
    journal = httpx.get(f"{demo.control}/_mock/journal?provider=cms").json()
    assert journal[-1]["headers"]["x-correlation-id"] == found[0]


def test_it_notices_a_fault_and_its_end_by_itself(demo: RunningDemo, board: Page) -> None:
    board.clock.install()
    board.reload()
    board.locator("#rows > tr").first.wait_for()
    demo.arm("ras", "reset")
    board.clock.run_for(5_000)
    expect(board.get_by_role("alert")).to_have_text("503 SERVICE_UNAVAILABLE")

    demo.disarm()
    board.clock.run_for(5_000)

    expect(board.locator("#problem")).to_be_hidden()
    expect(board.locator("#rows > tr")).to_have_count(20)


def test_while_a_fault_lasts_the_id_stays_so_that_it_can_be_copied(demo: RunningDemo, board: Page) -> None:
    board.clock.install()
    board.reload()
    demo.arm("ras", "status=500")
    board.get_by_role("button", name="Refresh").click()
    board.locator("#problem").wait_for()
    before = board.locator("#facts").inner_text()

    with board.expect_response("**/dashboard?*"):
        board.clock.run_for(5_000)

    expect(board.locator("main")).not_to_have_class("loading")
    assert board.locator("#facts").inner_text() == before


def test_a_bff_that_is_gone_is_distinguished_from_one_that_fails(browser: Browser) -> None:
    with running_demo() as demo, visiting(browser, demo.dashboard, failing="ERR_CONNECTION_REFUSED") as page:
        page.locator("#rows > tr").first.wait_for()
        demo.process.terminate()
        demo.process.wait()
        page.get_by_role("button", name="Next").click()

        expect(page.get_by_role("alert")).to_have_text("No response")
        expect(page.locator("#problem")).to_contain_text("The BFF cannot be reached.")


def test_markup_in_the_data_stays_text(browser: Browser, tmp_path: Path) -> None:
    bold = "<b>Åk 1</b><img src=x onerror=alert(1)>"
    scenario = tmp_path / "mine.yaml"
    scenario.write_text(f'teachers: [{{name: "{bold}", batches: 1, classes: ["{bold}"]}}]', encoding="utf-8")
    with (
        running_demo("--scenario", str(scenario)) as demo,
        visiting(browser, demo.dashboard) as page,
    ):
        expect(page.locator("#rows .class")).to_have_text(bold)
        expect(page.locator("#teacher option").first).to_have_text(bold)


def test_the_page_allows_itself_nothing_from_elsewhere(demo: RunningDemo) -> None:
    policy = httpx.get(demo.dashboard).headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "unsafe" not in policy


def test_the_control_page_is_linked(demo: RunningDemo, board: Page) -> None:
    expect(board.get_by_role("link", name="Control page")).to_have_attribute("href", f"{demo.control}/")


def test_everything_can_be_reached_by_keyboard(board: Page) -> None:
    reached: list[str] = []
    for _ in range(8):
        board.keyboard.press("Tab")
        reached.append(board.evaluate("document.activeElement.id || document.activeElement.textContent"))

    assert reached[:7] == ["Skip to the batches", "control", "teacher", "status", "Refresh", "follow", "next"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("kind", "width", "height"), [("desktop", 1280, 900), ("phone", 390, 844)])
def test_it_fits_and_is_photographed(
    browser: Browser,
    demo: RunningDemo,
    kind: str,
    width: int,
    height: int,
    dark: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    pictures = IMAGES if "UPDATE_PICTURES" in os.environ else tmp_path
    with visiting(browser, demo.dashboard, width=width, height=height, dark=dark, failing="a status of 502") as page:
        expect(page.locator("#rows > tr")).to_have_count(20)
        page.mouse.move(0, 0)
        page.screenshot(path=pictures / f"dashboard-{kind}-{'dark' if dark else 'light'}.png", animations="disabled")
        shown = is_too_wide(page)
        demo.arm("ras", "violation")
        page.get_by_role("button", name="Refresh").click()
        expect(page.get_by_role("alert")).to_have_text("502 INVALID_RESPONSE")
        failed = is_too_wide(page)

    assert (shown, failed) == (False, False)


def is_too_wide(page: Page) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide
