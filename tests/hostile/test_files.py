"""Hostile files: each is refused with one fault or a bounded list of them, at once and in little memory.

Every file is read in a process of its own, which says how much processor time the best of several readings took
and how much memory it had at most.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from planner.documents.files import MAX_FILE_BYTES
from planner.documents.reader import MAX_FAULTS
from tests.conftest import ROOT, plain_environment

LARGEST = MAX_FILE_BYTES
MOST_SECONDS = 0.1  # on the core that limits are stated for
MOST_BYTES = 200e6

READ = """
import json, os, re, resource, sys, time
from pathlib import Path
from planner.documents.reader import read_yaml
from planner.errors import InputError

def peak_bytes():
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def read(file, readings, enough):
    seconds, ids, shown = [], [], ""
    for _ in range(readings):
        began = time.process_time()
        try:
            read_yaml(file)
        except InputError as error:
            ids = [fault.id for fault in error.faults]
            shown = str(error)
        seconds.append(time.process_time() - began)
        if seconds[-1] <= enough:
            break
    longest = max(map(len, shown.split("\\n")))
    return {"seconds": min(seconds), "peak_bytes": peak_bytes(), "ids": ids, "longest": longest}

for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        print(json.dumps(read(**asked)), flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        print(json.dumps({"died of": status}), flush=True)
"""
# Each file is read in a fork of a process that has read none. Linux hands the peak of the parent on to ru_maxrss of
# the child; VmHWM is the child's own.


@pytest.fixture(scope="module")
def reader() -> Iterator[subprocess.Popen[str]]:
    """A process that reads files in forks of itself, one for each line that it is told."""
    with subprocess.Popen(
        [sys.executable, "-c", READ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=plain_environment(PYTHONPATH=str(ROOT)),
    ) as running:
        yield running


def filled(unit: str, *, head: str = "", tail: str = "") -> str:
    """Give as many repetitions as fit the largest file that is read."""
    room = LARGEST - len((head + tail).encode())
    return head + unit * (room // len(unit.encode())) + tail


def laughs() -> str:
    """Ten levels of ten aliases: ten thousand million laughs in 547 bytes."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for level in range(1, 10):
        lines.append(f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * 10) + "]")
    return "\n".join(lines)


def merges() -> str:
    """A merge key of many aliases, each of which merges as many."""
    lines = ["a: &a {x: 1}"]
    for above, here in zip("abcdef", "bcdefg", strict=True):
        lines.append(f"{here}: &{here} {{<<: [" + ",".join([f"*{above}"] * 9) + "]}")
    return "\n".join(lines)


HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "billion laughs": (laughs, "yaml-anchor"),
    "merge bomb": (merges, "yaml-anchor"),
    "merge without anchors": (lambda: "<<: {a: 1}\n", "yaml-merge"),
    "alias of itself": (lambda: "&a [*a]", "yaml-anchor"),
    "100,000 brackets, closed": (lambda: "[" * 100_000 + "]" * 100_000, "yaml-too-deep"),
    "brackets to the brim": (lambda: filled("["), "yaml-too-deep"),
    "braces to the brim": (lambda: filled("{a: "), "yaml-too-deep"),
    "dashes to the brim": (lambda: filled("- "), "yaml-too-deep"),
    "a staircase of maps": (lambda: "".join(" " * i + "a:\n" for i in range(2800)), "yaml-too-deep"),
    "python object": (lambda: "!!python/object/apply:os.system ['true']", "yaml-tag"),
    "python name": (lambda: "a: !!python/name:os.system", "yaml-tag"),
    "tags to the brim": (lambda: filled("!a "), "yaml-tag"),
    "anchors to the brim": (lambda: filled("&a "), "yaml-anchor"),
    "directives to the brim": (lambda: "".join(f"%TAG !a{i}! x\n" for i in range(200_000)) + "--- 1", "yaml-directive"),
    "documents to the brim": (lambda: filled("---\n"), "yaml-documents"),
    "one key to the brim": (lambda: filled("a: 1\n"), "more-faults"),
    "octal numbers to the brim": (lambda: filled("- 010\n"), "more-faults"),
    "infinities to the brim": (lambda: filled("- .inf\n"), "more-faults"),
    "number keys to the brim": (lambda: "".join(f"{i}: 1\n" for i in range(300_000)), "more-faults"),
    "question marks to the brim": (lambda: filled("? "), "yaml-key"),
    "a key of 4 MB": (lambda: filled("k", tail=": 1"), "yaml-syntax"),
    "a long key twice": (lambda: ("k" * 1000 + ": 1\n") * 2, "yaml-duplicate-key"),
    "an integer of 5,000 digits": (lambda: "a: " + "9" * 5000, "yaml-number"),
    "an integer of 4 million digits": (lambda: filled("9", head="a: "), "yaml-number"),
    "a float of 4 million digits": (lambda: filled("9", head="a: 1."), "yaml-number"),
    "a text without an end": (lambda: filled("x", head='a: "'), "yaml-syntax"),
    "a list without an end": (lambda: filled("1 ", head="a: ["), "yaml-syntax"),
    "tabs to the brim": (lambda: filled("\t"), "yaml-syntax"),
    "spaces to the brim": (lambda: filled(" "), "yaml-empty"),
    "empty lines to the brim": (lambda: filled("\n"), "yaml-empty"),
    "comments to the brim": (lambda: filled("#\n"), "yaml-empty"),
    "byte-order marks to the brim": (lambda: filled("\ufeff"), "yaml-empty"),
    "NUL": (lambda: "a: \0", "yaml-characters"),
    "NULs to the brim": (lambda: filled("\0"), "yaml-characters"),
    "one byte too large": (lambda: filled("#") + "#", "file-too-large"),
}


def measured(reader: subprocess.Popen[str], file: Path, *, readings: int, enough: float = 0.0) -> dict[str, object]:
    """Read a file in a new process; give its faults, its seconds at best and its peak memory.

    It is read until one reading takes no more seconds than `enough`, and at most so many times.
    """
    assert reader.stdin is not None
    assert reader.stdout is not None
    print(json.dumps({"file": str(file), "readings": readings, "enough": enough}), file=reader.stdin, flush=True)
    result: dict[str, object] = json.loads(reader.stdout.readline())
    return result


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_at_once_and_in_little_memory(
    name: str, tmp_path: Path, slow: float, reader: subprocess.Popen[str]
) -> None:
    make, expected = HOSTILE[name]
    file = tmp_path / "hostile.yaml"
    file.write_text(make(), encoding="utf-8", newline="")
    result = measured(reader, file, readings=7, enough=MOST_SECONDS * slow)
    ids = result["ids"]
    assert isinstance(ids, list)
    assert ids[-1] == expected
    assert len(ids) == 1 or len(ids) == MAX_FAULTS + 1
    assert result["longest"] < 400
    assert result["seconds"] <= MOST_SECONDS * slow
    assert result["peak_bytes"] <= MOST_BYTES


@pytest.mark.parametrize(
    "make",
    [lambda: filled("- 1\n"), lambda: filled("[],", head="[", tail="]"), lambda: filled("1,", head="[", tail="]")],
    ids=["lines", "lists", "commas"],
)
def test_too_many_values_are_refused_once_as_many_were_read_as_are_allowed(
    make: Callable[[], str], tmp_path: Path, reader: subprocess.Popen[str]
) -> None:
    """What is refused for its size alone takes as long as the largest file that is read."""
    file = tmp_path / "many.yaml"
    file.write_text(make())
    result = measured(reader, file, readings=1)
    assert result["ids"] == ["yaml-too-many"]
    assert result["peak_bytes"] <= MOST_BYTES


def test_the_largest_document_that_is_read_keeps_within_the_memory(
    tmp_path: Path, reader: subprocess.Popen[str]
) -> None:
    """As many values as are allowed, as deep as is allowed."""
    file = tmp_path / "deep.yaml"
    file.write_text("[" * 60 + "1," * 190_000 + "]" * 60)
    result = measured(reader, file, readings=1)
    assert result["ids"] == []
    assert result["peak_bytes"] <= MOST_BYTES
