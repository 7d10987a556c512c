"""Results in files: whole or untouched, and never over what was read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from planner.errors import InputError
from planner.report.write import write_text
from tests.conftest import ROOT, plain_environment


def test_a_file_holds_the_text_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    file.write_text("old")
    file.chmod(0o640)
    write_text(str(file), "née\n")
    assert file.read_bytes() == "née\n".encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["out.json"]


def test_a_new_file_has_the_mode_that_the_user_s_mask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(str(tmp_path / "out"), "x")
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["folder", "link", "read-only", "no/such/folder", "x" * 300, "fifo", "/dev/null"])
def test_what_cannot_or_must_not_be_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "target").write_text("kept")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "read-only").write_text("kept")
    (tmp_path / "read-only").chmod(0o444)
    os.mkfifo(tmp_path / "fifo")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(InputError) as refused:
        write_text(str(tmp_path / name), "new")
    assert refused.value.exit_code == 2
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "target").read_text() == (tmp_path / "read-only").read_text() == "kept"


def test_what_was_read_is_not_overwritten_by_any_of_its_names(tmp_path: Path) -> None:
    file, other = tmp_path / "in.yaml", tmp_path / "hard.yaml"
    file.write_text("kept")
    other.hardlink_to(file)
    for path in (file, other, tmp_path / "." / "in.yaml"):
        with pytest.raises(InputError, match="output-input"):
            write_text(str(path), "new", never=(file,))
    assert file.read_text() == "kept"


def interrupted(folder: Path, with_signal: int) -> list[str]:
    """Stop a run with a signal while it writes; give the files it leaves."""
    program = (
        "import os, sys, time\n"
        "from planner.report import write\n"
        "def wait(_):\n    print('writing', flush=True)\n    time.sleep(60)\n"
        "write.os.fsync = wait\n"
        f"write.write_text({str(folder / 'out.json')!r}, 'new')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**plain_environment(), "PYTHONPATH": str(ROOT)},
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "writing\n"
        running.send_signal(with_signal)
        running.wait(timeout=30)
    return sorted(os.listdir(folder))


def test_an_interrupt_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("old")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        left = interrupted(tmp_path, signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert left == ["out.json"]
    assert (tmp_path / "out.json").read_text() == "old"


def test_what_a_killed_run_leaves_the_next_one_removes(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("old")
    left = interrupted(tmp_path, signal.SIGKILL)
    assert len(left) == 2
    assert (tmp_path / "out.json").read_text() == "old"
    (tmp_path / ".out.json.notes.tmp").write_text("somebody else's")
    write_text(str(tmp_path / "out.json"), "new")
    assert sorted(os.listdir(tmp_path)) == [".out.json.notes.tmp", "out.json"]
    assert (tmp_path / "out.json").read_text() == "new"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").write_text("old")
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr("planner.report.write.os.fsync", lambda _: os.write(full, b"x"))
    with pytest.raises(InputError, match="no space left"):
        write_text(str(tmp_path / "out"), "new")
    os.close(full)
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out").read_text() == "old"
