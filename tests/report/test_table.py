"""The table of an estimate: one grid, and what it must tell."""

from __future__ import annotations

import re
from functools import cache

import pytest

from planner.documents.files import ReadBudget
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.planning.books import Books
from planner.planning.claims import judged
from planner.report.columns import width
from planner.report.table import render
from planner.scenario.project import Project, ReadProject, read_project
from planner.scenario.resolve import read_scenario
from tests.conftest import ROOT


@cache
def shown(file: str, variant: str | None = None, columns: int = 80) -> str:
    budget = ReadBudget()
    books = Books.of(read_project(ROOT / "planner.yaml", budget=budget), budget)
    return render(judged(read_scenario(ROOT / "scenarios" / file, variant=variant, root=ROOT), books), width=columns)


LLAMA = "examples/llama-3.1-405b-pretrain.yaml"


def test_shares_and_values_of_all_sections_end_in_the_same_columns() -> None:
    ends = {line.index(" %") for line in shown(LLAMA).splitlines() if re.search(r"\d %  █", line)}
    assert ends == {52}
    bars = {line.index("█") for line in shown(LLAMA).splitlines() if "█" in line}
    assert bars == {56}


def test_parameters_are_told_in_billions() -> None:
    assert "llama-3.1-405b, 405.9 B parameters" in shown(LLAMA)


def test_every_section_is_there() -> None:
    for section in (
        *("Where one step of", "Memory of an accelerator, of 79.7 GiB", "Where the time goes", "Power of a node"),
        *("Where the money goes", "What this rests on", "ranges hold 80 % of cases"),
    ):
        assert section in shown(LLAMA)


def test_the_fullest_stage_is_shown_with_what_fills_it() -> None:
    lines = shown(LLAMA).splitlines()
    (at,) = [number for number, line in enumerate(lines) if "the fullest" in line]
    assert lines[at + 1].startswith("  weights")
    gibibytes = [float(match[1]) for line in lines[at:] if (match := re.search(r"([\d.]+) GiB", line))]
    parts = gibibytes[1 : 1 + sum(line.startswith("  ") for line in lines[at + 1 : at + 8])]
    assert sum(parts) == pytest.approx(gibibytes[0], abs=0.4)  # each is rounded to a tenth


def test_a_wider_terminal_widens_the_bars_alone() -> None:
    narrow, wide = (shown(LLAMA, None, columns).split("What this rests on")[0] for columns in (80, 120))
    assert max(map(width, wide.splitlines())) > 80
    assert re.sub("[█░ \n]+", " ", narrow) == re.sub("[█░ \n]+", " ", wide)


def test_weak_inputs_are_named() -> None:
    assert re.search(r"purchase_price of dgx-h100 +270,000 USD +estimated", shown(LLAMA))


def test_a_place_tells_what_fits_what_binds_and_what_does_not_fit() -> None:
    text = shown("claims/campus-floor.yaml")
    assert re.search(r"dgx-a100 +9 \(8 – 10\) +6.5 kW", text)
    assert re.search(r"What binds\n  power +dgx-2, dgx-a100", text)
    assert re.search(r"What does not fit\n  gb200-nvl72 +one draws 215 kW with cooling", text)


def test_alternatives_stand_side_by_side_and_those_of_a_part_below() -> None:
    text = shown("claims/node-power-h100.yaml")
    assert "limit: One node with 8 H100, its limit" in text
    assert re.search(r"training +[\d.]+ h", text)


def test_a_claim_is_told_with_each_verdict() -> None:
    text = shown("claims/trillion-without-offload.yaml")
    assert "The claim holds" in text
    assert re.search(r"smallest: accelerators\n +400  holds: 240 – 400", text)
    assert "holds: one-node-fewer does not fit" in text
    assert "The claim" not in shown("claims/campus-floor.yaml", "usual-racks")


@pytest.mark.parametrize("file", [LLAMA, "examples/machine-room.yaml", "claims/storage-bottleneck.yaml"])
def test_money_is_shown_in_the_project_s_currency(file: str) -> None:
    tree = parse_yaml("schema: planner/project/v1\ncurrency: KRW\n")
    books = Books.of(ReadProject(typed(tree, Project), tree, ROOT, ()), ReadBudget())
    text = render(judged(read_scenario(ROOT / "scenarios" / file, root=ROOT), books))
    assert "KRW " in text
    assert max(map(width, text.splitlines())) <= 80
    assert "$" not in text
