"""How the command ends: its exit code, and what it says on the way out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from planner import __version__, cli
from planner.errors import Fault, InfeasibleError, InputError, MeasurementError
from tests.conftest import ROOT, Planner, plain_environment


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `planner doctor` raise that error while it runs."""

    def fail() -> None:
        raise error

    monkeypatch.setattr("planner.cli.doctor.findings", fail)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], ["schema", "--help"], ["schema"]])
def test_an_answer_ends_with_0(process: Planner, arguments: list[str]) -> None:
    done = process(*arguments)
    assert done.returncode == 0
    assert done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_starts_in_a_process_of_its_own(process: Planner, command: str) -> None:
    done = process(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: planner {command} ")


def test_the_version_is_the_package_s(process: Planner) -> None:
    assert process("--version").stdout == f"planner, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["esimate"], "did you mean 'estimate'?"),
        (["--nope"], "--nope"),
        (["schema", "--nope"], "see: planner schema --help"),
        (["schema", "acelerator"], "did you mean 'accelerator'?"),
        (["schema", "a", "b"], "[usage]"),
        ([], "Usage:"),
    ],
)
def test_a_wrong_command_line_ends_with_2(process: Planner, arguments: list[str], says: str) -> None:
    done = process(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_command_line_cannot_colour_the_terminal(process: Planner) -> None:
    done = process("\x1b[31mred\u202e")
    assert done.returncode == 2
    assert not {"\x1b", "\u202e"} & set(done.stderr)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError(Fault("x", "wrong")), 2),
        (InfeasibleError(Fault("x", "nothing fits")), 3),
        (MeasurementError(Fault("x", "no such device")), 4),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("division by zero"), 70),
        (RecursionError("too deep"), 70),
        (MemoryError(), 70),
        (AssertionError("impossible"), 70),
        (OSError(5000, "strange"), 70),
    ],
)
def test_every_kind_of_error_has_its_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(error, monkeypatch)
    assert cli.run(["doctor"]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err
    assert "Traceback" not in told.err


def test_a_bug_is_told_in_two_lines_with_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(ZeroDivisionError("a\x1b[31m\nb"), monkeypatch)
    assert cli.run(["doctor"]) == 70
    first, second = capsys.readouterr().err.splitlines()
    assert "a bug in the planner: ZeroDivisionError: a\\x1b[31m b" in first
    assert "test_exit_codes.py" in first
    assert "PLANNER_TRACEBACK=1" in second


def test_the_traceback_of_a_bug_is_shown_where_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLANNER_TRACEBACK", "1")
    raising(ZeroDivisionError("division by zero"), monkeypatch)
    assert cli.run(["doctor"]) == 70
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def piped(arguments: list[str], shell: str) -> subprocess.CompletedProcess[str]:
    """Run the command with its output in a shell's hands; give what the shell and the command's stderr say."""
    command = " ".join([sys.executable, "-m", "planner", *arguments])
    return subprocess.run(
        ["bash", "-c", shell.replace("PLANNER", command)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=plain_environment(),
        timeout=60,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["schema", "accelerator"], ["doctor"]])
def test_a_reader_that_has_gone_ends_it_with_141_and_without_a_word(arguments: list[str]) -> None:
    done = piped(arguments, "{ sleep 0.3; PLANNER; } | true; echo ${PIPESTATUS[0]}")
    # The writing starts after `true` has ended, so that the pipe is surely closed.
    assert done.stdout == "141\n"
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [["--help"], ["schema", "accelerator"]])
def test_a_full_disk_ends_it_with_2_and_a_word(arguments: list[str]) -> None:
    done = piped(arguments, "PLANNER > /dev/full; echo $?")
    assert done.stdout == "2\n"
    assert "no space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_closed_streams_are_no_bug() -> None:
    assert piped(["--help"], "PLANNER >&-; echo $? >&2").stderr == "0\n"
    assert piped(["--nope"], "PLANNER 2>&-; echo $?").stdout == "2\n"


def test_an_interrupt_ends_it_with_130_and_without_a_traceback() -> None:
    # A shell that starts something in the background has it ignore interrupts; this one shall not.
    program = "import signal, time\nfrom planner.cli import doctor, main\n"
    program += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "def wait():\n    print('waiting', flush=True)\n    time.sleep(60)\n    yield\n"
    program += "doctor.findings = wait\nmain(['doctor'])"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=plain_environment(),
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "waiting\n"
        os.kill(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said == "planner: interrupted\n"


def test_a_terminal_that_knows_ascii_alone_shows_the_rest_as_escapes(
    process: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = process("schema", "scenario", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert done.stdout.isascii()


@pytest.fixture(scope="module")
def plain(process: Planner) -> str:
    """What a plain terminal shows."""
    return process("schema", "node").stdout


@pytest.mark.parametrize(
    "changes",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "COLUMNS": "1"},
        {"PYTHONHASHSEED": "2", "TZ": "Asia/Seoul", "PYTHONWARNINGS": "error"},
        {"PYTHONOPTIMIZE": "2"},
    ],
)
def test_the_same_bytes_whatever_the_environment(process: Planner, plain: str, changes: dict[str, str]) -> None:
    changed = process("schema", "node", env=changes)
    assert (changed.returncode, changed.stderr) == (0, "")
    # Descriptions come from docstrings, which the second level of optimisation drops.
    if "PYTHONOPTIMIZE" not in changes:
        assert changed.stdout == plain
