"""Money in other currencies than the US dollar that all results are kept in."""

from __future__ import annotations

from planner.catalog.entry import Standing
from planner.planning.books import Books
from planner.planning.estimate import Currency
from planner.planning.ledger import PROJECT, Ledger


def shown_currency(books: Books) -> Currency:
    """Give the currency that a project wants money shown in.

    Raises
    ------
    InputError : there is no exchange rate for it.
    """
    code = books.project.currency
    return Currency() if code == "USD" else Currency(code, books.exchange_rates.rate(code), books.exchange_rates.date)


def note_rate(currency: str, books: Books, ledger: Ledger) -> None:
    """Note the exchange rate of a currency that an amount of a scenario is in."""
    rates, pinned = books.exchange_rates, books.project.exchange_rates
    name, value = f"exchange rate of {currency}", f"{rates.rate(currency):,.6g} {currency} for 1 USD"
    if pinned and currency in pinned.per_usd:
        ledger.note(name, value, source=PROJECT, standing=Standing.READ, date=pinned.date)
        return
    source = books.catalog.source(rates.source)
    standing = source.standing if source else Standing.ESTIMATED
    ledger.note(name, value, source=rates.source, standing=standing, date=rates.date)
