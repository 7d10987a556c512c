"""README.md keeps its word: its output is the command's, its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from planner.cli import COMMANDS
from tests.conftest import ROOT
from tests.packaging.readme_block import COMMAND, made, shown

README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_the_output_it_shows_is_what_the_command_prints() -> None:
    """`make readme` writes it anew."""
    assert shown() == made()


def test_its_output_fits_80_columns() -> None:
    assert max(map(len, made().splitlines())) <= 80


def test_make_estimate_runs_the_command_it_shows() -> None:
    assert f"planner {COMMAND[0]} $(EXAMPLE)" in MAKEFILE
    assert f"EXAMPLE := {COMMAND[1]}" in MAKEFILE
    assert (ROOT / COMMAND[1]).is_file()


def test_every_make_target_that_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    texts = [document.read_text("utf-8") for document in DOCUMENTS]
    named = {name for text in texts for name in re.findall(r"\bmake ([a-z]+)(?:\s+#|`)", text)}
    assert {"estimate", "test"} <= named
    assert named <= targets


def test_every_command_is_in_its_table() -> None:
    assert set(re.findall(r"^\| `planner ([a-z]+)` \|", README, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_to_files(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text("utf-8"))
    missing = [t for t in targets if "://" not in t and not (document.parent / t).exists()]
    assert missing == []
