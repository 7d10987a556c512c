"""What quantities measure: a dimension is a product of powers of base symbols.

Every base has one SI unit, in which all floats are kept:

    B byte · FLOP operation · s second · J joule · g_CO2e gram of CO2 equivalent · USD (and every other
    currency, each its own base) · token, sequence, request, accelerator: things counted · L litre
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from planner.record import record
from planner.units.symbols import unit


@record
class Dimension:
    """What a quantity measures.

    Parameters
    ----------
    name : in words, for errors ("memory bandwidth" is a `rate of bytes`).
    powers : base symbol to exponent.
    examples : texts that parse, for errors and schemas.
    bare : a number without a unit is accepted (counts and ratios).
    bits : bits are accepted as eighths of bytes.
    display : unit that a value is printed in; SI prefixes are added before it.
    """

    name: str
    powers: Mapping[str, int]
    examples: tuple[str, ...]
    bare: bool = False
    bits: bool = False
    display: str = ""

    def __hash__(self) -> int:
        return hash((self.name, tuple(sorted(self.powers.items()))))


def _dimension(
    name: str, powers: Mapping[str, int], *examples: str, display: str, bare: bool = False, bits: bool = False
) -> Dimension:
    return Dimension(name, MappingProxyType(dict(powers)), examples, bare=bare, bits=bits, display=display)


BYTES = _dimension("an amount of data", {"B": 1}, "80 GiB", "2.3 TB", display="B")
BYTES_PER_SECOND = _dimension("a data rate", {"B": 1, "s": -1}, "3.35 TB/s", "400 Gb/s", display="B/s", bits=True)
FLOPS_PER_SECOND = _dimension("a rate of operations", {"FLOP": 1, "s": -1}, "989.4 TFLOP/s", display="FLOP/s")
FLOPS = _dimension("a count of operations", {"FLOP": 1}, "3.8e25 FLOP", display="FLOP")
SECONDS = _dimension("a time", {"s": 1}, "30 d", "12 h", "26 us", display="s")
WATTS = _dimension("a power", {"J": 1, "s": -1}, "700 W", "10.2 kW", display="W")
JOULES = _dimension("an energy", {"J": 1}, "12 MWh", "3 MJ", display="J")
PER_SECOND = _dimension("a rate", {"s": -1}, "2e-5 /h", "0.1 /s", display="/s")
TOKENS = _dimension("a number of tokens", {"token": 1}, "15.6 T", "4 M tokens", display="tokens", bare=True)
SEQUENCES = _dimension("a number of sequences", {"sequence": 1}, "2048 sequences", display="sequences", bare=True)
REQUESTS_PER_SECOND = _dimension("a request rate", {"request": 1, "s": -1}, "12 requests/s", display="requests/s")
COUNT = _dimension("a number", {}, "16384", "175 B", display="", bare=True)
RATIO = _dimension("a ratio", {}, "0.35", "35 %", display="", bare=True)
GRAMS_CO2E_PER_JOULE = _dimension("a carbon intensity", {"g_CO2e": 1, "J": -1}, "384 gCO2e/kWh", display="gCO2e/J")
GRAMS_CO2E = _dimension("an amount of carbon", {"g_CO2e": 1}, "150 kgCO2e", display="gCO2e")
BYTES_PER_TOKEN = _dimension("data per token", {"B": 1, "token": -1}, "4 B/token", display="B/token")
LITRES_PER_JOULE = _dimension("a water use", {"L": 1, "J": -1}, "0.15 L/kWh", display="L/J")
PER_ACCELERATOR_SECOND = _dimension(
    "a failure rate", {"accelerator": -1, "s": -1}, "2e-5 /accelerator/h", display="/accelerator/s"
)


def money(currency: str = "USD", per: str = "") -> Dimension:
    """Give the dimension of money, whole or per something ("h", "kWh", "GB/month", "M tokens").

    >>> from planner.units.reading import parse
    >>> parse("98.32 USD/h", money(per="s"))
    0.02731111111111111
    """
    label = currency + (f"/{per}" if per else "")
    return _dimension(f"an amount of money ({label})", unit(label).powers, f"12.5 {label}", display=label)
