"""`planner bench`: measure this machine, fit a profile to it, and see whether it predicts whole models."""

from __future__ import annotations

import importlib

import click

BENCH: dict[str, tuple[str, str]] = {
    "run": ("planner.cli.bench_run", "Measure kernels on this machine."),
    "show": ("planner.cli.bench_show", "Show a run: table and roofline picture."),
    "fit": ("planner.cli.bench_fit", "Fit a profile to a run, as catalog files that estimate uses."),
    "validate": ("planner.cli.bench_validate", "Measure whole small models beside what the fit predicts."),
    "compare": ("planner.cli.bench_compare", "Two runs: same, faster, slower, unclear."),
    "import": ("planner.cli.bench_import", "Read what other programs measured."),
}


class BenchGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(BENCH)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in BENCH:
            return None
        found: click.Command = importlib.import_module(BENCH[cmd_name][0]).command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in BENCH.items()])


@click.group(cls=BenchGroup)
def command() -> None:
    """Measure this machine, fit a profile, and see whether it predicts whole models.

    \b
      planner bench run --quick --record run.yaml
      planner bench show run.yaml
      planner bench fit run.yaml
      planner bench validate run.yaml
    """
