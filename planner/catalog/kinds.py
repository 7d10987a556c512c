"""The kinds of catalog entries, and the schemas of what stands in the catalogs."""

from __future__ import annotations

from planner.catalog.accelerator import Accelerator
from planner.catalog.defaults import Defaults
from planner.catalog.entry import Entry
from planner.catalog.facility import Facility
from planner.catalog.measured_host import MeasuredHost
from planner.catalog.model import Model
from planner.catalog.network import Network
from planner.catalog.node import Node
from planner.catalog.profile import Profile
from planner.catalog.storage import Storage
from planner.record import record


@record
class Kind:
    """One kind of catalog entry: folder, document and schema; `supplied` where the planner comes with some."""

    name: str
    folder: str
    document: type[Entry]
    supplied: bool = True

    @property
    def schema(self) -> str:
        """Value of the `schema` key."""
        return f"planner/{self.name}/v1"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("accelerator", "accelerators", Accelerator),
        Kind("node", "nodes", Node),
        Kind("network", "networks", Network),
        Kind("model", "models", Model),
        Kind("facility", "facilities", Facility),
        Kind("storage", "storage", Storage),
        Kind("profile", "profiles", Profile),
        Kind("measured-host", "hosts", MeasuredHost, supplied=False),
        Kind("defaults", "defaults", Defaults),
    )
}


def schema_name(sheet: str) -> str:
    """Give the name in the schema of a single document.

    >>> schema_name("prices/rules"), schema_name("node-power")
    ('price-rules', 'node-power')
    """
    folder, _, rest = sheet.rpartition("/")
    return f"{folder.removesuffix('s')}-{rest}" if folder else rest
