"""The file `planner.yaml`: which catalogs, prices, currency and defaults a project plans with, and its scenarios.

Everything that its commands have in common stands here once. Paths in it are relative to its folder and
stay inside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from planner.catalog.price import earliest, latest
from planner.documents.files import ReadBudget, inside
from planner.documents.reader import Trail, Tree, read_yaml
from planner.documents.typed import require_schema, typed
from planner.documents.types import (
    Count,
    Date,
    Id,
    Plain,
    Record,
    Seconds,
    Share,
    Text,
    UncertainBytesPerSecond,
    UncertainFailureRate,
    UncertainPue,
    UncertainSeconds,
    UncertainShare,
    UncertainUsdPerKwh,
    quantity,
)
from planner.errors import InputError, visible
from planner.record import record
from planner.scenario.hardware import Term
from planner.units.dimensions import BYTES_PER_TOKEN

FILE = "planner.yaml"
CATALOGS = "catalogs"
SCHEMA = "planner/project/v1"
Unread = Annotated[Any, Plain(lambda value: value, {})]
Currency = Literal["USD", "EUR", "GBP", "JPY", "KRW", "CNY", "INR", "CHF"]


class Prices(Record):
    """Which prices count.

    Parameters
    ----------
    on : newest date of a price that may be used: the same plan costs the same until somebody moves it.
    oldest : age, on that date, from which an estimate warns of a price.
    on_missing : whether a price that nobody published makes the cost `unknown` or is an `error`.
    """

    on: Date | None = None
    oldest: Seconds | None = None
    on_missing: Literal["unknown", "error"] = "unknown"


class Discount(Record):
    """An agreement with a provider.

    Parameters
    ----------
    provider : whose prices. term, nodes : which of them; all where unsaid.
    share : taken off the price.
    until : last day; beyond it `prices.on` is refused, so that no plan rests on what has run out.
    """

    provider: Id
    term: Term | None = None
    nodes: tuple[Text, ...] = ()
    share: Share
    until: Date
    note: Text = ""


class PinnedRates(Record):
    """Exchange rates in place of the catalogs': units of a currency for one US dollar."""

    date: Date
    source: Text
    per_usd: dict[Currency, Count]


class DefaultChanges(Record):
    """What is assumed where a scenario does not say, in place of the catalogs' defaults; see `catalog.defaults`."""

    failure_rate: UncertainFailureRate | None = None
    restart: UncertainSeconds | None = None
    checkpoint_overlap: UncertainShare | None = None
    storage_per_node: UncertainBytesPerSecond | None = None
    bytes_per_token: Annotated[float, quantity(BYTES_PER_TOKEN)] | None = None
    life: Seconds | None = None
    residual: UncertainShare | None = None
    utilisation: UncertainShare | None = None
    upkeep: UncertainShare | None = None
    pue: UncertainPue | None = None
    electricity: UncertainUsdPerKwh | None = None
    facility_of: dict[Id, Id] = Field(default_factory=dict)


class Project(Record):
    """A project.

    Parameters
    ----------
    catalogs : folders laid out like the built-in catalogs; their entries come before the built-in ones, the
        first folder's first. The folder `catalogs` beside the file where none is named.
    prices, discounts : what machines cost.
    currency : that money is shown in. exchange_rates : over the catalogs'.
    defaults : over the catalogs'.
    scenarios : files, or patterns such as `scenarios/*.yaml`.
    budgets, policies, waivers, baseline, comment : read where scenarios are checked; see `checked_project`.
    """

    schema_: Annotated[Literal["planner/project/v1"], Field(alias="schema")]
    name: Text = ""
    catalogs: tuple[Text, ...] = ()
    prices: Prices = Prices()
    discounts: tuple[Discount, ...] = ()
    currency: Currency = "USD"
    exchange_rates: PinnedRates | None = None
    defaults: DefaultChanges = DefaultChanges()
    scenarios: tuple[Text, ...] = ()
    budgets: Unread = ()
    policies: Unread = ()
    waivers: Unread = ()
    baseline: Unread = None
    comment: Unread = None


@record
class ReadProject:
    """A project as read.

    Parameters
    ----------
    document, tree : what the file says, typed and with positions.
    root : its folder; nothing that it names lies outside.
    catalogs : its own catalog folders, the one that wins first.
    """

    document: Project
    tree: Tree
    root: Path
    catalogs: tuple[Path, ...]


def find_project(start: Path) -> Path | None:
    """Give the `planner.yaml` of a folder or of the nearest folder above it; the search ends where a checkout does."""
    for folder in (start, *start.parents):
        file = folder / FILE
        if file.exists() or file.is_symlink():
            return file
        if (folder / ".git").exists():
            break
    return None


def read_project(file: Path, *, budget: ReadBudget | None = None, name: str = "") -> ReadProject:
    """Read a project file.

    Parameters
    ----------
    file : the file. budget : what this run may still read. name : how the file is called in errors.

    Raises
    ------
    InputError : every fault found; a catalog folder that is missing or outside; a discount that has run out.
    """
    tree = read_yaml(file, budget=budget or ReadBudget(), name=name)
    require_schema(tree, SCHEMA)
    document = typed(tree, Project)
    _check_discounts(document, tree)
    root = file.parent
    folders = [_folder(tree, root, text, ("catalogs", n)) for n, text in enumerate(document.catalogs)]
    if not folders and (root / CATALOGS).is_dir():
        folders = [_folder(tree, root, CATALOGS, ())]
    return ReadProject(document, tree, root, tuple(folders))


def scenario_files(project: ReadProject) -> list[Path]:
    """Give the scenario files of a project, each once, in the order of its patterns and then of their names.

    Raises
    ------
    InputError : a pattern matches nothing or leaves the project, or two names differ in case alone.
    """
    found: dict[Path, Trail] = {}
    for number, pattern in enumerate(project.document.scenarios):
        trail: Trail = ("scenarios", number)
        inside(project.root, pattern, shown=str(project.tree.location(trail)))
        matches = sorted(path for path in project.root.glob(pattern) if path.suffix in (".yaml", ".yml"))
        if not matches:
            raise InputError(
                project.tree.fault(
                    "no-scenarios", f"no file matches '{visible(pattern)}'", trail, hint="a YAML file's path"
                )
            )
        for path in matches:
            inside(project.root, str(path.relative_to(project.root)), shown=str(project.tree.location(trail)))
            found.setdefault(path, trail)
    _refuse_twins(project, found.items())
    return list(found)


def _refuse_twins(project: ReadProject, files: Iterable[tuple[Path, Trail]]) -> None:
    """Refuse two files whose names differ in case alone: on half of all machines they are one file."""
    seen: dict[str, Path] = {}
    for path, trail in files:
        first = seen.setdefault(str(path).casefold(), path)
        if first != path:
            message = f"{visible(first.name)} and {visible(path.name)} differ in case alone"
            raise InputError(project.tree.fault("file-twins", message, trail, hint="rename one of them"))


def _folder(tree: Tree, root: Path, text: str, trail: Trail) -> Path:
    folder = inside(root, text, shown=str(tree.location(trail)))
    if not folder.is_dir():
        raise InputError(
            tree.fault(
                "file-missing", f"no folder '{visible(text)}'", trail, hint="laid out like: planner catalog list"
            )
        )
    return folder


def _check_discounts(project: Project, tree: Tree) -> None:
    """Refuse discounts of which nobody knows whether they hold."""
    on = project.prices.on
    faults = []
    for number, discount in enumerate(project.discounts):
        trail: Trail = ("discounts", number, "until")
        if on is None:
            faults.append(
                tree.fault(
                    "discount-undated", "a discount needs a date of prices", trail, hint="say prices.on: YYYY-MM-DD"
                )
            )
        elif earliest(on) > latest(discount.until):
            message = f"this discount ended on {discount.until}, before prices.on ({on})"
            faults.append(tree.fault("discount-expired", message, trail, hint="renew it, or take it out"))
    if faults:
        raise InputError(*faults)
