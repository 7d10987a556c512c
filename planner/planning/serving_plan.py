"""A serving scenario as what the physics reads: the engine on its machine, the requests, the inputs after it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.catalog.accelerator import Accelerator, PrecisionName
from planner.catalog.facility import Facility
from planner.catalog.profile import EngineMoves
from planner.documents.reader import Tree
from planner.errors import InfeasibleError, InputError, listing
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.machines import Fleet, machine_of
from planner.planning.models import architecture_of
from planner.planning.places import facility_of
from planner.planning.power import PowerParts, power_of
from planner.planning.serving_efficiency import (
    ServingBasis,
    engine_limits,
    engine_memory,
    serving_efficiency_of,
)
from planner.planning.serving_engines import (
    NamedEngine,
    engine_by_words,
    require_format,
    require_held,
    require_settings,
)
from planner.planning.serving_machines import serving_machine
from planner.planning.serving_requests import RequestLengths, generates, lengths_of
from planner.scenario.serving_load import ServingLayout, ServingLoad, ServingPrecision, Speculating, WeightFormat
from planner.serving.adapters import Adapters
from planner.serving.batching import Requests
from planner.serving.efficiency import ServingEfficiency
from planner.serving.engine import Engine, EngineLimits, engine_of
from planner.serving.formats import Formats
from planner.serving.layout import Layout
from planner.serving.machine import ServingMachine
from planner.serving.room import EngineMemory
from planner.serving.speculation import Speculation, speculation
from planner.units.interval import Interval
from planner.units.printing import counted, gibibytes
from planner.workload.architecture import Architecture

_WIDTHS = ("bf16", "fp16", "tf32", "fp32")
_ENCODERS_ELSEWHERE = "torch"
_PEAK_OF: dict[str, tuple[PrecisionName, ...]] = {
    "fp32": ("fp32", "fp32_matrix", "tf32"),
    "bf16": ("bf16",),
    "fp16": ("fp16",),
    "fp8": ("fp8",),
    "int8": ("int8",),
    "nvfp4": ("fp4",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingGround:
    """A service on machines of one kind: all but its layout and its replicas.

    Parameters
    ----------
    load : the scenario. architecture, precision, formats, lengths : what is served.
    fleet, machine, facility, power : what it runs on.
    engine, efficiency, basis : under which engine, and what its efficiencies rest on.
    """

    load: ServingLoad
    architecture: Architecture
    precision: ServingPrecision
    formats: Formats
    fleet: Fleet
    machine: ServingMachine
    facility: Facility | None
    power: PowerParts
    engine: NamedEngine
    efficiency: ServingEfficiency
    basis: ServingBasis
    speculation: Speculation | None
    lengths: RequestLengths

    def replica(self, layout: Layout) -> Engine:
        """Give a replica under a layout, or many under arrays of them."""
        return engine_of(
            self.architecture,
            layout=layout,
            formats=self.formats,
            machine=self.machine,
            efficiency=self.efficiency,
            limits=self.limits,
            memory=self.memory,
            speculation=self.speculation,
            adapters=self.adapters,
            source_tokens=self.lengths.source,
        )

    @property
    def moves(self) -> EngineMoves:
        """The engine's entry in the profile."""
        return self.engine.moves

    @property
    def limits(self) -> EngineLimits:
        """What the engine is started with."""
        settings, requests = self.load.settings, self.requests
        return engine_limits(
            self.moves,
            sequences=settings.sequences,
            pass_tokens=settings.pass_tokens,
            chunked=settings.chunked,
            longest=requests.cached + requests.prompt + requests.output,
        )

    @property
    def memory(self) -> EngineMemory:
        """How the engine uses device memory."""
        return engine_memory(self.moves, fraction=self.load.settings.memory_fraction)

    @property
    def requests(self) -> Requests:
        """Mean lengths of requests, as the stack that decodes meets them."""
        return self.lengths.requests

    @property
    def adapters(self) -> Adapters | None:
        """Low-rank adapters beside the model, if any."""
        stated = self.load.workload.adapters
        if stated is None:
            return None
        numbers = (stated.rank, stated.held, stated.used or stated.held)
        return Adapters(*(np.asarray(float(number)) for number in numbers))


def ground_of(load: ServingLoad, tree: Tree, books: Books, ledger: Ledger) -> ServingGround:
    """Give a serving scenario on the machines that it names.

    Raises
    ------
    InputError : a name is unknown, or the scenario contradicts itself.
    InfeasibleError : the machines lack what is asked.
    """
    workload = load.workload
    architecture = architecture_of(
        workload.model,
        workload.architecture,
        tree=tree,
        trail=("workload",),
        books=books,
        ledger=ledger,
        convolutions=True,
    )
    lengths = lengths_of(load, architecture, tree, books, ledger)
    return ground_on(load, architecture, lengths, tree, books, ledger)


def ground_on(
    load: ServingLoad, architecture: Architecture, lengths: RequestLengths, tree: Tree, books: Books, ledger: Ledger
) -> ServingGround:
    """Give what is served on the machines that a scenario names; see `ground_of`."""
    workload = load.workload
    node = books.catalog.node(load.hardware.node, tree=tree, trail=("hardware", "node"))
    accelerator = books.catalog.accelerator(node.accelerator)
    network = books.catalog.network(node.network.fabric) if node.network else None
    width = next((name for name in _WIDTHS if name in accelerator.peak), "fp32")
    machine = machine_of(
        node,
        accelerator,
        network,
        precision=width,
        ledger=ledger,
        fabric_bandwidth_bytes_per_s=load.hardware.fabric_bandwidth,
        oversubscription=load.hardware.oversubscription,
    )
    fleet = Fleet(node, accelerator, network, machine)
    precision = _stated(workload.precision, accelerator)
    formats = _formats(precision, accelerator, tree)
    power = power_of(node, accelerator, books=books, ledger=ledger)
    profile = books.catalog.profile("serving")
    words = load.engine or _engine(architecture, fleet, books)
    engine = engine_by_words(profile, words, books.defaults.engine_releases, tree, ("engine",))
    require_settings(engine, load.settings, tree)
    require_format(engine, precision.weights or "", tree)
    efficiency, basis = serving_efficiency_of(profile, accelerator, engine.moves)
    require_held(workload.adapters, tree)
    return ServingGround(
        load=load,
        architecture=architecture,
        precision=precision,
        formats=formats,
        lengths=lengths,
        fleet=fleet,
        machine=_serving_machine(fleet),
        facility=facility_of(load.hardware, node, tree=tree, books=books, ledger=ledger),
        power=power,
        engine=engine,
        efficiency=efficiency,
        basis=basis,
        speculation=_speculation(workload.speculation, tree),
    )


def _speculation(stated: Speculating | None, tree: Tree) -> Speculation | None:
    """Give how tokens are drafted; nothing stands in for the accepted share, which depends on text and draft."""
    if stated is None:
        return None
    if stated.acceptance is None:
        raise InputError(
            tree.fault(
                "acceptance-missing",
                "speculative decoding without the share of drafted tokens that is accepted",
                ("workload", "speculation"),
                allowed="acceptance: a ratio from 0 to 1, measured on your own requests",
                hint="it depends on the text and on the draft; without it no speed can be told",
            )
        )
    return speculation(drafted=stated.drafted, acceptance=stated.acceptance, draft_share=stated.draft_share)


def in_format(ground: ServingGround, weights: WeightFormat, tree: Tree) -> ServingGround:
    """Give the same service with its weights in another format.

    Raises
    ------
    InfeasibleError : the part has no products in it, or the engine does not keep it.
    """
    require_format(ground.engine, weights, tree)
    stated = ground.load.workload.precision.model_copy(update={"weights": weights})
    precision = _stated(stated, ground.fleet.accelerator)
    return replace(ground, precision=precision, formats=_formats(precision, ground.fleet.accelerator, tree))


def _engine(shape: Architecture, fleet: Fleet, books: Books) -> str:
    """Give the engine that such chips are usually served with."""
    family, defaults = fleet.accelerator.family, books.defaults
    if not generates(shape):
        return defaults.encoder_engine_of.get(family, _ENCODERS_ELSEWHERE)
    return defaults.engine_of.get(family, defaults.engine)


def _stated(precision: ServingPrecision, accelerator: Accelerator) -> ServingPrecision:
    """Give number formats with what is unsaid filled in: 16 bits, in the format that the part multiplies in."""
    wide = next((name for name in ("bf16", "fp16") if name in accelerator.peak), "fp32")
    return precision.model_copy(
        update={"weights": precision.weights or wide, "cache": precision.cache or ("bf16" if wide == "bf16" else wide)}
    )


def _formats(precision: ServingPrecision, accelerator: Accelerator, tree: Tree) -> Formats:
    """Give formats as numbers.

    Raises
    ------
    InfeasibleError : the part has no products in a format that they would have to run in.
    """
    weights = precision.weights or "bf16"
    for key, name in (("products", precision.products or weights), ("attention", precision.attention)):
        peaks = _PEAK_OF.get(name or "")
        if peaks is None or any(peak in accelerator.peak for peak in peaks):
            continue
        trail = ("workload", "precision", key if getattr(precision, key) else "weights")
        known = [known for known, names in _PEAK_OF.items() if any(peak in accelerator.peak for peak in names)]
        raise InfeasibleError(
            tree.fault(
                "precision-missing",
                f"{accelerator.id} has no matrix products in {name}",
                trail if trail in tree.marks else ("hardware", "node"),
                allowed=listing(known),
                hint="keep the weights alone in that format (products: another), or choose another accelerator",
            )
        )
    return Formats.of(weights, products=precision.products, attention=precision.attention, cache=precision.cache)


def _serving_machine(fleet: Fleet) -> ServingMachine:
    """Give the machine with the rates that serving asks for."""
    part, node = fleet.accelerator, fleet.node
    link = part.link
    return serving_machine(
        fleet.machine,
        part,
        power_limit_w=limit_w(fleet).mid,
        switched=node.scale_up.domain > 1 and link is not None and not link.kind.startswith("PCIe"),
    )


def limit_w(fleet: Fleet) -> Interval:
    """Give the power limit of one accelerator in its node [W]; a part without one has no node's power either."""
    stated = fleet.accelerator.power
    limit = fleet.node.accelerator_power or (stated.tdp if stated else None)
    if limit is None:
        raise AssertionError("a node's power is known by now")
    return limit


def shown_model(ground: ServingGround) -> str:
    """Give the model in words."""
    return f"{ground.architecture.name}, {counted(ground.architecture.parameters)} parameters"


def unfit(ground: ServingGround, engine: Engine, tree: Tree) -> InfeasibleError:
    """Give the error of a replica whose weights leave no room for one request, with by how much."""
    room, capacity = engine.room, float(np.ravel(ground.fleet.machine.memory_bytes)[0])
    weights = float(np.ravel(room.weight_bytes)[0])
    short = -float(np.ravel(room.cache_room_bytes)[0])
    need = float(np.ravel(room.sequence_bytes + room.token_bytes * ground.requests.context)[0])
    return InfeasibleError(
        tree.fault(
            "does-not-fit",
            f"does not fit: weights take {gibibytes(weights)} of {gibibytes(capacity)} an accelerator, and "
            f"{gibibytes(short + need)} are lacking for one request",
            ("layout",) if ("layout",) in tree.marks else ("hardware",),
            hint="a higher tensor or pipeline degree, weights in fewer bits, or accelerators with more memory",
        )
    )


def require_links(ground: ServingGround, layout: ServingLayout, tree: Tree) -> None:
    """Refuse a replica that needs a link or a network which nobody knows of.

    Raises
    ------
    InputError : with how many accelerators a replica could have without it.
    """
    machine, node = ground.fleet.machine, ground.fleet.node
    ranks, domain = layout.tensor * layout.data, max(node.scale_up.domain, node.accelerators)
    near = ranks * layout.pipeline <= domain
    joined = ranks > 1 or (layout.pipeline > 1 and near)
    inside = joined and np.isnan(machine.domain_bandwidth_bytes_per_s[0])
    outside = not near and np.isnan(machine.fabric_bandwidth_bytes_per_s[0])
    if not inside and not outside:
        return
    what, most = ("link between accelerators", 1) if inside else ("network between nodes", domain)
    message = (
        f"a replica on {ranks * layout.pipeline} accelerators needs a {what}, and {node.id} has none that is known"
    )
    raise InputError(
        tree.fault("fabric-unknown", message, ("hardware", "node"), hint=f"a layout of at most {most} accelerators")
    )
