"""The control page as a developer uses it. `pdm run pictures` lets the last test write those of `docs/images/`."""

import os
import re
import shlex
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import PLACEHOLDER_KEY
from bff_mock_server import find_scenario
from bff_mock_server.serving.server import Listener, bind, running
from tests.browser.conftest import opened
from tests.support.mock_process import RunningMock, running_mock
from tests.support.quart_providers import KEY, PAGE, Mistake, Providers, first

IMAGES = Path(__file__).parents[2] / "docs" / "images"
TEACHER = find_scenario("default").teachers[0].user_id
HEADERS = {
    "X-Internal-API-Key": PLACEHOLDER_KEY,
    "X-Service-ID": "bff-teacher-service",
    "X-Correlation-ID": "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99",
}


def ask(mock: RunningMock, query: str = "limit=20&offset=0", **headers: str) -> httpx.Response:
    return httpx.get(f"{mock.ras}/internal/v1/batches/user/{TEACHER}?{query}", headers={**HEADERS, **headers})


def ask_a_little_of_everything(mock: RunningMock) -> None:
    batches = [row["batch_id"] for row in ask(mock).json()["batches"]]
    httpx.get(f"{mock.cms}/internal/v1/batches/class-info?batch_ids={','.join(batches[:3])}", headers=HEADERS)
    httpx.get(f"{mock.ras}/internal/v1/batches/{batches[0]}/status", headers=HEADERS)
    ask(mock, "limit=20&offset=20", **{"X-Mock-Fault": "status=503"})
    ask(mock, "limit=20&offset=0&status=processing")


def entries(page: Page) -> list[str]:
    return page.locator("#entries > li:visible .what").all_inner_texts()


def test_an_answer_is_shown_with_how_long_it_took(mock: RunningMock, page: Page) -> None:
    httpx.get(f"{mock.ras}/healthz")
    line = page.locator("#entries .line").first
    line.click()
    details = page.locator("#entries .details").first

    expect(details).to_contain_text(re.compile(r"Took\d+\.\d ms"))
    expect(details.get_by_text("Response, 0 bytes")).to_be_visible()
    expect(line.locator(".status")).to_have_class("status ok")


def test_a_request_arrives_live(mock: RunningMock, page: Page) -> None:
    expect(page.locator("#empty")).to_be_visible()

    ask(mock)

    line = page.locator("#entries .line").first
    expect(line).to_contain_text("200")
    expect(line).to_contain_text("batches of a user: a full page")
    expect(page.locator("#empty")).to_be_hidden()
    expect(page.locator("#count")).to_have_text("1 requests")


def test_a_refusal_opens_by_keyboard_and_shows_its_reason(mock: RunningMock, page: Page) -> None:
    ask(mock, "limit=20&offset=0&status=processing")
    line = page.locator("#entries .no .line")
    expect(line).to_contain_text("refused: query status: processing")

    line.focus()
    page.keyboard.press("Enter")

    expect(line).to_have_attribute("aria-expanded", "true")
    details = page.locator("#entries .details")
    expect(details).to_contain_text("set query status")
    expect(details).to_contain_text("completed_successfully")
    page.keyboard.press("Enter")
    expect(details).to_be_hidden()


def test_a_refused_request_is_beside_the_closest_interaction(mock: RunningMock, page: Page) -> None:
    """Differences are marked in both, and the rest is shown without a mark."""
    ask(mock, "limit=500&offset=0&sort=up")
    page.locator("#entries .no .line").click()
    table = page.locator("#entries .details table")

    expect(table.locator("caption")).to_have_text("Closest interaction: batches of a user: a page")
    limit = table.get_by_role("row", name="set query limit")
    expect(limit.locator("mark")).to_have_text(["500", "a text that matches ^(?:[1-9][0-9]?|100)$"])
    expect(table.get_by_role("row", name="leave out query sort").locator("mark")).to_have_text(["up"])
    expect(table.get_by_role("row", name="query offset").locator("td")).to_have_text(["0", "0"])
    expect(table.locator("tr:not(.differs) mark")).to_have_count(0)


def test_the_part_of_a_path_that_differs_is_marked_in_both(mock: RunningMock, page: Page) -> None:
    httpx.get(f"{mock.ras}/healthy", headers=HEADERS)
    page.locator("#entries .no .line").first.click()

    marks = page.locator("#entries .details").first.locator("mark")
    expect(marks).to_have_text(["y", "z"])


def test_ids_are_shortened_and_copied_whole(mock: RunningMock, page: Page) -> None:
    batches = [row["batch_id"] for row in ask(mock, "limit=5&offset=0").json()["batches"]]
    target = f"/internal/v1/batches/class-info?batch_ids={','.join(batches)}"
    httpx.get(f"{mock.cms}{target}", headers=HEADERS)
    what = page.locator("#entries .what").first
    short = [f"{one[:4]}…{one[-4:]}" for one in batches[:2]]
    expect(what).to_have_text(f"GET /internal/v1/batches/class-info?batch_ids={','.join(short)} and 3 more")

    what.evaluate("(one) => document.getSelection().selectAllChildren(one)")
    page.keyboard.press("Control+c")

    assert page.evaluate("navigator.clipboard.readText()") == f"GET {target}"


def test_a_request_is_copied_as_a_curl_line_that_works_and_holds_no_key(mock: RunningMock, page: Page) -> None:
    ask(mock, "limit=5&offset=0", **{"X-Odd": "it's"})
    page.locator("#entries .line").click()
    page.locator("#entries .copy").click()
    expect(page.locator("#entries .copy")).to_have_text("Copied")

    words = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    answer = httpx.get(words[-1], headers=headers)

    assert (words[0], headers["x-odd"], headers["x-internal-api-key"]) == ("curl", "it's", PLACEHOLDER_KEY)
    assert (answer.status_code, len(answer.json()["batches"])) == (200, 5)


def test_each_user_to_try_has_a_line_that_works(page: Page) -> None:
    teachers = page.locator("#teachers > li")
    expect(teachers).to_have_count(5)
    teachers.first.get_by_role("button", name="Copy as curl").click()

    words = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")

    assert httpx.get(words[-1], headers=headers).json()["pagination"]["total"] == 250


def test_a_scenario_is_switched(mock: RunningMock, page: Page) -> None:
    page.locator("#scenario").select_option("empty-school")
    expect(page.locator("#teachers > li")).to_have_count(3)

    assert ask(mock).json()["pagination"]["total"] == 0


def test_a_fault_is_armed_and_the_dashboard_changes(page: Page, dashboard: str) -> None:
    def status() -> int:
        return httpx.get(dashboard, headers={"X-User-ID": TEACHER}).status_code

    before = status()
    page.locator("#route").select_option(label="all of CMS")
    page.get_by_role("button", name="Arm", exact=True).click()
    expect(page.locator("#armed")).to_contain_text("status=503")
    during = status()
    page.get_by_role("button", name="Disarm all").click()
    expect(page.locator("#armed > li")).to_have_count(0)

    assert [before, during, status()] == [200, 503, 200]
    expect(page.locator("#entries .fault").first).to_contain_text("status=503")


def test_each_armed_fault_has_its_own_disarm(mock: RunningMock, page: Page) -> None:
    page.locator("#preset").select_option("status=503 times=1; then status=429 times=1")
    expect(page.locator("#fault")).to_have_value("status=503 times=1; then status=429 times=1")
    page.get_by_role("button", name="Arm", exact=True).click()
    expect(page.locator("#armed > li")).to_have_count(1)
    page.locator("#fault").fill("latency=1ms")
    page.locator("#fault").press("Enter")
    expect(page.locator("#armed > li")).to_have_count(2)

    page.get_by_role("button", name="Disarm latency=1ms on everything").click()

    expect(page.locator("#armed > li")).to_have_count(1)
    assert [ask(mock).status_code for _ in range(3)] == [503, 429, 200]


def test_an_armed_fault_names_whom_it_is_for(mock: RunningMock, page: Page) -> None:
    page.locator("#scenario").select_option("everything-failing")

    expect(page.locator("#armed > li").filter(has_text="html=502")).to_contain_text("on everything of")
    httpx.post(f"{mock.control}/_mock/faults", json={"fault": "status=501", "route": "cms", "about": ["a", "b"]})
    page.reload()
    expect(page.locator("#armed > li").filter(has_text="status=501")).to_contain_text("on CMS about 2 ids")


def test_what_was_there_at_load_does_not_flash(mock: RunningMock, page: Page) -> None:
    ask(mock)
    expect(page.locator("#entries > li.new")).to_have_count(1)

    page.reload()

    expect(page.locator("#entries > li")).to_have_count(1)
    expect(page.locator("#entries > li.new")).to_have_count(0)


def test_faults_are_one_tap_away_on_the_phone(browser: Browser, mock: RunningMock) -> None:
    for _ in range(60):
        ask(mock)
    with opened(browser, mock, width=390, height=844) as page:
        expect(page.locator("#entries > li").nth(49)).to_be_visible()
        page.get_by_role("link", name="Faults").click()

        expect(page.locator("#fault")).to_be_in_viewport()
        expect(page.locator("#entries time").first).to_be_visible()


def test_an_invalid_fault_is_explained_at_its_field(page: Page) -> None:
    with page.expect_response(re.compile("/_mock/faults")):
        page.locator("#fault").fill("explode")
        page.locator("#fault").press("Enter")

    expect(page.locator("#fault-error")).to_contain_text("unknown fault 'explode'")


def test_what_was_used_of_the_contract_is_shown(mock: RunningMock, page: Page) -> None:
    total = sum(len(pact.interactions) for pact in shipped_pacts())

    expect(page.locator("#covered")).to_have_text(f"0 of {total} interactions used")

    httpx.get(f"{mock.cms}/healthz")

    expect(page.locator("#covered")).to_have_text(f"1 of {total} interactions used")
    page.locator("#endpoints summary", has_text="CMS GET /healthz").click()
    expect(page.locator("#endpoints li", has_text="health").last).to_contain_text("1×")  # noqa: RUF001


def test_the_journal_is_filtered_paused_and_cleared(mock: RunningMock, page: Page) -> None:
    ask_a_little_of_everything(mock)
    expect(page.locator("#entries > li")).to_have_count(5)
    page.keyboard.press("/")
    page.keyboard.type("class-info")
    filtered = entries(page)
    page.locator("#filter").fill("")
    page.get_by_label("refused only").check()
    refused = entries(page)
    page.get_by_label("refused only").uncheck()

    page.get_by_role("button", name="Pause").click()
    ask(mock)
    expect(page.locator("#pause")).to_have_text("Resume (1)")
    expect(page.locator("#entries > li")).to_have_count(5)
    page.locator("#pause").click()
    expect(page.locator("#entries > li")).to_have_count(6)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#entries > li")).to_have_count(0)

    assert [len(filtered), len(refused)] == [1, 1]


def test_a_page_that_is_open_follows_what_others_change(mock: RunningMock, page: Page) -> None:
    httpx.post(f"{mock.control}/_mock/faults", json={"fault": "reset", "route": "ras"})

    expect(page.locator("#armed")).to_contain_text("reset")


def test_what_a_real_service_breaks_is_shown(browser: Browser) -> None:
    providers = Providers(mistake=Mistake(body=first("overall_status", "processing_pipelines")))
    listener = Listener(providers.ras, bind("127.0.0.1", 0))
    with (
        running([listener]),
        running_mock("--ras", f"proxy=http://127.0.0.1:{listener.port}") as mock,
        opened(browser, mock, width=1360, height=900) as page,
    ):
        httpx.get(f"{mock.ras}{PAGE}", headers={**HEADERS, "X-Internal-API-Key": KEY})

        line = page.locator("#entries .no .line")
        expect(line).to_contain_text("breaks the contract: body $.batches[0].overall_status")
        expect(page.locator("#backends")).to_contain_text(f"→ http://127.0.0.1:{listener.port}")
        line.click()
        expect(page.locator("#entries .details")).to_contain_text("processing_pipelines")
        assert KEY not in page.content()


def test_a_file_that_cannot_be_reloaded_is_shown(browser: Browser, tmp_path: Path) -> None:
    scenario = tmp_path / "mine.yaml"
    scenario.write_text("teachers: [{name: A}]", encoding="utf-8")
    with (
        running_mock("--watch", "--scenario", str(scenario)) as mock,
        opened(browser, mock, width=1360, height=900) as page,
    ):
        scenario.write_text("teachers: [{name: A, batches: many}]", encoding="utf-8")
        expect(page.locator("#notice")).to_contain_text("mine.yaml:1: teachers.0.batches")
        scenario.write_text("teachers: [{name: A, batches: 7}]", encoding="utf-8")
        expect(page.locator("#notice")).to_be_hidden()
        expect(page.locator("#teachers")).to_contain_text("7 batches")


def test_everything_can_be_reached_by_keyboard(mock: RunningMock, page: Page) -> None:
    ask(mock)
    page.locator("#entries .line").wait_for()
    reached: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))

    assert {"skip", "filter", "only-refused", "pause", "clear", "line", "scenario", "copy", "route", "fault"} <= reached


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("kind", "width", "height"), [("desktop", 1360, 900), ("phone", 390, 844)])
def test_it_fits_and_is_photographed(
    browser: Browser,
    mock: RunningMock,
    kind: str,
    width: int,
    height: int,
    dark: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    pictures = IMAGES if "UPDATE_PICTURES" in os.environ else tmp_path
    with opened(browser, mock, width=width, height=height, dark=dark) as page:
        ask_a_little_of_everything(mock)
        expect(page.locator("#entries > li")).to_have_count(5)
        page.locator("#entries .no .line").click()
        expect(page.locator("#covered")).not_to_have_text(re.compile("^0 of"))
        page.mouse.move(0, 0)
        page.screenshot(path=pictures / f"control-page-{kind}-{'dark' if dark else 'light'}.png", animations="disabled")
        too_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    assert too_wide is False
