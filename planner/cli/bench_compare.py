"""`planner bench compare`: two runs of one suite, case by case."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
def command(before: Path, after: Path) -> None:
    """Compare two runs: a case is the same, faster, slower, or its noise hides it.

    Runs of one machine and software are brought to one pace: a neighbour on shared cores is no change of theirs.
    """
    from planner.bench.comparing import compared_rows, paces
    from planner.bench.documents import read_run
    from planner.bench.fingerprint import differences

    first, second = read_run(before), read_run(after)
    if first.suite != second.suite:
        click.echo(f"warning: suites {first.suite} and {second.suite}: times cannot be compared", err=True)
    for difference in differences(first.fingerprint, second.fingerprint):
        click.echo(f"warning: fingerprints differ in {difference}", err=True)
    both = paces(first, second)
    if both:
        core, memory = both[1].core / both[0].core, both[1].memory / both[0].memory
        click.echo(
            f"pace of the machine: core {core - 1.0:+.0%}, memory {memory - 1.0:+.0%} by the second run's canaries; "
            "its times are told at the first's"
        )
    rows = compared_rows(first, second)
    click.echo(f"{'case':<48}{'before':>11}{'after':>11}{'change':>9}  verdict")
    for row in rows:
        click.echo(
            f"{row.case[:47]:<48}{row.before_s * 1e3:>8.3f} ms{row.after_s * 1e3:>8.3f} ms"
            f"{row.after_s / row.before_s - 1.0:>+9.1%}  {row.verdict}"
        )
    counts = Counter(row.verdict for row in rows)
    click.echo(", ".join(f"{counts[verdict]} {verdict}" for verdict in ("same", "faster", "slower", "unclear")))
