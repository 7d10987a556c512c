"""A fit, its errors, and whole models beside their predictions, in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.bench.document import BenchRun
from planner.bench.end_to_end import BIAS_TARGET, Verdict, Whole
from planner.bench.fit import Fitted
from planner.report.escape import for_terminal

_LIMITS = {"products, left out": 0.10, "large products, left out": 0.08}


def render_fit(run: BenchRun, fits: Mapping[str, Fitted]) -> str:
    """Give what was fitted and how far off it is."""
    lines = [f"{for_terminal(run.fingerprint.device)}, {run.backend}; noise {run.noise.floor:.1%}: {run.noise.verdict}"]
    for dtype, fit in fits.items():
        host = fit.host
        sizes = ", ".join(f"{name} {low:,.0f} to {high:,.0f}" for name, (low, high) in fit.domain.items())
        lines += [
            "",
            f"{dtype}: peak {host.peak_flops_per_s / 1e9:,.1f} GFLOP/s, memory "
            f"{host.bandwidth_bytes_per_s / 1e9:,.1f} GB/s; {fit.rows} rows fitted; products of {sizes}",
            f"  {'error, predicted against measured':<36}{'rows':>5}{'median':>9}{'largest':>9}",
        ]
        for label, error in fit.errors.items():
            limit = _LIMITS.get(label)
            wanted = max(limit, 2.0 * run.noise.floor) if limit is not None else None
            verdict = (
                "" if wanted is None else f"  wanted {wanted:.0%}: {'met' if error.median <= wanted else 'missed'}"
            )
            lines.append(f"  {label:<36}{error.rows:>5}{error.median:>9.1%}{error.worst:>9.1%}{verdict}")
    if run.level == "quick":
        lines.append("a quick run has few sizes: whole models are predicted better from planner bench run --full")
    return "\n".join(lines) + "\n"


def render_wholes(wholes: Sequence[Whole], fit: Fitted, found: Sequence[Verdict]) -> str:
    """Give whole models, measured and predicted; a bar of predicted over measured for each."""
    lines = [f"{'model':<13}{'phase':<9}{'size':>9}{'measured':>11}{'±':>5}{'predicted':>11}  predicted / measured"]
    for whole in wholes:
        predicted = whole.predicted_s(fit.host, fit.guess)
        measured = whole.spread.median
        ratio = predicted / measured
        size = f"{whole.sequences} x {whole.length}"
        lines.append(
            f"{whole.shape.name[:12]:<13}{whole.phase:<9}{size:>9}{measured * 1e3:>8.1f} ms"
            f"{whole.spread.relative:>5.0%}"
            f"{predicted * 1e3:>8.1f} ms  {ratio:5.2f} {'#' * min(round(ratio * 10), 15)}"
        )
    lines += ["", f"{fit.host.dtype:<10}{'rows':>5}{'median error':>14}{'bias':>9}   wanted"]
    for verdict in found:
        wanted = f"{verdict.target:.0%}, bias {BIAS_TARGET:.0%}: {'met' if verdict.met else 'missed'}"
        lines.append(f"{verdict.phase:<10}{verdict.rows:>5}{verdict.median:>14.1%}{verdict.bias:>+9.1%}   {wanted}")
    return "\n".join(lines) + "\n"
