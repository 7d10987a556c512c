"""What hosted models cost by token."""

from __future__ import annotations

from planner.catalog.store import Catalog
from planner.documents.rows import Table
from planner.errors import Fault, InputError, UnknownNameError, brief, did_you_mean, listing
from planner.record import record

COLUMNS = (
    "provider",
    "model",
    "mode",
    "max_input_tokens",
    "max_output_tokens",
    "usd_per_million_input_tokens",
    "usd_per_million_output_tokens",
    "usd_per_million_cached_input_tokens",
    "price_page",
)
SOURCE = "litellm-prices"
_MILLION = 1e6


@record
class HostedModel:
    """One model behind somebody's interface.

    Parameters
    ----------
    provider, model : as the table of prices names them.
    mode : chat, completion or embedding.
    max_input_tokens, max_output_tokens : the longest accepted and given, where stated [tokens].
    usd_per_input_token, usd_per_output_token, usd_per_cached_input_token : prices; None where not stated
        [USD/token].
    price_page : the provider's page that the table names, or "".
    """

    provider: str
    model: str
    mode: str
    max_input_tokens: int | None
    max_output_tokens: int | None
    usd_per_input_token: float | None
    usd_per_output_token: float | None
    usd_per_cached_input_token: float | None
    price_page: str


def hosted_models(catalog: Catalog, *, provider: str = "") -> list[HostedModel]:
    """Give every hosted model, or those of one provider, in the order of the table."""
    return [
        _hosted(table, row)
        for _, table in catalog.table("prices/hosted-models", COLUMNS)
        for row, cells in enumerate(table.rows)
        if not provider or cells[0] == provider
    ]


def hosted_model(catalog: Catalog, provider: str, model: str) -> HostedModel:
    """Give one hosted model by provider and name.

    Raises
    ------
    UnknownNameError : the table has no such provider, or no such model of it; names the nearest.
    """
    tables = catalog.table("prices/hosted-models", COLUMNS)
    names: list[str] = []
    providers: dict[str, None] = {}
    for _, table in tables:
        for row, cells in enumerate(table.rows):
            providers[cells[0]] = None
            if cells[0] == provider:
                names.append(cells[1])
                if cells[1] == model:
                    return _hosted(table, row)
    if not names:
        message = f"no hosted models of '{brief(provider)}' in the catalogs"
        known = listing(sorted(providers), most=24)
        raise UnknownNameError(
            Fault("unknown-name", message, allowed=known, hint=did_you_mean(provider, list(providers)))
        )
    message = f"no price of '{brief(model)}' at {provider} in the catalogs"
    raise UnknownNameError(Fault("unknown-name", message, allowed=listing(names), hint=did_you_mean(model, names)))


def _hosted(table: Table, row: int) -> HostedModel:
    cells = table.rows[row]
    try:
        prices = [float(cell) / _MILLION if cell else None for cell in cells[5:8]]
        lengths = [int(cell) if cell else None for cell in cells[3:5]]
        if any(price is not None and not 0 <= price < 1 for price in prices):
            raise ValueError
    except ValueError:
        allowed = "prices of at least 0 per million tokens, or nothing"
        raise InputError(table.fault(row, "hosted-row", "not a price of a hosted model", allowed=allowed)) from None
    return HostedModel(cells[0], cells[1], cells[2], lengths[0], lengths[1], prices[0], prices[1], prices[2], cells[8])
