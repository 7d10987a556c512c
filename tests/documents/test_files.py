"""Opening files: regular ones only, bounded, and those named in documents only inside their root."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.documents.files import MAX_FILE_BYTES, ReadBudget, inside, read_text
from planner.errors import Fault, InputError


def fault(call: Callable[[], object]) -> Fault:
    with pytest.raises(InputError) as caught:
        call()
    (only,) = caught.value.faults
    return only


def opened(path: Path | str) -> Fault:
    return fault(lambda: read_text(path, budget=ReadBudget()))


class TestWhatIsOpened:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        assert opened(tmp_path / "planner.yaml").id == "file-missing"
        assert opened(tmp_path / "no" / "planner.yaml").id == "file-missing"

    def test_a_file_where_a_folder_should_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("a: 1")
        assert opened(tmp_path / "file" / "planner.yaml").id == "file-unreadable"

    def test_a_directory(self, tmp_path: Path) -> None:
        assert opened(tmp_path).id == "not-a-file"

    def test_a_fifo_is_refused_without_waiting_for_a_writer(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        assert opened(tmp_path / "fifo").id == "not-a-file"

    def test_a_socket(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)  # the names of sockets are short
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket")
            assert opened("socket").id in {"not-a-file", "file-unreadable"}

    @pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
    def test_a_device(self, device: str) -> None:
        assert opened(device).id == "not-a-file"

    def test_an_unreadable_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The system's refusal is made up: where tests run as root, there is no other."""

        def refuse(*_: object, **__: object) -> int:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(os, "open", refuse)
        assert opened(tmp_path / "secret.yaml").message.endswith("permission denied")

    def test_a_loop_of_links(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to("b")
        (tmp_path / "b").symlink_to("a")
        assert opened(tmp_path / "a").id == "file-unreadable"

    @pytest.mark.parametrize("name", ["a\0b", "x" * 300, "é" * 200, "\ud800"])
    def test_names_that_no_file_has(self, tmp_path: Path, name: str) -> None:
        assert opened(f"{tmp_path}/{name}").id == "file-name"

    def test_a_name_does_not_reach_the_terminal_as_it_is(self, tmp_path: Path) -> None:
        assert "\x1b" not in opened(tmp_path / "\x1b[31mred").render()


class TestSizes:
    def test_a_file_of_the_largest_size_is_read_and_one_byte_more_is_not(self, tmp_path: Path) -> None:
        file = tmp_path / "large.yaml"
        file.write_bytes(b"#" * MAX_FILE_BYTES)
        assert len(read_text(file, budget=ReadBudget())) == MAX_FILE_BYTES
        file.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
        assert opened(file).id == "file-too-large"

    def test_a_sparse_file_of_a_terabyte_is_refused_unread(self, tmp_path: Path) -> None:
        file = tmp_path / "sparse.yaml"
        with file.open("wb") as stream:
            stream.truncate(2**40)
        assert opened(file).id == "file-too-large"

    def test_a_file_that_says_it_is_empty_is_read_to_the_bound_only(self) -> None:
        path = Path("/proc/kallsyms")  # says 0 bytes and gives several million
        if not path.exists():
            pytest.skip("no /proc here")
        assert fault(lambda: read_text(path, budget=ReadBudget(), max_bytes=1000)).id == "file-too-large"

    def test_one_run_reads_no_more_than_its_budget(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("x" * 600)
        budget = ReadBudget(remaining_bytes=1000)
        read_text(tmp_path / "a.yaml", budget=budget)
        assert fault(lambda: read_text(tmp_path / "a.yaml", budget=budget)).id == "files-too-large"
        assert budget.remaining_bytes == 400


def read_inside(root: Path, relative: str) -> str:
    return read_text(inside(root, relative, shown="f"), budget=ReadBudget(), root=root)


OUTSIDE = [
    "../../etc/passwd",
    "..",
    "a/../../b",
    "/etc/passwd",
    "~/secret.yaml",
    "~root/x",
    "C:\\secret.yaml",
    "C:secret.yaml",
    "\\\\server\\share\\x.yaml",
    "//server/share",
    "a\\..\\b.yaml",
    "a\0b.yaml",
    "x" * 300,
    "é" * 200,
    "",
    "  ",
]


class TestInside:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        project = tmp_path / "project"
        (project / "parts").mkdir(parents=True)
        (project / "parts" / "a.yaml").write_text("a: 1\n")
        (tmp_path / "secret.yaml").write_text("secret: 1\n")
        return project

    def test_a_file_in_a_folder_of_the_root_is_read(self, project: Path) -> None:
        assert read_inside(project, "parts/a.yaml") == "a: 1\n"
        assert read_inside(project, "./parts//a.yaml") == "a: 1\n"

    @pytest.mark.parametrize("relative", OUTSIDE)
    def test_paths_that_lead_out_are_refused_by_their_text(self, project: Path, relative: str) -> None:
        told = fault(lambda: inside(project, relative, shown="f.yaml:1:1"))
        assert told.id == "path-outside"
        assert told.message.startswith("f.yaml:1:1: ")

    def test_a_link_out_of_the_root_is_refused(self, project: Path) -> None:
        (project / "leaf.yaml").symlink_to("../secret.yaml")
        assert fault(lambda: inside(project, "leaf.yaml", shown="f")).id == "path-outside"

    def test_a_folder_linked_out_of_the_root_is_refused(self, project: Path) -> None:
        (project / "folder").symlink_to(project.parent)
        assert fault(lambda: inside(project, "folder/secret.yaml", shown="f")).id == "path-outside"

    def test_a_link_that_stays_inside_is_followed(self, project: Path) -> None:
        (project / "same.yaml").symlink_to("parts/a.yaml")
        (project / "folder").symlink_to("parts")
        for name in ("same.yaml", "folder/a.yaml"):
            assert read_inside(project, name) == "a: 1\n"

    def test_the_root_itself_may_lie_behind_a_link(self, project: Path) -> None:
        link = project.parent / "link"
        link.symlink_to(project)
        assert read_inside(link, "parts/a.yaml") == "a: 1\n"

    def test_what_is_no_file_is_refused(self, project: Path) -> None:
        os.mkfifo(project / "fifo")
        for name in ("parts", ".", "fifo"):
            told = fault(lambda name=name: read_inside(project, name))
            assert told.id == "not-a-file"

    def test_a_link_put_there_after_the_check_is_not_followed(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A folder is exchanged for a link that leads out, between the check and the opening."""
        real_open = os.open

        def exchange_then_open(path: object, *arguments: int, **options: int) -> int:
            if (project / "parts").is_dir() and not (project / "parts").is_symlink():
                (project / "parts").rename(project / "moved")
                (project / "parts").symlink_to(project.parent / "elsewhere")
                (project.parent / "elsewhere").mkdir()
                (project.parent / "elsewhere" / "a.yaml").write_text("secret: 1\n")
            return real_open(path, *arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "open", exchange_then_open)
        assert fault(lambda: read_inside(project, "parts/a.yaml")).id in {"file-unreadable", "not-a-file"}

    def test_a_path_that_was_never_checked_is_refused_too(self, project: Path) -> None:
        path = project / ".." / "secret.yaml"
        assert fault(lambda: read_text(path, budget=ReadBudget(), root=project)).id == "path-outside"
