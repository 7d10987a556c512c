"""A script that is kept between runs: believed only where it is whole and nobody else could have written it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.cli.kept_script import cache_folder, kept

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which something is kept."""
    found = tmp_path / "cache"
    assert kept("a.js", lambda: "good", found) == "good"
    return found


def refused() -> str:
    raise AssertionError("it is kept and need not be made")


def test_what_is_kept_is_not_made_again(folder: Path) -> None:
    assert kept("a.js", refused, folder) == "good"
    assert kept("b.js", lambda: "other", folder) == "other"


def cut(folder: Path) -> None:
    (folder / "a.js").write_bytes((folder / "a.js").read_bytes()[:-1])


def changed(folder: Path) -> None:
    (folder / "a.js").write_bytes((folder / "a.js").read_bytes() + b"evil")


def linked(folder: Path) -> None:
    (folder / "a.js").rename(folder / "real.js")
    (folder / "a.js").symlink_to("real.js")


def linked_folder(folder: Path) -> None:
    folder.rename(folder.parent / "real")
    folder.symlink_to("real")


def pipe(folder: Path) -> None:
    (folder / "a.js").unlink()
    os.mkfifo(folder / "a.js")


def open_to_all(folder: Path) -> None:
    folder.chmod(0o777)


def writable_by_all(folder: Path) -> None:
    (folder / "a.js").chmod(0o666)


@pytest.mark.parametrize("harm", [cut, changed, linked, linked_folder, pipe, open_to_all, writable_by_all])
def test_what_somebody_else_may_have_written_is_made_anew(folder: Path, harm: Callable[[Path], None]) -> None:
    harm(folder)
    assert kept("a.js", lambda: "made anew", folder) == "made anew"


def test_where_nothing_can_be_kept_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert kept("a.js", lambda: "made", tmp_path / "file") == "made"
    assert kept("a.js", lambda: "made", None) == "made"


def test_the_folder_is_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() is None
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    assert cache_folder() is None
    monkeypatch.setenv("HOME", "/home/jane")
    assert cache_folder() == Path("/home/jane/.cache/accelerator-planner")
