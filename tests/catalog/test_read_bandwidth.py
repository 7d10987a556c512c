"""Error correction that lies in the same memory takes its share of what is read."""

from __future__ import annotations

import pytest

from planner.catalog.store import Catalog

CATALOG = Catalog()


@pytest.mark.parametrize("inline", ["l40s", "a10", "l4", "t4"])
def test_gddr6_of_data_centres_reads_a_sixteenth_of_error_correction(inline: str) -> None:
    memory = CATALOG.accelerator(inline).memory
    assert memory.read_bandwidth == pytest.approx(15 / 16 * memory.bandwidth, rel=0.01)


@pytest.mark.parametrize("apart", ["a100-sxm-80gb", "h100-sxm", "b200-sxm", "rtx-pro-6000-server", "mi300x"])
def test_other_memories_have_their_whole_bandwidth(apart: str) -> None:
    memory = CATALOG.accelerator(apart).memory
    assert memory.read_bandwidth == pytest.approx(memory.bandwidth, rel=0.02)
