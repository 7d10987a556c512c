"""Amounts of money as people state them: a number with its currency, exact or as a range."""

from __future__ import annotations

import re
from typing import Annotated, Any

from planner.documents.types import Plain, problem, uncertain
from planner.errors import brief
from planner.record import record
from planner.units.dimensions import money
from planner.units.interval import Interval
from planner.units.symbols import CURRENCIES

_CODE = re.compile(r"[A-Z]{3}(?![A-Za-z])")


@record
class Amount:
    """Money in one currency: whole, or per second, or per joule.

    Parameters
    ----------
    interval : in units of the currency. currency : its code.
    """

    interval: Interval
    currency: str

    @property
    def is_zero(self) -> bool:
        """Whether nothing is paid."""
        return self.interval.high == 0.0


def amount(per: str = "") -> Plain:
    """Give the annotation of a field of money in any known currency, whole or per something ("h", "kWh").

    >>> amount(per="h").read("3600 KRW/h")
    Amount(interval=Interval(low=1.0, mid=1.0, high=1.0), currency='KRW')
    """
    schema = uncertain(money("USD", per=per), open_low=False).schema

    def read(value: Any) -> Amount:
        currency = _currency(value, per)
        interval: Interval = uncertain(money(currency, per=per), open_low=False).read(value)
        return Amount(interval, currency)

    return Plain(read, schema)


def _currency(value: Any, per: str) -> str:
    """Give the one currency that a quantity, or a range of them, is stated in."""
    texts = list(value.values()) if isinstance(value, dict) else [value]
    found = {code for text in texts if isinstance(text, str) for code in _CODE.findall(text)}
    if len(found) > 1:
        raise problem("quantity", "a range is in one currency", allowed="one of " + ", ".join(sorted(found)))
    code = next(iter(found), "USD")
    if code not in CURRENCIES:
        shown = brief(code)
        raise problem(
            "unknown-currency",
            f"'{shown}' is not a currency that is known here",
            allowed=", ".join(sorted(CURRENCIES)),
            hint=f"write 12.5 USD{'/' + per if per else ''}",
        )
    return code


Money = Annotated[Amount, amount()]
MoneyPerHour = Annotated[Amount, amount(per="h")]
MoneyPerKwh = Annotated[Amount, amount(per="kWh")]
