"""What a hosted model costs for the requests of a scenario."""

from __future__ import annotations

from planner.catalog.entry import Standing
from planner.catalog.hosted import SOURCE, hosted_model
from planner.documents.reader import Tree
from planner.errors import InputError, UnknownNameError
from planner.metrics import METRICS
from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.estimate import Breakdown, Estimate, Part, Result
from planner.planning.ledger import Ledger
from planner.planning.serving_requests import stated_lengths
from planner.scenario.hosted import Hosted
from planner.scenario.resolve import Resolved

_HOUR_S = 3600.0
_MONTH_HOURS = 730.0


def estimate_hosted(resolved: Resolved, books: Books) -> Estimate:
    """Give the money that requests to a hosted model cost; how fast it answers, its provider does not say.

    Raises
    ------
    InputError : the table has no such model, no price of it, or lengths are missing.
    """
    scenario, tree = resolved.document, resolved.tree
    if not isinstance(scenario, Hosted):
        raise AssertionError("a hosted model is wanted")
    ledger = Ledger(books.catalog)
    workload = scenario.workload
    prompt, output = _lengths(scenario, tree, books, ledger)
    into, out, cached = _prices(scenario, tree, books, ledger)
    kept = prompt * workload.requests.cached
    read_usd, made_usd = (prompt - kept) * into + kept * cached, output * out
    hours = (workload.duration or _MONTH_HOURS * _HOUR_S) / _HOUR_S
    number = workload.rate * hours * _HOUR_S
    total = number * (read_usd + made_usd)
    values = {
        "output_tokens_per_s": workload.rate * output,
        "total_tokens_per_s": workload.rate * (prompt + output),
        "requests_per_s": workload.rate,
        "cost_total_usd": total,
        "cost_per_hour_usd": total / hours,
        "cost_per_month_usd": total / hours * _MONTH_HOURS,
        "cost_per_million_tokens_usd": (read_usd + made_usd) / (prompt + output) * 1e6,
        "cost_per_million_input_tokens_usd": read_usd / prompt * 1e6,
        "cost_per_million_output_tokens_usd": out * 1e6,
        "cost_per_request_usd": read_usd + made_usd,
    }
    parts = (Part("input", "tokens in", number * read_usd), Part("output", "tokens out", number * made_usd))
    return Estimate(
        name=resolved.name,
        title=scenario.title or scenario.name,
        kind="hosted",
        tags=scenario.tags,
        results={name: Result(name, *(values[name],) * 3) for name in METRICS if name in values},
        plan=(
            ("model", f"{workload.model} at {workload.provider}"),
            ("requests", f"{workload.rate:,.4g} a second, {prompt:,.0f} tokens in, {output:,.0f} out"),
        ),
        breakdowns=(Breakdown("cost", "money", "USD", parts),),
        inputs=tuple(ledger.inputs.values()),
        basis="list prices by the token; how fast it answers is not stated",
        scenario=tree.value,
        currency=shown_currency(books),
    )


def _lengths(scenario: Hosted, tree: Tree, books: Books, ledger: Ledger) -> tuple[float, float]:
    at = ("workload", "requests")
    prompt, output = stated_lengths(scenario.workload.requests, tree, books, ledger)
    if prompt is None or output is None:
        lacks = "prompt" if prompt is None else "output"
        raise InputError(tree.fault("missing-key", f"'{lacks}' is missing", at, hint=f"{lacks}: 512"))
    return prompt, output


def _prices(scenario: Hosted, tree: Tree, books: Books, ledger: Ledger) -> tuple[float, float, float]:
    workload = scenario.workload
    try:
        found = hosted_model(books.catalog, workload.provider, workload.model)
    except UnknownNameError as error:
        fault = error.faults[0]
        raise UnknownNameError(
            tree.fault(fault.id, fault.message, ("workload", "model"), allowed=fault.allowed, hint=fault.hint)
        ) from None
    into, out = found.usd_per_input_token, found.usd_per_output_token
    if into is None or out is None:
        message = f"{workload.model} has no price by the token"
        raise InputError(
            tree.fault("unknown-price", message, ("workload", "model"), hint="planner catalog list hosted")
        )
    source = books.catalog.source(SOURCE)
    for what, price in (("input", into), ("output", out)):
        ledger.note(
            f"price of {what} of {workload.model}",
            f"{price * 1e6:g} USD per million tokens",
            source=SOURCE,
            standing=Standing.QUOTED,
            date=source.date if source else "",
        )
    cached = found.usd_per_cached_input_token
    return into, out, into if cached is None else cached
