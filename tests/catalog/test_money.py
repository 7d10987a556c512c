"""Exchange rates, spot interruptions and hosted prices."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.currency import ExchangeRates
from planner.catalog.entry import Standing
from planner.catalog.folders import built_in
from planner.catalog.hosted import hosted_model, hosted_models
from planner.catalog.interruption import SpotRules, interruption
from planner.catalog.store import Catalog
from planner.errors import InputError, UnknownNameError

CATALOG = Catalog()
RATES = CATALOG.sheet("exchange-rates", ExchangeRates)
CODES = ["USD", *sorted(RATES.per_usd)]
HOUR = 3600.0


def test_rates_are_the_european_central_bank_s_of_their_day() -> None:
    """It states them for one euro: 1.1172 USD, 1,491.76 KRW, 175.68 JPY."""
    assert RATES.date == "2026-10-30"
    assert RATES.convert(1, origin="EUR", target="USD") == pytest.approx(1.1172, rel=1e-4)
    assert RATES.convert(1, origin="EUR", target="KRW") == pytest.approx(1491.76, rel=1e-4)
    assert RATES.convert(1, origin="EUR", target="JPY") == pytest.approx(175.68, rel=1e-4)


@given(st.floats(0.01, 1e12), st.sampled_from(CODES), st.sampled_from(CODES))
def test_there_and_back_is_the_same_money(amount: float, first: str, second: str) -> None:
    there = RATES.convert(amount, origin=first, target=second)
    assert RATES.convert(there, origin=second, target=first) == pytest.approx(amount)


@pytest.mark.parametrize("code", ["XXX", "usd", ""])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(InputError) as caught:
        RATES.convert(1, origin="USD", target=code)
    assert caught.value.faults[0].id == "unknown-currency"
    assert "KRW" in caught.value.faults[0].allowed


def test_a_band_of_a_month_is_a_rate_of_an_hour() -> None:
    """5 % a month is 7.0e-5 per hour, 20 % is 3.1e-4."""
    taken = interruption(CATALOG, "g4dn.12xlarge", region="af-south-1")
    assert taken.standing is Standing.READ
    assert taken.notice_s == 120
    assert taken.rate_per_s.high * HOUR == pytest.approx(7.0e-5, rel=0.01)
    often = interruption(CATALOG, "g4dn.2xlarge", region="af-south-1")
    assert often.rate_per_s.low * HOUR == pytest.approx(3.1e-4, rel=0.02)


@given(st.floats(0.0, 0.9))
def test_a_rate_gives_its_share_back_after_a_month(share: float) -> None:
    from planner.catalog import interruption as module
    from planner.units.interval import Interval

    got = module._interruption(Interval.exactly(share), 120.0, "", "2026", "x", Standing.READ)
    assert 1 - math.exp(-got.rate_per_s.mid * 730 * HOUR) == pytest.approx(share)


def test_where_nobody_says_the_range_is_wide_and_marked() -> None:
    unknown = interruption(CATALOG, "a3-highgpu-8g", region="us-central1")
    assert unknown.standing is Standing.ESTIMATED
    assert unknown.per_month.high > 10 * unknown.per_month.low
    assert unknown.notice_s == 30
    assert interruption(CATALOG, "p5.48xlarge", region="eu-nowhere-1").standing is Standing.ESTIMATED


def test_a_machine_that_nobody_rents_has_no_spot() -> None:
    with pytest.raises(InputError) as caught:
        interruption(CATALOG, "dgx-h100", region="us-east-1")
    assert caught.value.faults[0].id == "no-spot"


def test_bands_follow_one_another() -> None:
    bands = list(CATALOG.sheet("prices/spot", SpotRules).bands.values())
    for lower, higher in itertools.pairwise(bands):
        assert lower.high == higher.low
        assert lower.mid < higher.mid


def test_an_unknown_band_is_refused_at_its_row(tmp_path: Path) -> None:
    (tmp_path / "prices").mkdir()
    header = (built_in() / "prices" / "spot-interruptions.csv").read_text().splitlines()[0]
    line = "aws,p5.48xlarge,h100-sxm,8,us-east-1,50,often,2025-07-28,aws-spot-advisor"
    (tmp_path / "prices" / "spot-interruptions.csv").write_text(f"{header}\n{line}\n")
    with pytest.raises(InputError) as caught:
        interruption(Catalog(layers=(tmp_path, built_in())), "p5.48xlarge", region="us-east-1")
    assert caught.value.faults[0].id == "spot-band"


def test_every_hosted_model_is_there_with_prices_per_token() -> None:
    models = hosted_models(CATALOG)
    assert len(models) == 1776
    assert sum(model.provider == "bedrock" for model in models) == 241
    for model in models:
        for price in (model.usd_per_input_token, model.usd_per_output_token):
            assert price is None or 0 <= price < 0.01


def test_a_hosted_price_is_per_token() -> None:
    """gpt-4o of August 2024 costs 2.50 and 10 USD per million tokens at Azure."""
    model = hosted_model(CATALOG, "azure", "azure/gpt-4o-2024-08-06")
    assert model.usd_per_input_token == pytest.approx(2.5e-6)
    assert model.usd_per_output_token == pytest.approx(10e-6)
    assert model.max_input_tokens == 128_000


@pytest.mark.parametrize(("provider", "model"), [("bedrok", "x"), ("azure", "azure/gpt-4o-2024-08-07")])
def test_unknown_hosted_models_offer_near_names(provider: str, model: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        hosted_model(CATALOG, provider, model)
    assert "did you mean" in str(caught.value)
