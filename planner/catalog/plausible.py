"""Numbers that a real part or place can have: dense peaks, clocks, memory sizes, prices in two currencies."""

from __future__ import annotations

from collections.abc import Iterator

from planner.catalog.accelerator import Accelerator, PrecisionName
from planner.catalog.currency import ExchangeRates
from planner.catalog.facility import Facility
from planner.documents.reader import Trail, Tree
from planner.errors import Fault, InputError
from planner.units.dimensions import money
from planner.units.printing import scaled
from planner.units.reading import parse
from planner.units.symbols import UnitError

# Operations of one unit in one clock, 16 bit, dense: what vendors print per multiprocessor or compute unit
# (NVIDIA architecture whitepapers, AMD CDNA whitepapers). GeForce parts do half of it with FP32 accumulation.
_OPERATIONS_PER_CLOCK = {"Volta": 1024, "Turing": 1024, "Hopper": 4096, "CDNA2": 1024, "CDNA3": 2048, "CDNA4": 4096}
_OPERATIONS_PER_CLOCK_OF_FAMILY = {"ampere": 2048, "blackwell": 8192, "gddr": 1024}
_FASTEST_CLOCK_HZ = 2.6e9
"""No accelerator of these families sustains more; a peak with sparsity would need twice its real clock."""

# A narrower format runs at a whole multiple of the wider one's rate, or far below it where it is emulated.
_PAIRS: tuple[tuple[PrecisionName, PrecisionName], ...] = (
    ("bf16", "tf32"),
    ("fp8", "bf16"),
    ("int8", "fp16"),
    ("fp6", "fp8"),
    ("fp4", "fp8"),
    ("int4", "int8"),
)
_SIXTEEN: tuple[PrecisionName, ...] = ("bf16", "fp16")
_MULTIPLES = (1, 2, 3, 4)
_ROUNDING = 0.1
_EMULATED = 0.6

# 16-bit operations per byte of memory traffic at which a part turns from memory-bound to compute-bound.
_LOWEST_RIDGE, _HIGHEST_RIDGE = 2.0, 1300.0
_COMPUTES_IN_SRAM_BYTES = 120e6
_LEAST_MEMORY_SHARE = 0.85
_FIRST_YEAR, _LAST_YEAR = 2012, 2035
_CURRENCY_TOLERANCE = 0.005


def accelerator_findings(part: Accelerator, tree: Tree) -> Iterator[Fault]:
    """Give what one accelerator cannot be."""
    yield from _ratios(part, tree)
    yield from _clock(part, tree)
    yield from _ridge(part, tree)
    yield from _memory(part, tree)
    if part.released and not _FIRST_YEAR <= int(part.released[:4]) <= _LAST_YEAR:
        yield tree.fault("date-odd", f"released in {part.released}", ("released",))


def facility_findings(place: Facility, tree: Tree, rates: ExchangeRates) -> Iterator[Fault]:
    """Give what one place cannot be."""
    price = place.electricity
    if price is not None and price.quoted:
        currency = price.quoted.split()[-1].split("/")[0]
        try:
            quoted = parse(price.quoted, money(currency, per="kWh"))
            dollars = rates.convert(quoted, origin=currency, target="USD")
        except (UnitError, InputError) as error:
            yield tree.fault("price-quoted", str(error).splitlines()[0], ("electricity", "quoted"))
            return
        if abs(dollars / price.price.mid - 1.0) > _CURRENCY_TOLERANCE:
            message = f"{price.quoted} is {dollars * _JOULES_PER_KWH:.4g} USD/kWh at the rates of {rates.date}"
            yield tree.fault("price-quoted", message, ("electricity", "price"))


_JOULES_PER_KWH = 3.6e6


def _ratios(part: Accelerator, tree: Tree) -> Iterator[Fault]:
    for narrow, wide in _PAIRS:
        fast, slow = part.peak.get(narrow), part.peak.get(wide)
        if fast is None or slow is None:
            continue
        ratio = fast / slow
        whole = any(abs(ratio / multiple - 1.0) <= _ROUNDING for multiple in _MULTIPLES)
        if not whole and ratio > _EMULATED:
            message = f"{narrow} is {ratio:.2f} times {wide}"
            yield tree.fault(
                "peak-ratio", message, ("peak", narrow), hint="dense peaks are whole multiples: is one with sparsity?"
            )
    if not set(part.peak) & {"bf16", "fp16", "fp32"}:
        yield tree.fault("peak-ratio", "no peak in bf16, fp16 or fp32", ("peak",), key=True)


def _sixteen_bit(part: Accelerator) -> tuple[PrecisionName, float] | None:
    found = [(name, part.peak[name]) for name in _SIXTEEN if name in part.peak]
    return max(found, key=lambda pair: pair[1]) if found else None


def _clock(part: Accelerator, tree: Tree) -> Iterator[Fault]:
    peak = _sixteen_bit(part)
    operations = _OPERATIONS_PER_CLOCK.get(part.architecture) or _OPERATIONS_PER_CLOCK_OF_FAMILY.get(part.family)
    if peak is None or operations is None or part.units is None:
        return
    clock = peak[1] / (part.units * operations)
    if clock > _FASTEST_CLOCK_HZ:
        message = f"{scaled(peak[1], 'FLOP/s', digits=4)} on {part.units} units needs a clock of {clock / 1e9:.2f} GHz"
        yield tree.fault("peak-clock", message, ("peak", peak[0]), hint="is it the peak with sparsity? halve it")


def _ridge(part: Accelerator, tree: Tree) -> Iterator[Fault]:
    peak = _sixteen_bit(part)
    if peak is None or ((part.cache or 0.0) >= _COMPUTES_IN_SRAM_BYTES and part.kind == "npu"):
        return
    ridge = peak[1] / part.memory.bandwidth
    if not _LOWEST_RIDGE <= ridge <= _HIGHEST_RIDGE:
        message = f"{ridge:,.0f} operations per byte: peak or bandwidth is off"
        yield tree.fault("ridge-point", message, ("memory", "bandwidth"), hint="GB/s or Gb/s? TB/s or GB/s?")


def _memory(part: Accelerator, tree: Tree) -> Iterator[Fault]:
    marketed = part.memory.marketed
    if marketed is None:
        return
    # Vendors' GB of device memory behave like GiB; a driver keeps a little of it.
    share = part.memory.capacity / (marketed / 1e9 * 2**30)
    if not _LEAST_MEMORY_SHARE <= share <= 1.0 + 1e-6:
        trail: Trail = ("memory", "capacity")
        message = f"the driver's {share:.0%} of the marketed memory, read as GiB"
        yield tree.fault("memory-share", message, trail, hint="capacity is what the driver reports, in GiB")
