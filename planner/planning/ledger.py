"""Which inputs an estimate rests on, where each came from, and which of them are weak."""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.catalog.entry import Entry, Standing
from planner.catalog.store import Catalog
from planner.record import record

SCENARIO, PROJECT = "scenario", "planner.yaml"
_SAID = (SCENARIO, PROJECT)  # sources that are the user's own word


@record
class Input:
    """One value that an estimate rests on.

    Parameters
    ----------
    name : what it is, in words ("peak bf16 of h100-sxm").
    value : with its unit, as shown.
    source : key in the catalogs' sources; "scenario" or "planner.yaml" where the user said it there; or "".
    standing : how far it can be trusted.
    date : of the source or the price; "" where it has none.
    """

    name: str
    value: str
    source: str
    standing: Standing
    date: str = ""


@dataclass
class Ledger:
    """Collects inputs as they are used, each once."""

    catalog: Catalog
    inputs: dict[str, Input] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def take(self, entry: Entry, path: str, value: str) -> None:
        """Note that the value at a dotted path of a catalog entry was used."""
        provenance = entry.provenance(path)
        name = f"{path} of {entry.id}"
        if provenance.source in _SAID:
            self.inputs[name] = Input(name, value, provenance.source, Standing.READ)
            return
        source = self.catalog.source(provenance.source)
        date = source.date if source else ""
        self.inputs[name] = Input(name, value, provenance.source, self.catalog.standing(provenance), date)

    def said(self, name: str, value: str) -> None:
        """Note a value that the scenario states."""
        self.inputs[name] = Input(name, value, SCENARIO, Standing.READ)

    def assume(self, name: str, value: str, source: str = "our-estimate", date: str = "") -> None:
        """Note a value that is our own estimate."""
        self.inputs[name] = Input(name, value, source, Standing.ESTIMATED, date)

    def note(self, name: str, value: str, *, source: str, standing: Standing, date: str = "") -> None:
        """Note a value with its standing as known."""
        self.inputs[name] = Input(name, value, source, standing, date)

    def warn(self, text: str) -> None:
        """Note something that the reader of the estimate should know."""
        if text not in self.warnings:
            self.warnings.append(text)

    @property
    def weak(self) -> list[Input]:
        """Inputs that were recalled or estimated."""
        return [item for item in self.inputs.values() if item.standing.is_weak]
