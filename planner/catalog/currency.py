"""Exchange rates of one day."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.documents.types import Date, Record, Text, quantity
from planner.errors import Fault, InputError, brief, did_you_mean, listing
from planner.units.dimensions import COUNT

Rate = Annotated[float, quantity(COUNT)]


class ExchangeRates(Record):
    """What one US dollar is worth.

    Parameters
    ----------
    date : the day of the rates.
    per_usd : units of a currency for one US dollar [1/USD].
    """

    schema_: Annotated[Literal["planner/exchange-rates/v1"], Field(alias="schema")]
    date: Date
    source: Text
    per_usd: dict[Text, Rate]

    def convert(self, amount: float, *, origin: str, target: str) -> float:
        """Give an amount of one currency in another one.

        Parameters
        ----------
        amount : in the origin's currency.
        origin, target : codes such as USD, KRW, EUR.

        Raises
        ------
        InputError : a currency without a rate.

        >>> won = {"schema": "planner/exchange-rates/v1", "date": "2026-10-30", "source": "x", "per_usd": {"KRW": 1335}}
        >>> rates = ExchangeRates.model_validate(won)
        >>> rates.convert(2.0, origin="USD", target="KRW")
        2670.0
        """
        return amount / self.rate(origin) * self.rate(target)

    def rate(self, currency: str) -> float:
        """Give units of a currency for one US dollar."""
        if currency == "USD":
            return 1.0
        found = self.per_usd.get(currency)
        if found is None:
            known = ["USD", *sorted(self.per_usd)]
            raise InputError(
                Fault(
                    "unknown-currency",
                    f"no exchange rate of '{brief(currency)}'",
                    allowed=listing(known),
                    hint=did_you_mean(currency, known),
                )
            )
        return found
