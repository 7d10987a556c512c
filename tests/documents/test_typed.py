"""Typed documents: every fault of a document at once, each at its place, with what would be right."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from planner.documents.reader import MAX_FAULTS, parse_yaml
from planner.documents.typed import require_schema, typed
from planner.documents.types import (
    Bytes,
    BytesOrZero,
    BytesPerSecond,
    Date,
    Flag,
    FlopsPerSecond,
    Id,
    Record,
    Share,
    Text,
    UncertainBytes,
    UncertainPue,
    UncertainShare,
    Whole,
    WholeOrZero,
    quantity,
)
from planner.errors import Fault, InputError
from planner.units import dimensions

Operations = Annotated[float, quantity(dimensions.FLOPS)]


class Memory(Record):
    capacity: Bytes
    bandwidth: BytesPerSecond | None = None


class Part(Record):
    """A small document that has a field of every kind."""

    schema_: Annotated[Literal["planner/part/v1"] | None, Field(alias="schema")] = None
    id: Id = "part"
    name: Text = ""
    memory: Memory | None = None
    peak: dict[Literal["bf16", "fp8"], FlopsPerSecond] = {}  # noqa: RUF012 - pydantic copies it
    work: Operations | None = None
    count: Whole = 1
    spare: WholeOrZero = 0
    disk: BytesOrZero = 0.0
    share: Share = 1.0
    pue: UncertainPue | None = None
    loss: UncertainShare | None = None
    size: UncertainBytes | None = None
    released: Date | None = None
    fast: Flag = False
    layers: tuple[Memory, ...] | Whole = 1


def faults(text: str) -> list[Fault]:
    with pytest.raises(InputError) as caught:
        typed(parse_yaml(text, name="part.yaml"), Part)
    return list(caught.value.faults)


def the_fault(text: str) -> Fault:
    (fault,) = faults(text)
    return fault


def part(text: str) -> Part:
    return typed(parse_yaml(text), Part)


class TestKeys:
    def test_unknown_keys_are_told_all_at_once_with_the_nearest_of_the_level_they_stand_in(self) -> None:
        found = faults("memroy: {}\nname: x\nmemory: {capacity: 1 GB, bandwith: 1 GB/s}\nCount: 3\n")
        told = [(str(fault.where), fault.id, fault.hint) for fault in found]
        assert told == [
            ("part.yaml:1:1", "unknown-key", "did you mean 'memory'?"),
            ("part.yaml:3:26", "unknown-key", "did you mean 'bandwidth'?"),
            ("part.yaml:4:1", "unknown-key", "did you mean 'count'?"),
        ]
        assert found[1].allowed == "bandwidth, capacity"

    def test_missing_keys_are_told_at_the_map_that_lacks_them(self) -> None:
        fault = the_fault("name: x\nmemory: {bandwidth: 1 GB/s}\n")
        assert (fault.id, str(fault.where), fault.message) == ("missing-key", "part.yaml:2:1", "'capacity' is missing")

    def test_keys_of_the_user_s_own_are_left_alone_at_every_level(self) -> None:
        assert part("x-owner: me\nmemory: {capacity: 1 GB, x-note: [1, {a: b}]}\n").memory == Memory(capacity="1 GB")

    def test_a_name_in_the_wrong_place_is_not_taken(self) -> None:
        assert the_fault("capacity: 80 GB\n").id == "unknown-key"

    def test_a_document_full_of_unknown_keys_is_answered_with_the_first_ones(self) -> None:
        found = faults("".join(f"k{i}: 1\n" for i in range(1000)))
        assert len(found) == MAX_FAULTS + 1
        assert found[-1].id == "more-faults"
        assert "950" in found[-1].message


class TestQuantities:
    def test_units_are_read_into_si(self) -> None:
        read = part("memory: {capacity: 80 GiB, bandwidth: 400 Gb/s}\npeak: {bf16: 989.4 TFLOP/s}\n")
        assert read.memory is not None
        assert read.memory.capacity == 80 * 2**30
        assert read.memory.bandwidth == 50e9
        assert read.peak == {"bf16": 989.4e12}

    @pytest.mark.parametrize("value", ["80", "80.0", "'80'", "1e11"])
    def test_a_missing_unit_is_refused_with_an_example(self, value: str) -> None:
        fault = the_fault(f"memory: {{capacity: {value}}}")
        assert fault.id == "quantity"
        assert "no unit" in fault.message
        assert "80 GiB" in fault.allowed

    @pytest.mark.parametrize("value", ["80 TFLOP/s", "80 GB/s", "3 h", "80 W", "5 USD", "80 tokens"])
    def test_another_dimension_is_refused(self, value: str) -> None:
        fault = the_fault(f"memory: {{capacity: {value}}}")
        assert fault.id == "quantity"
        assert "does not measure an amount of data" in fault.message

    def test_gigabytes_gibibytes_and_gigabits_are_three_things(self) -> None:
        assert part("disk: 80 GB").disk == 80e9
        assert part("disk: 80 GiB").disk == 85899345920
        assert "bit" in the_fault("disk: 80 Gb").hint
        assert the_fault("disk: 80 GIB").id == "quantity"
        assert the_fault("disk: 80 gb").id == "quantity"

    def test_flops_with_an_s_is_a_rate_and_never_a_count(self) -> None:
        assert part("peak: {bf16: 989.4 TFLOPS}").peak == {"bf16": 989.4e12}
        assert part("work: 3.8e25 FLOP").work == 3.8e25
        assert "a rate" in the_fault("work: 3.8 TFLOPS").hint
        assert "a rate is FLOP/s" in the_fault("peak: {bf16: 989.4 TFLOP}").hint

    @pytest.mark.parametrize("value", ["-1 GB", "0 GB", "0", "1e400 GB", "1e-300 GB", "-0 GB", "1e39 GB", "1e-400 GB"])
    def test_what_no_memory_can_hold_is_refused(self, value: str) -> None:
        assert the_fault(f"memory: {{capacity: {value}}}").id in {"quantity", "out-of-range"}

    @pytest.mark.parametrize("value", ["nan", "NaN GB", "inf GB", "∞ GB", ".nan GB", "٣ GB", "３ GB", "GB", "", "[]"])
    def test_what_is_no_number_is_refused(self, value: str) -> None:
        assert the_fault(f"disk: {value}").id == "quantity"

    @pytest.mark.parametrize("value", ["0", "-1", "2.5", "1e19", "9999999999999999999", "10^19", "true", "1 GB", "nan"])
    def test_counts_are_whole_and_within_reason(self, value: str) -> None:
        assert the_fault(f"count: {value}").id in {"quantity", "out-of-range", "whole-number"}

    def test_counts_may_be_written_short(self) -> None:
        assert part("count: 16 k\nspare: 0").count == 16000
        assert part("count: 2 M").count == 2_000_000

    def test_zero_needs_no_unit_where_zero_is_allowed(self) -> None:
        assert part("disk: 0").disk == 0.0

    @given(st.text(max_size=30))
    def test_no_text_whatever_makes_anything_but_a_number_or_a_fault(self, text: str) -> None:
        try:
            document = Part.model_validate({"disk": text, "count": text, "share": text})
        except ValueError:
            return
        assert 0.0 <= document.disk < 1e41
        assert 1 <= document.count <= 10**15
        assert 0.0 <= document.share <= 1.0


class TestRanges:
    def test_one_value_is_a_range_without_width(self) -> None:
        read = part("size: 80 GB").size
        assert read is not None
        assert (read.low, read.mid, read.high) == (80e9, 80e9, 80e9)

    def test_three_values_are_a_range(self) -> None:
        read = part("pue: {low: 1.1, mid: 1.2, high: 1.4}").pue
        assert read is not None
        assert (read.low, read.mid, read.high) == (1.1, 1.2, 1.4)

    @pytest.mark.parametrize(
        "value",
        [
            "{low: 3 GB, mid: 2 GB, high: 4 GB}",
            "{low: 1 GB, mid: 5 GB, high: 4 GB}",
            "{low: 3 GB, mid: 3 GB, high: 1 GB}",
        ],
    )
    def test_a_range_that_falls_is_refused(self, value: str) -> None:
        assert the_fault(f"size: {value}").allowed == "low <= mid <= high"

    @pytest.mark.parametrize(
        "value", ["{low: 1 GB}", "{mid: 1 GB}", "{low: 1 GB, high: 2 GB}", "{}", "{low: 1 GB, mid: 1 GB, hgih: 1 GB}"]
    )
    def test_a_one_sided_range_is_refused(self, value: str) -> None:
        assert "low, mid and high" in the_fault(f"size: {value}").message

    @pytest.mark.parametrize("value", ["101 %", "1.01", "-0.1", "-1 %", "{low: 0.5, mid: 0.9, high: 1.1}"])
    def test_a_share_outside_0_to_1_is_refused(self, value: str) -> None:
        assert the_fault(f"loss: {value}").id == "out-of-range"

    def test_a_share_may_be_a_percentage(self) -> None:
        assert part("share: 35 %").share == pytest.approx(0.35)

    def test_a_pue_below_one_is_refused(self) -> None:
        assert the_fault("pue: 0.9").allowed == "at least 1 and at most 10"


class TestOtherFields:
    @pytest.mark.parametrize("value", ["3.10", "2026-01-01", "on", "NO", "12:30:45", "1e12", "+5", "'010'"])
    def test_text_stays_as_it_was_written(self, value: str) -> None:
        assert part(f"name: {value}").name == value.strip("'")

    @pytest.mark.parametrize("value", ["true", "null", "~", "[a]", "{a: b}"])
    def test_what_is_no_text_is_refused(self, value: str) -> None:
        assert the_fault(f"name: {value}").id == "text"

    def test_text_is_bounded(self) -> None:
        assert the_fault(f"name: {'x' * 20_001}").allowed == "at most 20,000"

    @pytest.mark.parametrize("value", ["yes", "on", "1", "'true'", "null"])
    def test_flags_are_true_or_false(self, value: str) -> None:
        assert the_fault(f"fast: {value}").id == "boolean"

    @pytest.mark.parametrize("value", ["H100", "a b", "../x", "a/b", "-x", "''", "x" * 101, "é"])
    def test_ids_are_lower_case_file_names(self, value: str) -> None:
        assert the_fault(f"id: {value}").id == "id"

    @pytest.mark.parametrize("value", ["2026", "2026-02", "2026-02-28", "2024-02-29"])
    def test_dates_may_be_years_or_months(self, value: str) -> None:
        assert part(f"released: {value}").released == value

    @pytest.mark.parametrize(
        "value", ["2026-13", "2026-02-30", "2025-02-29", "26-01-01", "2026-1-1", "today", "٢٠٢٦", "2026-01-01T00:00"]
    )
    def test_what_is_no_date_is_refused(self, value: str) -> None:
        assert the_fault(f"released: {value}").id == "date"

    def test_a_name_of_a_closed_list_has_its_nearest_told(self) -> None:
        fault = the_fault("peak: {bf61: 1 TFLOP/s}")
        assert fault.id == "unknown-value"
        assert fault.allowed == "bf16, fp8"
        assert fault.hint == "did you mean 'bf16'?"

    def test_a_map_where_a_value_is_wanted_and_the_other_way_round(self) -> None:
        assert the_fault("count: {a: 1}").id == "quantity"
        assert the_fault("memory: 80 GB").id == "not-a-map"
        assert the_fault("peak: [1 TFLOP/s]").id == "not-a-map"

    def test_a_value_that_fits_none_of_its_forms_is_one_fault(self) -> None:
        fault = the_fault("layers: many")
        assert fault.id == "no-form"
        assert "[...]" in fault.allowed
        assert "a number" in fault.allowed

    def test_where_one_form_fits_outside_the_fault_inside_is_told(self) -> None:
        fault = the_fault("layers: [{capacity: 3 GB}, {capacity: 3 s}]")
        assert (fault.id, str(fault.where)) == ("quantity", "part.yaml:1:39")


class TestDocuments:
    def test_a_document_says_its_schema(self) -> None:
        with pytest.raises(InputError, match="schema-missing"):
            require_schema(parse_yaml("a: 1"), "planner/node/v1")
        with pytest.raises(InputError, match="did you mean 'planner/node/v1'"):
            require_schema(parse_yaml("schema: planner/node/v2"), "planner/node/v1")
        assert require_schema(parse_yaml("schema: planner/node/v1"), "planner/node/v1") == "planner/node/v1"

    @pytest.mark.parametrize("text", ["[1, 2]", "just text", "42"])
    def test_a_document_is_a_map(self, text: str) -> None:
        with pytest.raises(InputError, match="not-a-map"):
            require_schema(parse_yaml(text), "planner/node/v1")
        assert the_fault(text).id == "not-a-map"

    def test_faults_come_in_the_order_of_the_file(self) -> None:
        places = [fault.where for fault in faults("fast: 3\ncount: x\nzzz: 1\nname: [a]\n")]
        assert places == sorted(places, key=str)
        assert [place.line for place in places if place] == [1, 2, 3, 4]
