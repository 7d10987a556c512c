"""What no module may do: run text as code, read YAML its own way, print, or touch files outside a few rooms."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.architecture.modules import nodes, trees

# Modules that may open files or look at folders; everything else gets what it needs from them.
TOUCH_FILES = (
    "planner/documents/files.py",
    "planner/catalog/folders.py",
    "planner/catalog/store.py",
    "planner/report/write.py",
    "planner/policy/baseline.py",
    "planner/bench/",
    "planner/cli/",
)
# Writes the `__init__` of a class from the names of its fields, as `dataclasses` does; no text of a user gets there.
WRITES_METHODS = "planner/record.py"
READ_YAML = "planner/documents/reader.py"
READS_AND_WRITES = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir", "rename"),
    *("touch", "symlink_to", "hardlink_to", "rmdir", "chmod"),
}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Give every call of a module with the dotted name of what is called: yaml.load, open, path.read_text."""
    for node in nodes(name):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def called_among(banned: set[str], *, but: tuple[str, ...] = ()) -> list[str]:
    """Give the places where one of some functions is called, outside of modules that begin with certain names."""
    names = [name for name in trees() if not name.startswith(but)]
    return [f"{name}:{node.lineno} {called}" for name in names for called, node in calls(name) if called in banned]


@cache
def imports(name: str) -> set[str]:
    found = set()
    for node in nodes(name):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_there_are_modules_to_look_at() -> None:
    assert len(trees()) > 300
    assert READ_YAML in trees()


def test_no_text_is_run_as_code() -> None:
    ways = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "input"}
    assert called_among(ways, but=(WRITES_METHODS,)) == []
    assert [called for called, _ in calls(WRITES_METHODS) if called in ways] == ["exec"]
    serialisers = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "numpy.load", "pandas.read_pickle"}
    assert {name: found for name in trees() if (found := imports(name) & serialisers)} == {}


def test_no_command_goes_through_a_shell() -> None:
    through = [
        f"{name}:{node.lineno} {called}"
        for name in trees()
        for called, node in calls(name)
        if any(word.arg == "shell" for word in node.keywords)
    ]
    assert through == []


def test_yaml_is_read_by_the_reader_alone_and_never_loaded() -> None:
    loads = {"load", "load_all", "safe_load", "safe_load_all", "full_load", "unsafe_load", "compose", "add_constructor"}
    assert called_among({f"yaml.{load}" for load in loads}) == []
    others = [name for name in trees() if name != READ_YAML and not name.startswith("planner/cli/doctor")]
    assert [name for name in others if "yaml" in {module.split(".")[0] for module in imports(name)}] == []


def test_only_the_command_line_prints_or_exits() -> None:
    command = ("planner/cli/", "planner/__main__")
    banned = {"print", "sys.exit", "exit", "quit", "os._exit", "click.echo", "sys.stdout.write", "sys.stderr.write"}
    assert called_among(banned, but=command) == []
    assert [name for name in trees() if not name.startswith(command) and "click" in imports(name)] == []


def test_only_a_few_rooms_touch_files() -> None:
    touching = []
    for name in trees():
        if name.startswith(TOUCH_FILES):
            continue
        for called, node in calls(name):
            last = called.rsplit(".", 1)[-1]
            method = "." in called and last in READS_AND_WRITES
            if method or called in {"open", "io.open"} or called.startswith(("os.", "shutil.", "tempfile.")):
                touching.append(f"{name}:{node.lineno} {called}")
    assert touching == []


def test_the_environment_is_the_command_line_s_business() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name in trees()
        if not name.startswith(("planner/cli/", "planner/bench/"))
        for node in nodes(name)
        if isinstance(node, ast.Attribute) and dotted(node) in {"os.environ", "os.getenv", "sys.argv", "sys.path"}
    ]
    assert found == []


def test_no_module_is_called_after_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "misc", "core", "v2", "base"}
    assert [name for name in trees() if Path(name).stem in empty] == []


def test_every_module_says_what_it_is_for() -> None:
    for name, tree in trees().items():
        doc = ast.get_docstring(tree)
        assert doc, name
        assert doc.splitlines()[0].strip().endswith((".", ":", ";")), name
