"""The recipe for the next endpoint shows what is really there."""

import re

from tests.documents.blocks import ROOT, runs

PAGE = "docs/extending.md"


@runs(PAGE, "+BATCHES_HAVE_STUDENT_NAMES", "+class StudentName", "+_STUDENT_NAMES")
def test_the_recipe_is_a_diff_of_the_files(blocks: list[str]) -> None:
    recipe = (ROOT / PAGE).read_text(encoding="utf-8").partition("## An endpoint")[2]
    names = [*re.findall(r"`((?:clients|contracts)/[\w/]+\.py)`", recipe), "clients/bff_clients/cms_client.py"]
    there = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in names).splitlines()

    shown = [line.removeprefix("+") for block in blocks for line in block.splitlines()]
    assert [line for line in shown if line not in there] == []
