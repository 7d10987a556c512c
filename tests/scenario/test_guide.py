"""The documents that docs/scenarios.md shows are read, and its scenarios are answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from planner.documents.files import ReadBudget
from planner.documents.reader import parse_yaml
from planner.planning.books import Books
from planner.planning.claims import judged
from planner.scenario.project import ReadProject, read_project
from planner.scenario.resolve import read_scenario, variant_names
from tests.conftest import ROOT

GUIDE = ROOT / "docs" / "scenarios.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
SCENARIOS = [block for block in BLOCKS if "planner/scenario/v1" in block]
PROJECTS = [block for block in BLOCKS if "planner/project/v1" in block]


def test_every_block_is_a_document() -> None:
    assert len(SCENARIOS) >= 4
    assert len(PROJECTS) == 1
    assert len(SCENARIOS) + len(PROJECTS) == len(BLOCKS)


@pytest.mark.parametrize("text", SCENARIOS, ids=lambda text: str(parse_yaml(text).value["name"]))
def test_a_scenario_is_answered_with_each_variant(text: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "shown.yaml").write_text(text)
    (tmp_path / "scenarios").mkdir()
    for folder in ("examples",):
        (tmp_path / "scenarios" / folder).mkdir()
        for file in (ROOT / "scenarios" / folder).glob("*.yaml"):
            (tmp_path / "scenarios" / folder / file.name).write_text(file.read_text("utf-8"))
    for variant in (None, *variant_names(parse_yaml(text))):
        found = judged(read_scenario(tmp_path / "docs" / "shown.yaml", variant=variant, root=tmp_path), Books())
        assert found.results or found.children
        assert found.judgement is None or found.judgement.holds


@pytest.mark.parametrize("text", PROJECTS)
def test_the_project_is_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "planner.yaml").write_text(text)
    read: ReadProject = read_project(tmp_path / "planner.yaml")
    assert Books.of(read, ReadBudget()).exchange_rates.rate("KRW") == 1340
