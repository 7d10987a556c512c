"""What no module may do: run text as code, read YAML its own way, print, or touch files outside a few rooms."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILES = sorted((ROOT / "planner").rglob("*.py"))
NAMES = [str(file.relative_to(ROOT)) for file in FILES]

# Modules that may open files or look at folders; everything else gets what it needs from them.
TOUCH_FILES = (
    "planner/documents/files.py",
    "planner/catalog/store.py",
    "planner/report/write.py",
    "planner/policy/baseline.py",
    "planner/bench/",
    "planner/cli/",
)
READ_YAML = "planner/documents/reader.py"
READS_AND_WRITES = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir", "rename"),
    *("touch", "symlink_to", "hardlink_to", "rmdir", "chmod"),
}


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Give every call of a file with the dotted name of what is called: yaml.load, open, path.read_text."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_run_as_code(name: str) -> None:
    banned = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "input"}
    assert [called for called, _ in calls(ROOT / name) if called in banned] == []
    serialisers = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "numpy.load", "pandas.read_pickle"}
    assert imports(ROOT / name) & serialisers == set()


@pytest.mark.parametrize("name", NAMES)
def test_no_command_goes_through_a_shell(name: str) -> None:
    for called, node in calls(ROOT / name):
        shell = [word for word in node.keywords if word.arg == "shell"]
        assert shell == [], f"{called} in line {node.lineno}"


@pytest.mark.parametrize("name", NAMES)
def test_yaml_is_read_by_the_reader_alone_and_never_loaded(name: str) -> None:
    loads = {"load", "load_all", "safe_load", "safe_load_all", "full_load", "unsafe_load", "compose", "add_constructor"}
    assert [called for called, _ in calls(ROOT / name) if called in {f"yaml.{load}" for load in loads}] == []
    if name != READ_YAML and not name.startswith("planner/cli/doctor"):
        assert "yaml" not in {module.split(".")[0] for module in imports(ROOT / name)}


@pytest.mark.parametrize("name", NAMES)
def test_only_the_command_line_prints_or_exits(name: str) -> None:
    if name.startswith(("planner/cli/", "planner/__main__")):
        return
    banned = {"print", "sys.exit", "exit", "quit", "os._exit", "click.echo", "sys.stdout.write", "sys.stderr.write"}
    assert [called for called, _ in calls(ROOT / name) if called in banned] == []
    assert "click" not in imports(ROOT / name)


@pytest.mark.parametrize("name", NAMES)
def test_only_a_few_rooms_touch_files(name: str) -> None:
    if name.startswith(TOUCH_FILES):
        return
    touching = []
    for called, node in calls(ROOT / name):
        last = called.rsplit(".", 1)[-1]
        method = "." in called and last in READS_AND_WRITES
        if method or called in {"open", "io.open"} or called.startswith(("os.", "shutil.", "tempfile.")):
            touching.append(f"{called} in line {node.lineno}")
    assert touching == []


@pytest.mark.parametrize("name", NAMES)
def test_the_environment_is_the_command_line_s_business(name: str) -> None:
    if name.startswith(("planner/cli/", "planner/bench/")):
        return
    found = [
        node.lineno
        for node in ast.walk(ast.parse((ROOT / name).read_text("utf-8")))
        if isinstance(node, ast.Attribute) and dotted(node) in {"os.environ", "os.getenv", "sys.argv", "sys.path"}
    ]
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_no_module_is_called_after_nothing(name: str) -> None:
    stem = Path(name).stem
    assert stem not in {"utils", "util", "helpers", "helper", "common", "misc", "core", "v2", "base"}


@pytest.mark.parametrize("name", NAMES)
def test_every_module_says_what_it_is_for(name: str) -> None:
    doc = ast.get_docstring(ast.parse((ROOT / name).read_text("utf-8")))
    assert doc
    assert doc.splitlines()[0].strip().endswith((".", ":", ";"))
