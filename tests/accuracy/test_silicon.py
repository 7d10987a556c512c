"""Since when software knows a chip's silicon."""

from __future__ import annotations

import pytest

from planner.accuracy.silicon import Silicon
from planner.catalog.store import Catalog


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


@pytest.mark.parametrize(
    ("part", "first"),
    [("h200-sxm", "h100-sxm"), ("mi325x", "mi300x"), ("gb300", "b200-sxm"), ("a100-sxm-80gb", "a100-sxm-40gb")],
)
def test_a_part_with_more_memory_is_as_old_as_the_first_of_its_line(catalog: Catalog, part: str, first: str) -> None:
    silicon = Silicon(catalog)
    assert silicon.since(catalog.accelerator(part)) == silicon.since(catalog.accelerator(first))


@pytest.mark.parametrize(
    ("new", "old"), [("mi355x", "mi300x"), ("b200-sxm", "h100-sxm"), ("h100-sxm", "a100-sxm-40gb")]
)
def test_a_new_line_is_younger_than_the_one_before(catalog: Catalog, new: str, old: str) -> None:
    silicon = Silicon(catalog)
    assert silicon.since(catalog.accelerator(new)) > silicon.since(catalog.accelerator(old)) + 1
