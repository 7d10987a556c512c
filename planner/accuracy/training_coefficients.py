"""The coefficients of the training profile: shared parameters, what moves them, and how firmly each is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import TrainingCase
from planner.accuracy.training_model import EFFICIENCIES, HABITS
from planner.calibration.map_fit import Prior
from planner.catalog.profile import FrameworkMoves, Moves, Parameter, Profile
from planner.record import record

Array = NDArray[np.float64]
NAMES = (*EFFICIENCIES, *HABITS)

# Widths of the moves' priors: in ln for factors, absolute for shifts. Shrunk hard, as wider ones lose on rows
# left out; host and step times differ by whole factors between frameworks, rates of units hardly at all.
WIDTHS: Mapping[str, Mapping[str, float]] = {
    "frameworks": {
        "matrix_sustained": 0.05,
        "attention": 0.08,
        "element_wise": 0.15,
        "host_layer_s": 0.8,
        "step_s": 0.6,
        "recompute_whole": 0.1,
        "plain_attention_passes": 0.2,
        "overlap_tensor": 0.1,
        "overlap_context": 0.1,
        "overlap_expert": 0.1,
        "overlap_data": 0.1,
        "overlap_sharded": 0.1,
        "overlap_pipeline": 0.1,
    },
    "families": {
        "matrix_sustained": 0.075,
        "attention": 0.2,
        "domain_bandwidth": 0.2,
        "fabric_bandwidth": 0.25,
        "memory": 0.05,
    },
    "chips": {"matrix_sustained": 0.03, "attention": 0.1},
    "precisions": {"matrix_sustained": 0.1, "grouped": 0.1, "quantisation_bytes": 0.3},
}
_WIDER = {("precisions", "nvfp4", "matrix_sustained"): 0.2, ("precisions", "int8", "matrix_sustained"): 0.15}


@record
class Coefficient:
    """One number that is fitted: a shared parameter (no owner), or the move of one owner."""

    parameter: str
    layer: str = ""
    owner: str = ""


@dataclass(frozen=True)
class Coefficients:
    """All that is fitted on some cases, as deviations from a profile of priors.

    Parameters
    ----------
    priors : the profile that tells what is believed without any row.
    cases : what is fitted on; only owners among them have moves of their own.
    """

    priors: Profile
    cases: Sequence[TrainingCase]

    @cached_property
    def owners(self) -> dict[str, list[str]]:
        """Of every case, who moves its parameters, by layer."""
        return {
            "frameworks": [case.software.framework for case in self.cases],
            "families": [case.accelerator.family for case in self.cases],
            "chips": [case.accelerator.id for case in self.cases],
            "precisions": [case.precision for case in self.cases],
        }

    @cached_property
    def every(self) -> list[Coefficient]:
        """All coefficients, shared ones first."""
        found = [Coefficient(name) for name in NAMES]
        for layer, widths in WIDTHS.items():
            for owner in sorted(set(self.owners[layer])):
                found += [Coefficient(name, layer, owner) for name in widths]
        return found

    def prior(self) -> Prior:
        """Give widths and bounds of the deviations."""
        width, low, high = [], [], []
        for item in self.every:
            parameter = self.priors.parameters[item.parameter]
            if item.layer:
                width.append(_WIDER.get((item.layer, item.owner, item.parameter), WIDTHS[item.layer][item.parameter]))
                low.append(-np.inf)
                high.append(np.inf)
            else:
                width.append(parameter.width)
                below, above = _ends(parameter)
                low.append(below)
                high.append(above)
        return Prior(np.array(width), np.array(low), np.array(high))

    def of_cases(self) -> NDArray[np.bool_]:
        """Tell which coefficients act on which cases (cases, coefficients)."""
        found = np.ones((len(self.cases), len(self.every)), dtype=bool)
        for number, item in enumerate(self.every):
            if item.layer:
                found[:, number] = np.array(self.owners[item.layer]) == item.owner
        return found

    def profile(self, deviations: Array, *, used: NDArray[np.bool_] | None = None) -> Profile:
        """Give the profile of deviations; chips are named where they own a case that was `used`."""
        parameters, moves = dict(self.priors.parameters), _moves(self.priors)
        kept = np.ones(len(self.cases), dtype=bool) if used is None else used
        chips = {name for name, use in zip(self.owners["chips"], kept, strict=True) if use}
        moves["chips"] = {name: moves["chips"].get(name, Moves()) for name in sorted({*moves["chips"], *chips})}
        moves["chips"] = {name: move for name, move in moves["chips"].items() if name in chips}
        for item, deviation in zip(self.every, deviations, strict=True):
            parameter = parameters[item.parameter]
            if not item.layer:
                value = _moved(parameter.scale, self.priors.parameters[item.parameter].prior, float(deviation))
                parameters[item.parameter] = parameter.model_copy(update={"value": value})
            elif item.layer != "chips" or item.owner in chips:
                at = moves[item.layer]
                at[item.owner] = _with(at.get(item.owner, Moves()), item.parameter, parameter.scale, float(deviation))
        return self.priors.model_copy(update={"parameters": parameters, **moves})

    def deviations(self, profile: Profile) -> Array:
        """Give a profile's deviations from the priors: what `profile` was made of."""
        found = []
        before, after = _moves(self.priors), _moves(profile)
        for item in self.every:
            scale = self.priors.parameters[item.parameter].scale
            if not item.layer:
                prior, value = self.priors.parameters[item.parameter].prior, profile.parameters[item.parameter].value
            else:
                prior = _move(before[item.layer].get(item.owner), item.parameter, scale)
                value = _move(after[item.layer].get(item.owner), item.parameter, scale)
            found.append(np.log(value / prior) if scale == "log" else value - prior)
        return np.array(found)


def _ends(parameter: Parameter) -> tuple[float, float]:
    if parameter.scale == "log":
        return float(np.log(parameter.low / parameter.prior)), float(np.log(parameter.high / parameter.prior))
    return parameter.low - parameter.prior, parameter.high - parameter.prior


def _moved(scale: str, prior: float, deviation: float) -> float:
    return float(f"{prior * np.exp(deviation) if scale == 'log' else prior + deviation:.4g}")


def _moves(profile: Profile) -> dict[str, dict[str, Moves]]:
    layers: dict[str, Mapping[str, Moves]] = {
        "frameworks": profile.frameworks,
        "families": profile.families,
        "chips": profile.chips,
        "precisions": profile.precisions,
    }
    return {name: dict(layer) for name, layer in layers.items()}


def _move(moves: Moves | FrameworkMoves | None, name: str, scale: str) -> float:
    if scale == "log":
        return moves.factors.get(name, 1.0) if moves else 1.0
    return moves.shifts.get(name, 0.0) if moves else 0.0


def _with(moves: Moves, name: str, scale: str, deviation: float) -> Moves:
    before = _move(moves, name, scale)
    if scale == "log":
        value = float(f"{before * np.exp(deviation):.4g}")
        return moves.model_copy(update={"factors": {**moves.factors, name: value}})
    return moves.model_copy(update={"shifts": {**moves.shifts, name: float(f"{before + deviation:.3g}")}})
