"""Every block of the documents is run by one test, or says why it is not."""

import importlib

import pytest

from tests.documents.blocks import (
    NOT_RUN,
    ROOT,
    Block,
    block,
    blocks_in,
    blocks_of,
    documents,
    reason_not_to_run,
    runners_of,
    swapped,
)

FOLDERS = ("documents", "wheel", "workflows")
BLOCKS = [each for path in documents() for each in blocks_of(str(path.relative_to(ROOT)))]


@pytest.fixture(scope="module", autouse=True)
def runners() -> None:
    """Import whatever runs blocks."""
    for folder in FOLDERS:
        for path in (ROOT / "tests" / folder).glob("test_*.py"):
            importlib.import_module(f"tests.{folder}.{path.stem}")


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_exactly_one_test_runs_the_block(block: Block) -> None:
    reason, runners = reason_not_to_run(block), runners_of(block)

    assert len(runners) == (reason is None), f"{block} is run by {sorted(runners) or 'nobody'}; not run: {reason}"


@pytest.mark.parametrize(("document", "beginning"), NOT_RUN)
def test_each_unrun_block_exists(document: str, beginning: str) -> None:
    assert block(document, beginning)


def test_a_block_that_no_test_runs_is_noticed() -> None:
    (new,) = blocks_in("Text.\n\n```sh\nrm -rf everything\n```\n", "docs/new.md")

    assert (new.line, runners_of(new), reason_not_to_run(new)) == (3, set(), None)


def test_fences_of_any_length_and_kind_are_found() -> None:
    text = "```sh\na\n```\n\n~~~text\n```\nb\n```\n~~~\n\n````\nc\n````\n"

    assert [each.text for each in blocks_in(text, "docs/new.md")] == ["a\n", "```\nb\n```\n", "c\n"]


def test_the_urls_of_a_page_are_swapped_at_once_and_whole() -> None:
    """A free port may begin with one of the pages, and the pages' with a free one."""
    urls = {"http://a:50": "http://a:417", "http://a:41": "http://a:9"}

    assert swapped("http://a:50/x http://a:41 http://a:417", urls) == "http://a:417/x http://a:9 http://a:417"
