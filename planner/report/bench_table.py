"""A run of the benchmark in the terminal: its rows, and how near each comes to the machine's two roofs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.bench.document import BenchRun, RunRow
from planner.record import record
from planner.report.escape import for_terminal

_WIDE, _HIGH = 64, 14


@record
class Roofs:
    """What the run itself reached: the fastest product [FLOP/s] and the fastest stream from memory [B/s]."""

    flops_per_s: float
    bytes_per_s: float


def roofs_of(run: BenchRun) -> Roofs:
    """Give the highest rates of a run; 0 where no such case was measured."""
    products = [row.flops / row.least_s for row in run.rows if row.least_s and row.flops and row.kernel == "matmul"]
    streams = [row.bytes / row.least_s for row in run.rows if row.least_s and row.family == "stream"]
    return Roofs(max(products, default=0.0), max(streams, default=0.0))


def render(run: BenchRun, *, width: int = 80, ascii_only: bool = False) -> str:
    """Give a run as text."""
    print_ = run.fingerprint
    lines = [
        f"{for_terminal(print_.device)}, {print_.threads} of {print_.cores} cores; {run.backend}, {run.timer}; "
        f"{run.date}",
        f"suite {run.suite} {run.level}{'' if run.complete else ', not complete'}, {run.seconds:.0f} s; noise "
        f"{run.noise.floor:.1%}, canary {run.noise.canary:.1%}: {run.noise.verdict}",
        "",
        f"{'case':<42}{'median':>10}{'±':>6}{'rate':>14}  share",
    ]
    roofs = roofs_of(run)
    lines += [_line(row, roofs) for row in run.rows if row.state == "measured"]
    others = [row for row in run.rows if row.state != "measured"]
    if others:
        lines += ["", "not measured:"]
        lines += [f"  {row.case}: {row.state}; {for_terminal(row.reason)}"[:width] for row in others]
    picture = roofline(run.rows, roofs, ascii_only=ascii_only)
    return "\n".join([*lines, *(["", *picture] if picture else [])]) + "\n"


def _line(row: RunRow, roofs: Roofs) -> str:
    if row.median_s is None or row.low_s is None or row.high_s is None:
        raise AssertionError("a measured row has its times")
    noise = (row.high_s - row.low_s) / 2.0 / row.median_s
    rate, share = "", ""
    if row.flops:
        rate = f"{row.flops / row.median_s / 1e9:,.1f} GFLOP/s"
        share = f"{row.flops / row.median_s / roofs.flops_per_s:.0%}" if roofs.flops_per_s else ""
    elif row.bytes:
        rate = f"{row.bytes / row.median_s / 1e9:,.2f} GB/s"
        share = f"{row.bytes / row.median_s / roofs.bytes_per_s:.0%}" if roofs.bytes_per_s else ""
    return f"{row.case[:41]:<42}{_seconds(row.median_s):>10}{noise:>6.0%}{rate:>14}  {share}".rstrip()


def _seconds(value: float) -> str:
    if value < 1e-3:
        return f"{value * 1e6:.1f} µs"
    return f"{value * 1e3:.2f} ms" if value < 1.0 else f"{value:.2f} s"


def points_of(rows: Sequence[RunRow]) -> list[tuple[float, float, str]]:
    """Give every case with operations and bytes: operations per byte, rate [FLOP/s], its family."""
    return [
        (row.flops / row.bytes, row.flops / row.median_s, row.family)
        for row in rows
        if row.median_s and row.flops and row.bytes
    ]


def roofline(rows: Sequence[RunRow], roofs: Roofs, *, ascii_only: bool = False) -> list[str]:
    """Give the roofline picture: operations per byte to the right, rate upwards, both in decades."""
    points = points_of(rows)
    if not points or not roofs.flops_per_s or not roofs.bytes_per_s:
        return []
    left, right = min(x for x, _, _ in points) / 1.5, max(x for x, _, _ in points) * 1.5
    low, high = min(y for _, y, _ in points) / 1.5, roofs.flops_per_s * 1.3
    grid = [[" "] * _WIDE for _ in range(_HIGH)]

    def row_of(rate: float) -> int:
        share = math.log(rate / low) / math.log(high / low)
        return min(max(_HIGH - 1 - int(share * _HIGH), 0), _HIGH - 1)

    for column in range(_WIDE):
        intensity = left * (right / left) ** ((column + 0.5) / _WIDE)
        roof = min(roofs.flops_per_s, intensity * roofs.bytes_per_s)
        if roof >= low:
            grid[row_of(roof)][column] = "-" if ascii_only else "─"
    for x, y, _ in points:
        grid[row_of(y)][min(int(math.log(x / left) / math.log(right / left) * _WIDE), _WIDE - 1)] = (
            "o" if ascii_only else "●"
        )
    side = "|" if ascii_only else "│"
    lines = [f"roofline: {roofs.flops_per_s / 1e9:,.0f} GFLOP/s, {roofs.bytes_per_s / 1e9:,.1f} GB/s (both measured)"]
    for number, cells in enumerate(grid):
        label = f"{high / 1e9:,.0f}" if number == 0 else f"{low / 1e9:,.1f}" if number == _HIGH - 1 else ""
        lines.append(f"{label:>8} {side}{''.join(cells).rstrip()}")
    lines.append(f"{'GFLOP/s':>8}  {left:<.2g}{' ' * (_WIDE - 14)}{right:>.3g} FLOP/B")
    return lines
