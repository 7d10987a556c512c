"""Catalog entries of every kind to test with: the built-in ones, and one that `planner bench fit` wrote."""

from __future__ import annotations

from pathlib import Path

from planner.catalog.folders import built_in
from planner.catalog.kinds import KINDS
from tests.conftest import ROOT


def entries_of(kind: str) -> list[Path]:
    """Give files of a kind, sorted by name; at least one."""
    folder = built_in() if KINDS[kind].supplied else ROOT / "tests" / "catalog"
    return sorted((folder / KINDS[kind].folder).glob("*.yaml"))
