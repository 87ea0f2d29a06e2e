"""Statements of the documents about the project's files."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(name for extra in project["project"]["optional-dependencies"].values() for name in extra),
        *(name for group in project["dependency-groups"].values() for name in group),
    ]
    names = {re.split(r"[\[<>=~;! ]", requirement)[0] for requirement in wanted}
    text = (DOCS / "dependencies.md").read_text(encoding="utf-8")

    assert {name for name in names if not re.search(rf"[| ]{re.escape(name)}[, |]", text)} == set()


def test_the_lock_has_a_hash_for_each_package_and_names_no_address() -> None:
    lock = tomllib.loads((ROOT / "pdm.lock").read_text(encoding="utf-8"))
    files = [file for package in lock["package"] for file in package["files"]]

    assert all(package["files"] for package in lock["package"])
    assert all(file["hash"].startswith("sha256:") and "url" not in file for file in files)


def test_each_claim_about_security_names_an_existing_test() -> None:
    text = (DOCS / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", text)
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| claim")]

    assert len(rows) > 10
    assert [row for row in rows if "::test_" not in row] == []
    assert [
        (file, test)
        for file, test in named
        if not re.search(rf"^(async )?def {test}\(", (ROOT / "tests" / file).read_text(encoding="utf-8"), re.MULTILINE)
    ] == []


def test_pact_does_not_report_its_use() -> None:
    package = ROOT / "contracts" / "bff_contracts"
    texts = {str(path.relative_to(package)): path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    starts = re.compile(r"^\s*(?:from|import) pact(?:_ffi)?\b|subprocess\.Popen", re.MULTILINE)
    users = {name for name, text in texts.items() if starts.search(text)}

    assert {"engine.py", "verification/official_verifier.py"} <= users
    assert {name for name in users if '"PACT_DO_NOT_TRACK"' not in texts[name]} == set()


def test_the_page_on_architecture_says_who_may_import_whom_as_the_linter_does() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rows = {
        cells[1].strip(" `"): sorted(re.findall(r"`(\w+)`", cells[3]))
        for line in text.splitlines()
        if re.match(r"\| `bff_\w+` ", line)
        for cells in [line.split("|")]
    }

    assert rows == {
        each["source_modules"][0]: sorted(each["forbidden_modules"])
        for each in contracts
        if each["type"] == "forbidden"
        and each["source_modules"][0].startswith("bff_")
        and each["forbidden_modules"] != ["examples"]
    }


@pytest.mark.parametrize(
    ("page", "package"),
    [("clients", "bff_clients"), ("contracts", "bff_contracts.verification"), ("mock", "bff_mock_server")],
)
def test_the_api_page_has_each_public_name(page: str, package: str) -> None:
    text = (DOCS / "api" / f"{page}.rst").read_text(encoding="utf-8")

    assert [name for name in import_module(package).__all__ if not re.search(rf"\b{name}\b", text)] == []


def test_each_lane_is_run_by_the_job_that_the_page_names() -> None:
    table = (
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Lanes")[2].partition("\n\n`.ci/run`")[0]
    )
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    named = [(re.findall("`([^`]+)`", row[1])[0], re.findall("`([^`]+)`", row[2])[:2]) for row in rows]
    lanes = [(command.split()[:3], *job) for command, job in named if job]

    assert len(lanes) > 10
    for words, workflow, job in lanes:
        text = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text(encoding="utf-8")
        (steps,) = re.findall(rf"^  {job}:\n(?:(?!  \w).*\n?)*", text, re.MULTILINE)
        assert " ".join(words) in steps, f"{workflow}, {job}"


def test_each_required_check_is_a_job_of_this_name() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("\n", " ")
    required = re.findall("`([^`]+)`", text.partition("should require these checks: ")[2].partition(". Leave out")[0])
    tests = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    names = {
        each.replace("${{ matrix.python }}", "3.11") for each in re.findall("^    name: (.+)$", tests, re.MULTILINE)
    }

    assert {re.sub(r"3\.\d+", "3.11", each) for each in required} == names - {"the site and its links"}


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("examples/*/README.md"), *DOCS.rglob("*.md")]


PACKAGES = ("clients/bff_clients", "contracts/bff_contracts", "mock_server/bff_mock_server")
HOMES = [
    ROOT,
    ROOT / "tests",
    ROOT / "examples" / "bff",
    ROOT / "examples" / "migration",
    *(home for name in PACKAGES for home in (ROOT / name, (ROOT / name).parent)),
]
"""Where the paths of the pages begin."""
GENERATED = {".mutation/", "dist/"}


def test_each_file_that_a_page_names_exists() -> None:
    named = re.compile(r"`((?:[\w.-]+/)+(?:[\w-]+\.(?:py|toml|txt|yml))?)`")
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]
    found = {
        (page.name, name)
        for page in pages
        for name in named.findall(page.read_text(encoding="utf-8"))
        if name not in GENERATED
    }

    assert len(found) > 100
    assert [(page, name) for page, name in found if not any((home / name).exists() for home in HOMES)] == []


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", text):
        file = page.parent / target if target else page

        assert file.exists(), target
        assert not anchor or anchor in anchors_of(file), f"{target}#{anchor}"
