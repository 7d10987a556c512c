"""The command line: parse, call, render. The only place that prints or exits.

`main` knows each command's module and first line only; a command's own imports run when it is called, so
that `planner --help` costs click alone.
"""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import sys
from typing import NoReturn

import click

from planner import __version__
from planner.errors import EXIT_BUG, EXIT_INPUT, Fault, PlannerError, brief, did_you_mean

EXIT_INTERRUPTED = 130
EXIT_PIPE = 141
_OBJECTS_BEFORE_COLLECTION = 500_000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})

COMMANDS: dict[str, tuple[str, str]] = {
    "estimate": ("planner.cli.estimate", "Time, memory, cost, energy and carbon of a scenario."),
    "compare": ("planner.cli.compare", "Scenarios side by side: who is ahead in what, and how sure that is."),
    "accuracy": ("planner.cli.accuracy", "Measured results beside predictions, and how far apart they are."),
    "calibrate": ("planner.cli.calibrate", "Fit a serving profile to your own measurements."),
    "refit": ("planner.cli.refit", "Fit a built-in profile anew to the published measurements."),
    "check": ("planner.cli.check", "Budgets, policies and claims of a project, and what changed, for CI."),
    "search": ("planner.cli.search", "Find the best strategy and machines for a training run."),
    "sensitivity": ("planner.cli.sensitivity", "Show what moves the answer: inputs over their ranges, other choices."),
    "catalog": ("planner.cli.catalog", "List and show accelerators, nodes, prices, facilities and storage."),
    "model": ("planner.cli.model", "Show models and import Hugging Face configurations."),
    "lint": ("planner.cli.lint", "Check documents and catalogs."),
    "schema": ("planner.cli.schema", "Print the JSON Schema of a document kind."),
    "init": ("planner.cli.init", "Write a planner.yaml and a first scenario."),
    "explain": ("planner.cli.explain", "Show the parts of an estimate and where its inputs came from."),
    "bench": ("planner.cli.bench", "Measure this machine, fit a profile, prove it on whole models."),
    "doctor": ("planner.cli.doctor", "Check the installation."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; help needs their first lines only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            hint = did_you_mean(str(args[0]), COMMANDS)
            raise click.UsageError("; ".join(filter(None, (error.message.rstrip("."), hint))), ctx) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="planner")
def commands() -> None:
    """Plan accelerator capacity and cost: does it fit, how long, what does it cost, from what numbers."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 pass, 1 finding, 2 input, 3 infeasible, 4 measurement, 70 a bug."""
    _start_lightly(sys.argv[1:] if arguments is None else arguments)
    # What a command imports stays until it ends: looking through it for garbage costs a tenth of a cold start.
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    code = run(arguments)
    gc.freeze()  # and once more at the end, another tenth
    sys.exit(code)


def _start_lightly(arguments: list[str]) -> None:
    """Keep libraries from what no command needs; whoever sets these variables otherwise is obeyed.

    pydantic would look through all installed packages for plugins, and OpenBLAS start a thread for every core,
    which only benchmarks of matrix products use.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if arguments[:1] != ["bench"]:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    _accept_any_character()
    try:
        code = _invoke(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except (click.Abort, KeyboardInterrupt, EOFError):
        click.echo("planner: interrupted", err=True)
        return EXIT_INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_INPUT
    except click.ClickException as error:
        click.echo(_usage(error), err=True)
        return EXIT_INPUT
    except PlannerError as error:
        click.echo(str(error), err=True)
        return error.exit_code
    except OSError as error:
        return _output_ended(error)
    except Exception as error:
        return _bug(error)


def _invoke(arguments: list[str]) -> int:
    """Parse and call; click's own `main` does too, but ends the process itself where a pipe is closed."""
    if "_PLANNER_COMPLETE" in os.environ:  # a shell asks click what could be typed next
        commands.main(prog_name="planner")
    try:
        with commands.make_context("planner", list(arguments)) as context:
            code = commands.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    return code if isinstance(code, int) else 0


def _output_ended(error: OSError) -> int:
    """End quietly where the reader has gone (`planner ... | head`), and with a word where the disk is full."""
    if error.errno not in (errno.EPIPE, *_FULL):
        return _bug(error)
    # The interpreter flushes what is left in the buffer when it ends, and would fail on it again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return EXIT_PIPE
    click.echo(f"planner: the output cannot be written: {str(error.strerror).lower()}", err=True)
    return EXIT_INPUT


def _usage(error: click.ClickException) -> str:
    """Put what click found wrong with the command line in the form of our own faults."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = " ".join(error.format_message().split()).rstrip(".")
    return Fault("usage", message, hint=f"see: {context.command_path if context else 'planner'} --help").render()


def _accept_any_character() -> None:
    """Let a terminal that is not UTF-8 show what it lacks as an escape, instead of failing on it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _bug(error: Exception) -> int:
    """Report a defect of the planner in one line, with the place; the traceback only where it was asked for."""
    import traceback

    if os.environ.get("PLANNER_TRACEBACK"):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    where = f"{os.path.basename(last.filename)}:{last.lineno} in {last.name}" if last else "unknown place"
    detail = brief(" ".join(str(error).split()), most=200)
    click.echo(f"planner: a bug in the planner: {type(error).__name__}: {detail} ({where})", err=True)
    click.echo("  run again with PLANNER_TRACEBACK=1 and report what it prints", err=True)
    return EXIT_BUG
