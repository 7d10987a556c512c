"""Power of a whole node: its published limit, and what its parts draw, by one rule for every machine.

    loaded = (accelerators x limit + hosts x share x host) / (1 - overhead)
    rated  = loaded x margin

Overhead is the share of the whole that the network, fans and power supplies take. The five numbers are
fitted on the systems whose power is known; they stand in `node-power.yaml` with the rows, the error on
each row when it is left out of the fit, and the rule for chips whose own power nobody published.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.accelerator import Accelerator
from planner.catalog.entry import Provenance, Standing
from planner.catalog.node import Node
from planner.documents.types import Count, Flag, Id, Ratio, Record, Share, Text, UncertainShare, Watts, quantity
from planner.errors import Fault, InputError
from planner.record import record
from planner.units.dimensions import Dimension
from planner.units.interval import Interval

JOULES_PER_BYTE = Dimension("an energy per amount of data", {"J": 1, "B": -1}, ("40 J/TB",), display="J/B")
JOULES_PER_FLOP = Dimension("an energy per operation", {"J": 1, "FLOP": -1}, ("0.5 J/TFLOP",), display="J/FLOP")

JoulesPerByte = Annotated[float, quantity(JOULES_PER_BYTE)]
JoulesPerFlop = Annotated[float, quantity(JOULES_PER_FLOP)]


class Rule(Record):
    """The fitted numbers.

    Parameters
    ----------
    host : processors, memory and drives of a whole host at work [W].
    host_without_processors : share of it that is left where the processors are counted as accelerators,
        or belong to the accelerator's module [1].
    overhead_air, overhead_liquid : share of the whole for network, fans and supplies, by cooling [1].
    margin : rated power over power at full load [1].
    full_host_accelerators, full_host_vcpus : of a host that is not shared; a smaller machine has the
        larger of its two shares of one.
    """

    host: Watts
    host_without_processors: Share
    overhead_air: Share
    overhead_liquid: Share
    margin: Ratio
    full_host_accelerators: Count
    full_host_vcpus: Count


class CardHost(Record):
    """A server of a few cards, or one module that is a computer.

    Parameters
    ----------
    base, each : what processors, memory and drives draw in a server without cards, and more of it for each card [W].
    overhead : share of the whole for fans and supplies [1].
    module : what stands around a module with processors of its own: its board [W].
    """

    base: Watts
    each: Watts
    overhead: Share
    module: Watts


class Spread(Record):
    """How far off the rule is, as a share: rated power of machines like those fitted and of others, and its parts."""

    alike: Share
    unlike: Share
    parts: Share


class Idle(Record):
    """What parts draw while nothing runs, as a share of what they draw at full load."""

    accelerators: UncertainShare
    host: UncertainShare


class Working(Record):
    """What accelerators draw while a training step computes, as a share of their limit."""

    accelerators: UncertainShare


class FittedRow(Record):
    """One known power that the rule was fitted on."""

    node: Id
    kind: Literal["rated", "loaded"]
    power: Watts
    weight: Ratio
    error_left_out: float
    source: Text
    note: Text = ""


class MeteredRow(Record):
    """One metered mean power under a training load, which the rule was not fitted on."""

    node: Id
    power: Watts
    job: Text
    source: Text


class ChipClass(Record):
    """Energy of one 16-bit operation in chips of one process, memory taken off."""

    process: Text
    low: JoulesPerFlop
    mid: JoulesPerFlop
    high: JoulesPerFlop
    accelerators: tuple[Id, ...]
    applied_to: tuple[Id, ...]


class ChipRule(Record):
    """limit = 16-bit peak x energy of an operation + memory bandwidth x energy of a byte."""

    memory: JoulesPerByte
    classes: tuple[ChipClass, ...]


class SupplyEfficiency(Record):
    """Efficiency of a power supply by its load."""

    id: Id
    by_load: dict[Text, Share]
    source: Text


class PublishedShare(Record):
    """A share of a node's power that somebody stated."""

    id: Id
    share: UncertainShare
    source: Text
    estimated: Flag = False
    note: Text = ""


class NodePowerRule(Record):
    """The document `node-power.yaml`."""

    schema_: Annotated[Literal["planner/node-power/v1"], Field(alias="schema")]
    rule: Rule
    cards: CardHost
    spread: Spread
    idle: Idle
    working: Working
    fitted_on: tuple[FittedRow, ...]
    metered: tuple[MeteredRow, ...]
    chips: ChipRule
    shares: tuple[PublishedShare, ...]
    supplies: tuple[SupplyEfficiency, ...]
    source: Text
    notes: Text = ""


@record
class Draw:
    """Power of one part of a node [W].

    Parameters
    ----------
    full : with its accelerators at their limit.
    busy : while its accelerators compute; few programs hold them at their limit.
    idle : with nothing running.
    """

    full: Interval
    busy: Interval
    idle: Interval

    def scaled(self, factor: float) -> Draw:
        """Give the draw with its loads times a factor; what it draws idle stays."""
        return Draw(self.full.scaled(factor), self.busy.scaled(factor), self.idle)


@record
class NodePowerEstimate:
    """Power of a node.

    Parameters
    ----------
    rated : its limit, published or by the rule [W].
    accelerators, host, network_and_fans : what its parts draw; network_and_fans holds the power supplies'
        losses too.
    rated_is_published : whether the limit is the catalog's.
    provenance : of every catalog value behind the estimate.
    """

    rated: Interval
    accelerators: Draw
    host: Draw
    network_and_fans: Draw
    rated_is_published: bool
    provenance: tuple[Provenance, ...]

    @property
    def full(self) -> Interval:
        """The whole node with its accelerators at their limit [W]."""
        return _plus(_plus(self.accelerators.full, self.host.full), self.network_and_fans.full)

    @property
    def busy(self) -> Interval:
        """The whole node while its accelerators compute [W]."""
        return _plus(_plus(self.accelerators.busy, self.host.busy), self.network_and_fans.busy)

    @property
    def idle(self) -> Interval:
        """The whole node with nothing running [W]."""
        return _plus(_plus(self.accelerators.idle, self.host.idle), self.network_and_fans.idle)


def node_power(node: Node, accelerator: Accelerator, rule: NodePowerRule) -> NodePowerEstimate:
    """Give the power of a node by parts.

    Parameters
    ----------
    node : the machine.
    accelerator : the part that it holds.
    rule : the document `node-power.yaml`.

    Returns
    -------
    Rated power and the draw of each part [W]. A machine of the kinds that the rule was fitted on has the
    narrow range; the parts never sum to more than a published limit.

    Raises
    ------
    InputError : nothing is known of the accelerator's power.
    """
    part = node.accelerator_power or (accelerator.power.tdp if accelerator.power else None)
    if part is None:
        message = f"the power of {accelerator.id} is unknown"
        raise InputError(
            Fault("unknown-power", message, hint="give the accelerator's power.tdp in a catalog of your own")
        )
    given = rule.rule
    parts_full = part.scaled(node.accelerators)
    host_full = _around(given.host * _hosts(node, accelerator, given), rule.spread.parts)
    working = _times(parts_full, rule.working.accelerators)
    accelerators = Draw(parts_full, working, _idle(node, accelerator, parts_full, rule))
    host = Draw(host_full, host_full, _times(host_full, rule.idle.host))
    share = given.overhead_liquid if node.cooling == "liquid" else given.overhead_air
    overhead = _around(share / (1.0 - share), rule.spread.parts)
    rest = Draw(
        _times(_plus(parts_full, host_full), overhead),
        _times(_plus(working, host_full), overhead),
        _times(_plus(accelerators.idle, host.idle), overhead),
    )
    full = _plus(_plus(parts_full, host_full), rest.full)
    if node.power is None:
        spread = rule.spread.alike if _is_alike(node, accelerator, given) else rule.spread.unlike
        rated = _rated(full, margin=given.margin, spread=spread)
    else:
        rated = node.power.rated
        # The rule cannot know better than the maker: its parts are brought down to a published limit.
        fits = min(1.0, rated.mid / full.mid)
        accelerators, host, rest = (draw.scaled(fits) for draw in (accelerators, host, rest))
    return NodePowerEstimate(rated, accelerators, host, rest, node.power is not None, _provenance(node, accelerator))


def _rated(full: Interval, *, margin: float, spread: float) -> Interval:
    """Give the limit of a machine by the rule: at least as wide as the parts' own range."""
    middle = full.mid * margin
    low = min(full.low * margin, middle * (1.0 - spread))
    high = max(full.high * margin, middle * (1.0 + spread))
    return Interval(low, middle, high)


def _hosts(node: Node, accelerator: Accelerator, rule: Rule) -> float:
    """Give how many whole hosts a node amounts to."""
    accelerators = node.accelerators / node.hosts / rule.full_host_accelerators
    vcpus = (node.host.vcpus or 0) / node.hosts / rule.full_host_vcpus
    share = min(1.0, max(accelerators, vcpus))
    if _holds_processors(accelerator):
        share *= rule.host_without_processors
    return node.hosts * share


def _holds_processors(accelerator: Accelerator) -> bool:
    """Tell whether the host's processors are in the accelerators' power already."""
    module = accelerator.power is not None and accelerator.power.scope == "module"
    return module or accelerator.kind == "cpu"


def _is_alike(node: Node, accelerator: Accelerator, rule: Rule) -> bool:
    whole = node.accelerators / node.hosts >= rule.full_host_accelerators or node.hosts > 1
    return whole and not _holds_processors(accelerator)


def _idle(node: Node, accelerator: Accelerator, full: Interval, rule: NodePowerRule) -> Interval:
    known = accelerator.power.idle if accelerator.power else None
    return known.scaled(node.accelerators) if known else _times(full, rule.idle.accelerators)


def _provenance(node: Node, accelerator: Accelerator) -> tuple[Provenance, ...]:
    part = node.provenance("accelerator_power") if node.accelerator_power else accelerator.provenance("power.tdp")
    rule = Provenance("node-power", "rule", "node-power-rule", Standing.ESTIMATED)
    published = (node.provenance("power.rated"),) if node.power else ()
    return (*published, part, rule)


def _around(value: float, spread: float) -> Interval:
    return Interval(value * (1.0 - spread), value, value * (1.0 + spread))


def _plus(a: Interval, b: Interval) -> Interval:
    return Interval(a.low + b.low, a.mid + b.mid, a.high + b.high)


def _times(a: Interval, b: Interval) -> Interval:
    return Interval(a.low * b.low, a.mid * b.mid, a.high * b.high)
