"""Failure rates, checkpoints, training data and embodied carbon, against the arithmetic of their own counts."""

from __future__ import annotations

import pytest

from planner.catalog.embodied import EmbodiedCarbon
from planner.catalog.reliability import Reliability
from planner.catalog.store import Catalog
from planner.catalog.training_data import TrainingData
from planner.errors import UnknownNameError

CATALOG = Catalog()
RELIABILITY = CATALOG.sheet("reliability", Reliability)
DATA = CATALOG.sheet("training-data", TrainingData)


def test_the_rate_of_llama_3_is_its_count_over_its_accelerator_hours() -> None:
    """419 unexpected interruptions in 54 days of 16,384 accelerators: one in 3.09 hours."""
    (record,) = RELIABILITY.failures_of("h100-sxm")
    assert record.rate is not None
    assert record.interruptions == 419
    assert record.rate.mid * 3600 == pytest.approx(419 / (16_384 * 54 * 24), rel=1e-3)
    assert 1 / (record.rate.mid * 3600 * 16_384) == pytest.approx(3.09, rel=1e-2)


def test_published_rates_lie_within_a_factor_of_eight() -> None:
    rates = [record.rate.mid * 3600 for record in RELIABILITY.failures if record.rate]
    assert len(rates) == 4
    assert max(rates) < 8 * min(rates)
    assert all(1e-5 < rate < 1e-4 for rate in rates)


def test_nothing_is_said_of_accelerators_that_nobody_reported_on() -> None:
    assert RELIABILITY.failures_of("trainium2") == ()


def test_checkpoints_hold_what_their_size_says() -> None:
    """BLOOM: 2.3 TB for 176.2 billion parameters, written in 40 s."""
    bloom = next(record for record in RELIABILITY.checkpoints if record.id == "bloom-full")
    assert bloom.size is not None
    assert bloom.per_parameter == pytest.approx(bloom.size / 176.247e9, rel=1e-3)
    assert bloom.write == pytest.approx(bloom.size / 40)


def test_bytes_of_a_picture_over_its_tokens_are_its_bytes_per_token() -> None:
    picture = DATA.type_of("image-imagenet-jpeg")
    assert picture.per_sample is not None
    assert picture.tokens_per_sample == 197
    assert picture.per_token.mid == pytest.approx(picture.per_sample.mid / 197, rel=2e-3)
    sound = DATA.type_of("audio-16khz-pcm16")
    assert sound.per_second is not None
    assert sound.per_token.mid == sound.per_second.mid / 50 == 640


def test_an_unknown_form_of_data_offers_near_ones() -> None:
    with pytest.raises(UnknownNameError, match="text-tokenized-u32"):
        DATA.type_of("text-tokenized-u64")


def test_means_of_lengths_stay_below_their_largest() -> None:
    for record in DATA.lengths:
        if record.prompt_mean and record.prompt_most:
            assert record.prompt_mean < record.prompt_most
        if record.output_mean and record.output_most:
            assert record.output_mean < record.output_most


def test_every_row_names_sources_that_are_known() -> None:
    rows = [*RELIABILITY.failures, *RELIABILITY.checkpoints, *DATA.types, *DATA.lengths]
    rows += CATALOG.sheet("embodied-carbon", EmbodiedCarbon).items
    for row in rows:
        assert row.sources, row.id
        assert all(CATALOG.source(key) is not None for key in row.sources.values()), row.id


def test_embodied_carbon_of_boards_agrees_with_nvidia_s_intensity() -> None:
    """0.66 to 0.50 gCO2e per operation at 2.27 times the rate: the ratio of the two boards."""
    items = {record.id: record for record in CATALOG.sheet("embodied-carbon", EmbodiedCarbon).items}
    ratio = items["hgx-b200"].carbon / items["hgx-h100"].carbon
    assert ratio == pytest.approx(0.50 / 0.66 * 2250 / 989.4, rel=0.02)
