"""docs/models.md says what is true: families, counts, an entry that reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

from planner.catalog.model import Model
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.workload.build import architecture
from planner.workload.huggingface import families

_ROOT = Path(__file__).resolve().parents[2]
_TEXT = (_ROOT / "docs" / "models.md").read_text("utf-8")
_PARTS = ("_text", "_text_model", "_vision_model")


def test_every_family_that_is_read_is_listed() -> None:
    listed = set(re.findall(r"[a-z0-9_-]+", _TEXT.split("Known are:")[1].split("\n\n")[1]))
    known = {re.sub("|".join(f"{part}$" for part in sorted(_PARTS, reverse=True)), "", name) for name in families()}

    assert listed == known


def test_the_numbers_of_truths_are_those_of_the_files() -> None:
    truths = json.loads((_ROOT / "tests" / "truth" / "workloads.json").read_text("utf-8"))["truths"]
    zoo = json.loads((_ROOT / "tests" / "truth" / "zoo.json").read_text("utf-8"))["models"]
    words = " ".join(_TEXT.split())

    assert f"for {len(truths)} published configurations" in words
    assert f"independent count of {len(zoo)} models" in words
    assert f"each of the {sum('because' in truth for truth in zoo.values())} that differ" in words


def test_the_entry_by_hand_reads_and_builds() -> None:
    found = re.search(r"```yaml\n(schema: planner/model/v1.*?)```", _TEXT, re.DOTALL)
    assert found
    model = typed(parse_yaml(found.group(1)), Model)
    assert model.architecture is not None
    built = architecture(model.architecture, model.id)

    assert built.layers == 49
    assert [kind.name for kind in built.main.kinds] == ["full+dense", "sliding+experts", "full+experts"]
