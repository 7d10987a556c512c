"""Which price is chosen, which is estimated, and what is refused."""

from __future__ import annotations

import csv
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.catalog.entry import Standing
from planner.catalog.folders import built_in
from planner.catalog.price import COLUMNS, TERMS, PriceBook, PriceRules, earliest, latest
from planner.catalog.store import Catalog
from planner.errors import InputError
from tests.conftest import ROOT

BOOK = PriceBook(Catalog())


def usd(node: str, term: str, **choice: str) -> float:
    return BOOK.price(node, term, **choice).usd_per_hour  # type: ignore[arg-type]


# What the price lists say: AWS on 2026-07-20, Azure on 2026-06-18, Google on 2026-08-03, TPU on 2024-12-23.
LISTED = [
    ("p5.48xlarge", "on-demand", {}, 55.04),
    ("p4d.24xlarge", "on-demand", {}, 21.957642),
    ("trn1.32xlarge", "on-demand", {}, 21.5),
    ("inf2.48xlarge", "on-demand", {}, 12.98127),
    ("nd96isr_h100_v5", "on-demand", {}, 98.32),
    ("g2-standard-4", "on-demand", {}, 0.70683228),
    ("a3-megagpu-8g", "on-demand", {"region": "us-east4"}, 92.937592),
    ("p5e.48xlarge", "capacity-block", {"region": "us-west-2"}, 39.8),
    ("m7i.48xlarge", "on-demand", {}, 9.6768),
    ("tpu-v4-host", "on-demand", {"region": "us-central2"}, 4 * 3.22),
    ("ct5lp-hightpu-8t", "on-demand", {}, 8 * 1.2),
    ("ct5lp-hightpu-1t", "spot", {}, 0.63),
]


@pytest.mark.parametrize(("node", "term", "choice", "price"), LISTED)
def test_listed_prices(node: str, term: str, choice: dict[str, str], price: float) -> None:
    assert usd(node, term, **choice) == pytest.approx(price, rel=1e-6)


def test_the_newest_row_wins_and_a_day_of_the_past_can_be_asked_for() -> None:
    """p5 fell by 44 % and p4d by 33 % in June 2025."""
    assert usd("p5.48xlarge", "on-demand") == pytest.approx(55.04)
    assert usd("p5.48xlarge", "on-demand", on="2024-01-01") == pytest.approx(98.32)
    assert usd("p4d.24xlarge", "on-demand", on="2024") == pytest.approx(32.7726, rel=1e-3)


def test_capacity_blocks_follow_their_repricing() -> None:
    prices = [usd("p5e.48xlarge", "capacity-block", region="us-east-2", on=day) for day in ("2024-12", "2025", "2026")]
    assert prices == pytest.approx([43.26, 34.61, 39.8])


def test_sagemaker_is_a_provider_of_its_own() -> None:
    offer = BOOK.price("p5.48xlarge", "on-demand", provider="aws-sagemaker")
    assert offer.usd_per_hour == pytest.approx(113.068)
    assert offer.standing is Standing.READ
    assert all(offer.provider == "aws" for offer in BOOK.offers("p5.48xlarge"))


def test_a_missing_sagemaker_price_is_the_surcharge_on_ec2_and_says_so() -> None:
    offer = BOOK.price("p4de.24xlarge", "on-demand", provider="aws-sagemaker")
    assert offer.usd_per_hour == pytest.approx(1.15 * usd("p4de.24xlarge", "on-demand"))
    assert offer.standing is Standing.ESTIMATED
    assert offer.range.low < offer.usd_per_hour < offer.range.high


def test_surcharges_are_those_of_the_rows_where_both_prices_are_known() -> None:
    """Every ratio of the same day lies in the range of its rule."""
    rules = [r for r in BOOK.catalog.sheet("prices/rules", PriceRules).estimates if r.provider == "aws-sagemaker"]
    for _, _, offer in BOOK.list_prices("aws-sagemaker"):
        node = offer.instance.removeprefix("ml.")
        before = [
            o for o in BOOK.offers(node) if o.term == "on-demand" and o.region == "us-east-1" and o.date < "2025-06"
        ]
        rule = next((r for r in rules if node.startswith(tuple(f"{s}." for s in r.series))), None)
        if rule and before:
            ratio = offer.usd_per_hour / before[0].usd_per_hour
            assert rule.ratio.low - 0.005 <= ratio <= rule.ratio.high + 0.005, (node, ratio)


def reserved_ratios(provider: str, term: str) -> Iterator[float]:
    """Give reserved over on-demand price of the same instance, region and source."""
    on_demand: dict[tuple[str, ...], float] = {}
    rows = [offer for _, _, offer in BOOK.list_prices(provider)]
    for offer in rows:
        if offer.term == "on-demand":
            on_demand[offer.instance, offer.region, offer.date, offer.source] = offer.usd_per_hour
    for offer in rows:
        key = (offer.instance, offer.region, offer.date, offer.source)
        if offer.term == term and offer.note != "all upfront" and key in on_demand:
            yield offer.usd_per_hour / on_demand[key]


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_the_rule_for_one_year_is_what_one_year_cost(provider: str) -> None:
    rule = next(
        r
        for r in BOOK.catalog.sheet("prices/rules", PriceRules).estimates
        if (r.provider, r.term) == (provider, "reserved-1y")
    )
    ratios = sorted(reserved_ratios(provider, "reserved-1y"))
    assert len(ratios) >= 14
    assert rule.ratio.mid == pytest.approx(statistics.median(ratios), abs=0.002)
    assert (rule.ratio.low, rule.ratio.high) == pytest.approx((ratios[0], ratios[-1]), abs=0.002)


def test_commitments_cost_less_the_longer_they_are() -> None:
    for node in ("p5.48xlarge", "trn1.32xlarge", "nd96isr_h100_v5", "a3-highgpu-8g"):
        prices = [usd(node, term) for term in ("on-demand", "reserved-1y", "reserved-3y")]
        assert prices == sorted(prices, reverse=True)
        assert prices[2] > 0.3 * prices[0]


def test_three_years_of_neuron_instances_are_estimated_as_their_term_is_not_stated() -> None:
    offer = BOOK.price("inf2.xlarge", "reserved-3y")
    assert (offer.usd_per_hour, offer.standing) == (0.328, Standing.ESTIMATED)


def test_a_spot_price_that_cannot_be_right_is_kept_and_never_chosen() -> None:
    """The TPU table has spot above on-demand in six rows."""
    flagged = [offer for _, _, offer in BOOK.list_prices("gcp") if offer.flag == "unusable"]
    assert len(flagged) == 6
    assert all(offer.term == "spot" for offer in flagged)
    with pytest.raises(InputError) as caught:
        BOOK.price("tpu-v4-host", "spot", region="us-central2")
    assert caught.value.faults[0].id == "unknown-price"


@pytest.mark.parametrize(
    ("node", "term", "choice", "told"),
    [
        ("trn2.48xlarge", "on-demand", {}, "spot in us-east-2"),
        ("a3-megagpu-8g", "on-demand", {}, "on-demand in asia-northeast1"),
        ("p5.48xlarge", "on-demand", {"region": "eu-nowhere-1"}, "on-demand in"),
        ("dgx-h100", "on-demand", {}, "owned"),
        ("trn3-gen2-ultraserver", "spot", {}, "nobody"),
        ("p5.48xlarge", "monthly", {}, "on-demand in"),
        ("p5.48xlarge", "on-demand", {"on": "2019-01-01"}, "on-demand in"),
    ],
)
def test_an_unknown_price_is_refused_with_what_is_known(
    node: str, term: str, choice: dict[str, str], told: str
) -> None:
    with pytest.raises(InputError) as caught:
        BOOK.price(node, term, **choice)  # type: ignore[arg-type]
    fault = caught.value.faults[0]
    assert fault.id == "unknown-price"
    assert told in fault.allowed + fault.hint


def test_every_row_of_the_fact_base_is_an_offer() -> None:
    """1,527 rows, 573 of them with two prices, and ten CPU instances; by source as collected."""
    offers = [offer for provider in BOOK.providers() for _, _, offer in BOOK.list_prices(provider)]
    assert len(offers) == 1527 + 573 + 10
    assert all(offer.usd_per_hour > 0 and offer.date[:2] == "20" for offer in offers)
    assert {offer.term for offer in offers} == set(TERMS)
    assert sum(offer.source == "karpenter-azure" for offer in offers) == 610
    assert sum(offer.provider == "aws-sagemaker" for offer in offers) == 26


def test_prices_of_machines_without_an_entry_are_listed_but_cannot_be_chosen() -> None:
    instances = {offer.instance for _, _, offer in BOOK.list_prices("lambda")}
    assert "gpu_8x_h100_sxm5" in instances
    with pytest.raises(InputError):
        BOOK.price("gpu_8x_h100_sxm5", "on-demand")


def row(**cells: str) -> list[str]:
    usual = {"instance": "p5.48xlarge", "accelerator": "h100-sxm", "accelerators": "8", "region": "us-east-1"}
    usual |= {"term": "on-demand", "usd_per_hour": "10", "per": "node", "date": "2020", "source": "x"}
    usual |= {"standing": "read", "flag": "", "note": ""}
    return [{**usual, **cells}[column] for column in COLUMNS]


def book_with(folder: Path, *rows: list[str]) -> PriceBook:
    (folder / "prices").mkdir()
    with (folder / "prices" / "aws.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return PriceBook(Catalog(layers=(folder, built_in())))


def test_a_price_of_one_s_own_stands_over_the_built_in_ones_however_old(tmp_path: Path) -> None:
    book = book_with(tmp_path, row(usd_per_hour="42.5"))
    assert book.price("p5.48xlarge", "on-demand").usd_per_hour == 42.5
    assert book.price("p4d.24xlarge", "on-demand").usd_per_hour == pytest.approx(21.957642)


@pytest.mark.parametrize(
    "bad",
    [
        {"usd_per_hour": "0"},
        {"usd_per_hour": "-1"},
        {"usd_per_hour": "nan"},
        {"usd_per_hour": "inf"},
        {"usd_per_hour": ""},
        {"usd_per_hour": "ten"},
        {"term": "weekly"},
        {"per": "rack"},
        {"flag": "odd"},
        {"standing": "believed"},
    ],
)
def test_a_row_that_is_no_price_is_refused_at_its_line(tmp_path: Path, bad: dict[str, str]) -> None:
    book = book_with(tmp_path, row(), row(**bad))
    with pytest.raises(InputError) as caught:
        book.price("p5.48xlarge", "on-demand")
    fault = caught.value.faults[0]
    assert fault.id == "price-row"
    assert fault.where is not None
    assert fault.where.line == 3


def test_partial_dates_count_as_their_first_day_and_last() -> None:
    assert [earliest(d) for d in ("2026", "2026-07", "2026-07-20")] == ["2026-01-01", "2026-07-01", "2026-07-20"]
    assert "2026-12-31" < latest("2026") < "2027-01-01"
    assert "2026-07-31" < latest("2026-07") < "2026-08-01"


def test_one_price_costs_little(slow: float) -> None:
    """Prices are read with the csv module, one provider's file."""
    times = []
    for _ in range(5):
        book = PriceBook(Catalog())
        book.catalog.node("nd96isr_h100_v5")
        started = time.process_time()
        book.price("nd96isr_h100_v5", "on-demand")
        times.append(time.process_time() - started)
    assert min(times) < 0.010 * slow


def test_the_price_book_needs_no_pandas() -> None:
    import subprocess
    import sys

    script = "import planner.catalog.price, sys; print('pandas' in sys.modules or 'scipy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "False"
