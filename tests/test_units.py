"""Units: against pint as an independent oracle, and by properties of reading and printing."""

from __future__ import annotations

import math
import re

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.units import dimensions
from planner.units.dimensions import Dimension, money
from planner.units.interval import Interval
from planner.units.printing import duration, gibibytes, scaled, significant
from planner.units.reading import parse
from planner.units.symbols import UnitError

REGISTRY = pint.get_application_registry()  # one for all tests: it takes a second to read
DIMENSIONS = [value for value in vars(dimensions).values() if isinstance(value, Dimension)]

PREFIXES = {
    "": "",
    "k": "kilo",
    "M": "mega",
    "G": "giga",
    "T": "tera",
    "P": "peta",
    "E": "exa",
    "Z": "zetta",
    "Y": "yotta",
}
BINARY = {"Ki": "kibi", "Mi": "mebi", "Gi": "gibi", "Ti": "tebi", "Pi": "pebi"}
SMALL = {"n": "nano", "u": "micro", "µ": "micro", "m": "milli"}
SPANS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "week": "week"}


def agrees(ours: str, theirs: str, dimension: Dimension, base: str) -> None:
    """Compare one unit with pint's."""
    assert parse(f"2.5 {ours}", dimension) == pytest.approx(REGISTRY(f"2.5 {theirs}").to(base).magnitude, rel=1e-12)


@pytest.mark.parametrize("ours", [*PREFIXES, *BINARY])
def test_bytes_agree_with_pint(ours: str) -> None:
    prefix = {**PREFIXES, **BINARY}[ours]
    agrees(f"{ours}B", f"{prefix}byte", dimensions.BYTES, "byte")
    for span, name in SPANS.items():
        agrees(f"{ours}B/{span}", f"{prefix}byte/{name}", dimensions.BYTES_PER_SECOND, "byte/second")


@pytest.mark.parametrize("ours", PREFIXES)
def test_bits_power_energy_and_mass_agree_with_pint(ours: str) -> None:
    prefix = PREFIXES[ours]
    agrees(f"{ours}b/s", f"{prefix}bit/second", dimensions.BYTES_PER_SECOND, "byte/second")
    agrees(f"{ours}bit/s", f"{prefix}bit/second", dimensions.BYTES_PER_SECOND, "byte/second")
    agrees(f"{ours}bps", f"{prefix}bit/second", dimensions.BYTES_PER_SECOND, "byte/second")
    agrees(f"{ours}W", f"{prefix}watt", dimensions.WATTS, "watt")
    agrees(f"{ours}J", f"{prefix}joule", dimensions.JOULES, "joule")
    agrees(f"{ours}Wh", f"{prefix}watt_hour", dimensions.JOULES, "joule")
    agrees(f"{ours}gCO2e/kWh", f"{prefix}gram/kilowatt_hour", dimensions.GRAMS_CO2E_PER_JOULE, "gram/joule")
    agrees(f"{ours}L/kWh", f"{prefix}liter/kilowatt_hour", dimensions.LITRES_PER_JOULE, "liter/joule")


@pytest.mark.parametrize(("ours", "theirs"), [*SPANS.items(), *((p + "s", n + "second") for p, n in SMALL.items())])
def test_times_agree_with_pint(ours: str, theirs: str) -> None:
    agrees(ours, theirs, dimensions.SECONDS, "second")


def test_a_month_has_the_730_hours_of_cloud_bills_and_a_year_twelve_of_them() -> None:
    assert parse("1 month", dimensions.SECONDS) == 730 * 3600
    assert parse("1 year", dimensions.SECONDS) == 12 * parse("1 month", dimensions.SECONDS)


def test_money_per_something() -> None:
    assert parse("98.32 USD/h", money(per="h")) == pytest.approx(98.32 / 3600)
    assert parse("0.023 USD/GB/month", money(per="GB/month")) == pytest.approx(0.023 / 1e9 / (730 * 3600))
    assert parse("0.08 USD/kWh", money(per="kWh")) == pytest.approx(0.08 / 3.6e6)
    assert parse("1.5 kUSD", money()) == 1500
    assert parse("2.5 USD/M tokens", money(per="M tokens")) == pytest.approx(2.5e-6)
    with pytest.raises(UnitError):
        parse("98.32 EUR/h", money("USD", per="h"))
    with pytest.raises(UnitError):
        parse("98.32 USD", money("USD", per="h"))


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("15.6 T", dimensions.TOKENS, 15.6e12),
        ("15.6T", dimensions.TOKENS, 15.6e12),
        ("15.6 T tokens", dimensions.TOKENS, 15.6e12),
        ("15.6 trillion tokens", dimensions.TOKENS, 15.6e12),
        ("2048 sequences", dimensions.SEQUENCES, 2048),
        ("175 B", dimensions.COUNT, 175e9),
        ("175 billion", dimensions.COUNT, 175e9),
        ("1,234,567", dimensions.COUNT, 1234567),
        ("30.84 M", dimensions.COUNT, 30.84e6),
        ("35 %", dimensions.RATIO, 0.35),
        ("35%", dimensions.RATIO, 0.35),
        ("0.35", dimensions.RATIO, 0.35),
        ("989.4 TFLOP/s", dimensions.FLOPS_PER_SECOND, 989.4e12),
        ("989.4 TFLOPS", dimensions.FLOPS_PER_SECOND, 989.4e12),
        ("1979 TOPS", dimensions.FLOPS_PER_SECOND, 1979e12),
        ("3.8e25 FLOP", dimensions.FLOPS, 3.8e25),
        ("2e-5 /accelerator/h", dimensions.PER_ACCELERATOR_SECOND, 2e-5 / 3600),
        ("12 requests/s", dimensions.REQUESTS_PER_SECOND, 12),
        ("4 B/token", dimensions.BYTES_PER_TOKEN, 4),
        ("1 kgCO2e", dimensions.GRAMS_CO2E, 1000),
        ("1 tCO2e", dimensions.GRAMS_CO2E, 1e6),
        ("80\u00a0GiB", dimensions.BYTES, 80 * 2**30),
    ],
)
def test_quantities_as_people_write_them(text: str, dimension: Dimension, value: float) -> None:
    assert parse(text, dimension) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("80 Gb", dimensions.BYTES),
        ("80 G", dimensions.BYTES),
        ("80", dimensions.BYTES),
        ("80 GB GB", dimensions.BYTES),
        ("80 GB/", dimensions.BYTES),
        ("80 GB//s", dimensions.BYTES_PER_SECOND),
        ("80 /GB", dimensions.BYTES),
        ("80 T T tokens", dimensions.TOKENS),
        ("80 k k", dimensions.COUNT),
        ("50 % %", dimensions.RATIO),
        ("8 GB/YB/YB/YB/YB GB GB GB", dimensions.BYTES),
        ("1.234,5 GB", dimensions.BYTES),
        ("1,5 GB", dimensions.BYTES),
        ("1_000 GB", dimensions.BYTES),
        ("0x10 GB", dimensions.BYTES),
        ("1e GB", dimensions.BYTES),
        ("30 m", dimensions.SECONDS),
        ("3 FLOPS", dimensions.FLOPS),
        ("3 TFLOP", dimensions.FLOPS_PER_SECOND),
        ("3 mB", dimensions.BYTES),
        ("3 KIB", dimensions.BYTES),
        ("٣ GB", dimensions.BYTES),
        ("nan GB", dimensions.BYTES),
        ("1e-400 GB", dimensions.BYTES),
        ("1e400 GB", dimensions.BYTES),
        ("1e35 YB", dimensions.BYTES),
        ("1 " + "G" * 10_000, dimensions.BYTES),
        ("9" * 100_000, dimensions.COUNT),
        (True, dimensions.COUNT),
        (float("nan"), dimensions.COUNT),
        (float("inf"), dimensions.RATIO),
    ],
)
def test_what_is_not_a_quantity_is_refused(text: str | float, dimension: Dimension) -> None:
    with pytest.raises(UnitError) as caught:
        parse(text, dimension)
    assert len(str(caught.value)) < 200


def test_advice_names_the_unit_that_was_meant() -> None:
    with pytest.raises(UnitError) as caught:
        parse("80 Gib", dimensions.BYTES)
    assert "GiB" in caught.value.hint


def test_every_example_of_a_dimension_reads_in_it_and_in_no_other_dimension_with_units() -> None:
    assert len(DIMENSIONS) > 15
    for dimension in DIMENSIONS:
        for example in dimension.examples:
            assert math.isfinite(parse(example, dimension))
            for other in DIMENSIONS:
                if dict(other.powers) != dict(dimension.powers) and not dimension.bare and not other.bare:
                    with pytest.raises(UnitError):
                        parse(example, other)


@given(st.text(max_size=40), st.sampled_from(DIMENSIONS))
def test_any_text_gives_a_finite_number_or_advice(text: str, dimension: Dimension) -> None:
    try:
        value = parse(text, dimension)
    except UnitError:
        return
    assert math.isfinite(value)


TOKENS = st.sampled_from(
    ["1", "2.5", "-3", "1e5", " ", "/", "T", "k", "GB", "GiB", "Gb", "s", "h", "%", "B", "USD", "tokens", "FLOPS", ","]
)


@given(st.lists(TOKENS, max_size=8).map("".join), st.sampled_from(DIMENSIONS))
def test_any_mixture_of_known_pieces_gives_a_finite_number_or_advice(text: str, dimension: Dimension) -> None:
    try:
        value = parse(text, dimension)
    except UnitError:
        return
    assert math.isfinite(value)
    assert value != 0.0 or not re.search("[1-9]", text)


@given(
    st.floats(1e-6, 1e12),
    st.sampled_from(
        [
            ("B", dimensions.BYTES),
            ("FLOP/s", dimensions.FLOPS_PER_SECOND),
            ("W", dimensions.WATTS),
            ("tokens", dimensions.TOKENS),
        ]
    ),
    st.integers(2, 8),
)
def test_what_is_printed_reads_back_within_its_digits(value: float, unit: tuple[str, Dimension], digits: int) -> None:
    printed = scaled(value, unit[0], digits=digits)
    assert parse(printed, unit[1]) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))


@given(st.floats(1e-9, 1e9), st.sampled_from(["k", "M", "G", "T"]))
def test_the_unit_of_the_input_changes_nothing(value: float, prefix: str) -> None:
    factor = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[prefix]
    assert parse(f"{value!r} {prefix}B", dimensions.BYTES) == pytest.approx(
        parse(f"{value * factor!r} B", dimensions.BYTES), rel=1e-12
    )


@given(st.floats(1e-9, 3e8))
def test_durations_read_back(seconds: float) -> None:
    assert parse(duration(seconds), dimensions.SECONDS) == pytest.approx(seconds, rel=0.0051)


@given(st.floats(1e-3, 1e15), st.integers(1, 9))
def test_significant_digits_are_as_many_as_asked_and_without_exponent(value: float, digits: int) -> None:
    shown = significant(value, digits)
    assert "e" not in shown
    read = float(shown.replace(",", ""))
    assert read == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))


def test_gibibytes_are_binary() -> None:
    assert gibibytes(80e9) == "74.5 GiB"


def test_ranges_do_not_fall_and_scale_with_their_middle() -> None:
    with pytest.raises(ValueError, match="must not fall"):
        Interval(2.0, 1.0, 3.0)
    assert Interval(1.0, 2.0, 4.0).scaled(0.5) == Interval(0.5, 1.0, 2.0)
    assert Interval.exactly(3.0).is_point
    assert not Interval(1.0, 2.0, 3.0).is_point
