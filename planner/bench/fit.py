"""Fitting the planner's own efficiencies to a run: kernels, and one layer; never a whole model.

Each group of parameters is fitted to the rows that it alone explains, in the logarithm of time, with a robust loss and
from several starts; rows that the suite leaves out judge the result and are seen by no fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from planner.bench.document import BenchRun, RunRow
from planner.bench.fit_groups import GROUPS, JUDGED, SERVED, is_product
from planner.bench.predictions import Guess, predicted_all_s
from planner.bench.shapes import HostRates
from planner.catalog.profile import Profile
from planner.errors import Fault, MeasurementError
from planner.hardware.efficiency import Efficiency
from planner.record import record
from planner.serving.efficiency import ServingEfficiency

_STARTS = 3
_ROBUST = 0.1  # residuals, in ln, beyond which a row counts less
_BELIEF = 0.05  # weight of what was believed before, per ln of distance: it decides where no row does
_FAR = 4.0  # in ln: how far a host's parameter may lie from the shared value
_FEWEST_PRODUCTS = 6


@record
class Errors:
    """Errors on rows, |ln(predicted / measured)|: their count, median and largest."""

    rows: int
    median: float
    worst: float


@record
class Fitted:
    """What a run says of its machine in one number format.

    Parameters
    ----------
    host : rates reached. training, serving : fitted parameters by name.
    errors : by group of rows; those of groups that end in `left out` were in no fit.
    rows : that were fitted. domain : sizes of the products, least and most, by name.
    measured : names of the parameters, of training and of serving, that rows or the one device decided; the others
        are as they were believed.
    """

    host: HostRates
    training: dict[str, float]
    serving: dict[str, float]
    errors: dict[str, Errors]
    rows: int
    domain: dict[str, tuple[float, float]]
    measured: dict[str, frozenset[str]]

    @property
    def guess(self) -> Guess:
        """The fitted efficiencies, ready to predict."""
        return guess_of(self.training, self.serving)


def fitted(run: BenchRun, *, dtype: str, training: Profile, serving: Profile) -> Fitted:
    """Fit the planner's parameters to a run.

    Parameters
    ----------
    run : with measured rows of the format. dtype : the format.
    training, serving : profiles that say which parameters there are, and what is believed without rows.

    Raises
    ------
    MeasurementError : too little was measured to say anything.
    """
    rows = [row for row in run.rows if row.state == "measured" and row.dtype == dtype]
    host = host_of(run, rows, dtype)
    values = {"training": _start(training, Efficiency), "serving": _start(serving, ServingEfficiency)}
    overhead = _launch_s(rows) * _CALLS_OF_A_PASS
    decided = {
        "training": _ALONE["training"] | _layout_rates(rows) | {"step_s": _launch_s(rows) * _CALLS_OF_A_STEP},
        "serving": _ALONE["serving"] | {"step_s": overhead, "prompt_s": overhead},
    }
    measured = {kind: set(stated) for kind, stated in decided.items()}
    for kind, stated in decided.items():
        values[kind] |= stated
    errors: dict[str, Errors] = {}
    count = 0
    for group in GROUPS:
        fitted_names = [name for name in group.names if name in values[group.kind]]
        chosen = [row for row in rows if group.accepts(row) and not row.left_out]
        if chosen and fitted_names:
            _fit(values, group.kind, fitted_names, chosen, host)
            measured[group.kind] |= set(fitted_names)
            count += len(chosen)
    for label, accepts in JUDGED.items():
        for left_out in (False, True):
            chosen = [row for row in rows if accepts(row) and row.left_out == left_out]
            if chosen:
                kind = "serving" if label in SERVED else "training"
                errors[f"{label}, left out" if left_out else label] = _errors(values, kind, chosen, host)
    products = np.array([row.size for row in rows if row.kernel == "matmul"], dtype=float)
    domain = {
        name: (float(products[:, at].min()), float(products[:, at].max())) for at, name in enumerate(("m", "n", "k"))
    }
    names = {kind: frozenset(found) for kind, found in measured.items()}
    return Fitted(host, values["training"], values["serving"], errors, count, domain, names)


_BELIEVED_PACKED = 10.0  # rows that bring a weight in order: our estimate
_BELIEVED_ROW = 500.0  # bytes that the begin of a row counts for; our estimate
_BELIEVED_WIDE = 100.0, 4000.0  # rows at most that a packed weight counts for once more, and the width of half; ours
_BELIEVED_CORE = 0.2  # bytes that an operation of attention counts for beside those read; our estimate
# Of a gated layer against another: two norms of eight kernels, positions of twelve beside some 25; our count.
_BELIEVED_GATED = 1.0

# One device: nothing to wait for, nothing that a long run loses, no ranks that differ in load.
_ALONE: dict[str, dict[str, float]] = {
    "training": {
        "matrix_sustained": 1.0,
        "memory": 1.0,
        "imbalance": 1.0,
        "matrix_least_flop": 1.0,
        "matrix_packed": _BELIEVED_PACKED,
    },
    "serving": {
        "sequence_s": 1e-9,
        "skew": 1.0,
        "memory_share": 1.0,
        "packed_tokens": _BELIEVED_PACKED,
        "row_bytes": _BELIEVED_ROW,
        "wide_tokens": _BELIEVED_WIDE[0],
        "wide_rows": _BELIEVED_WIDE[1],
        "core_bytes": _BELIEVED_CORE,
        "gated_elements": _BELIEVED_GATED,
        "layer_gated": _BELIEVED_GATED,
    },
}
_CALLS_OF_A_STEP = 4.0 * 100.0  # `step_s` is stated for eight accelerators, a quarter is paid by one; 100 calls: ours
_CALLS_OF_A_PASS = 10.0  # around the layers of a pass: embedding, norm, head, choice of the token; our count


def host_of(run: BenchRun, rows: Sequence[RunRow], dtype: str) -> HostRates:
    """Give the rates that a run reached.

    Raises
    ------
    MeasurementError : too few products, or no stream from memory.
    """
    products = [row for row in rows if row.kernel == "matmul" and row.least_s]
    streams = [row.bytes / row.median_s for row in rows if row.family == "stream" and row.median_s]
    if len(products) < _FEWEST_PRODUCTS or not streams:
        raise MeasurementError(
            Fault(
                "too-little-measured",
                f"{len(products)} products and {len(streams)} streams in {dtype}: too few to fit",
                allowed=f"at least {_FEWEST_PRODUCTS} products and one stream",
                hint="measure longer: planner bench run --full",
            )
        )
    peak = max(row.flops / row.least_s for row in products if row.least_s)
    memory = run.fingerprint.memory_bytes
    return HostRates(peak, max(streams), memory, float(run.fingerprint.threads), dtype)


def _layout_rates(rows: Sequence[RunRow]) -> dict[str, float]:
    """Give the rates of the backward pass's layouts against the forward one: medians over products of one size each."""
    found: dict[str, dict[tuple[object, ...], float]] = {"nt": {}, "nn": {}, "tn": {}}
    for row in rows:
        if is_product(row) and row.median_s and not row.left_out:
            found[row.layout][row.size, row.operands] = row.median_s
    rates = {}
    for name, layout in (("input_gradient", "nn"), ("weight_gradient", "tn")):
        ratios = [found["nt"][key] / seconds for key, seconds in found[layout].items() if key in found["nt"]]
        rates[name] = float(np.median(ratios)) if ratios else 1.0
    return rates


def _launch_s(rows: Sequence[RunRow]) -> float:
    return next((row.median_s for row in rows if row.kernel == "launch" and row.median_s), 1e-5)


def _start(profile: Profile, kind: type) -> dict[str, float]:
    known = {field.name for field in fields(kind)}
    return {name: parameter.value for name, parameter in profile.parameters.items() if name in known}


def guess_of(training: Mapping[str, float | np.ndarray], serving: Mapping[str, float | np.ndarray]) -> Guess:
    """Give parameters by name as the records that the physics reads."""
    return Guess(
        Efficiency(**{name: np.atleast_1d(value) for name, value in training.items()}),
        ServingEfficiency(**{name: np.asarray(value) for name, value in serving.items()}),
    )


_STEP = 1e-6  # in ln: of the differences that tell how times follow a parameter, and where a fit ends


def _fit(
    values: dict[str, dict[str, float]], kind: str, names: Sequence[str], rows: Sequence[RunRow], host: HostRates
) -> None:
    """Change the named parameters to those that predict the rows best."""
    from scipy.optimize import least_squares

    before = np.log([values[kind][name] for name in names])
    sums = _sums(rows)
    measured = np.log(sums @ np.array([row.median_s for row in rows]))

    def residuals(logs: np.ndarray) -> np.ndarray:
        """Give one line of residuals for each line of parameters."""
        moved = {**values, kind: values[kind] | dict(zip(names, np.exp(logs).T[:, :, None], strict=True))}
        times = np.broadcast_to(_predictions(moved, kind, rows, host), (len(logs), len(rows)))
        wrong = np.log(times @ sums.T) - measured
        return np.concatenate([wrong, _BELIEF * (logs - before)], axis=1)

    def slopes(logs: np.ndarray) -> np.ndarray:
        found = residuals(logs + _STEP * np.vstack([np.zeros(len(names)), np.eye(len(names))]))
        steep: np.ndarray = (found[1:] - found[0]).T / _STEP
        return steep

    random = np.random.default_rng(0)
    best, least = before, math.inf
    for start in range(_STARTS if len(names) > 1 else 1):
        begin = before if start == 0 else before + random.normal(0.0, 1.0, len(names))
        found = least_squares(
            lambda logs: residuals(logs[None, :])[0], np.clip(begin, before - _FAR * 0.99, before + _FAR * 0.99),
            jac=slopes, loss="soft_l1", f_scale=_ROBUST, bounds=(before - _FAR, before + _FAR), max_nfev=60,
            ftol=_STEP, xtol=_STEP, gtol=_STEP,
        )  # fmt: skip
        if found.cost < least:
            best, least = found.x, found.cost
    values[kind] |= dict(zip(names, np.exp(best).tolist(), strict=True))


def _sums(rows: Sequence[RunRow]) -> np.ndarray:
    """Give which rows are added before they are compared: the vocabulary's products and the loss behind them.

    Every model has them together, and one parameter stands for both.
    """
    keys = [row.size[:2] if row.family in ("vocabulary", "loss") else row.case for row in rows]
    distinct = list(dict.fromkeys(keys))
    return np.array([[float(key == each) for key in keys] for each in distinct])


def _predictions(
    values: Mapping[str, Mapping[str, float | np.ndarray]], kind: str, rows: Sequence[RunRow], host: HostRates
) -> np.ndarray:
    guess = guess_of(values["training"], values["serving"])
    return predicted_all_s(rows, host, guess, serving=kind == "serving")


def _errors(values: dict[str, dict[str, float]], kind: str, rows: Sequence[RunRow], host: HostRates) -> Errors:
    measured = np.array([row.median_s for row in rows])
    wrong = np.abs(np.log(_predictions(values, kind, rows, host)[0] / measured))
    return Errors(len(rows), float(np.median(wrong)), float(wrong.max()))
