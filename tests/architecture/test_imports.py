"""Imports point one way, and nothing heavy is imported where it is not used."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from functools import cache

from tests.architecture.modules import module_name, nodes, trees
from tests.conftest import ROOT, plain_environment


@cache
def modules() -> dict[str, str]:
    """Give the file of every module by its dotted name."""
    return {module_name(file): file for file in trees()}


def imported_here(name: str) -> set[str]:
    """Give the planner's modules that a module imports, inside functions too."""
    found: set[str] = set()
    known = modules()
    for node in nodes(known[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            base = node.module or ""
            found |= {f"{base}.{a.name}" if f"{base}.{a.name}" in known else base for a in node.names}
    return {module for module in found if module in known and module != name}


@cache
def graph() -> dict[str, set[str]]:
    """Give what each module imports of the others."""
    return {name: imported_here(name) for name in modules()}


def layers() -> dict[str, int]:
    """Give the height of every top-level package, from the contract of import-linter."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (contract,) = [c for c in settings["contracts"] if c["type"] == "layers"]
    heights = {}
    for height, names in enumerate(reversed(contract["layers"])):
        for name in names.split("|"):
            heights[name.strip(" ()")] = height
    return heights


def top(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_no_import_points_upwards() -> None:
    heights = layers()
    upwards = [
        f"{name} imports {target}"
        for name, targets in graph().items()
        for target in targets
        if top(name) and top(target) and heights[top(name)] < heights[top(target)]
    ]
    assert upwards == []


def test_modules_import_each_other_in_no_circle() -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name in done:
            return
        for target in sorted(graph()[name]):
            visit(target, (*path, name))
        done.add(name)

    for name in graph():
        visit(name, ())
    assert done == set(graph())


# The physics knows numbers alone: no files, no clock, no environment, no devices, no chance.
PURE = ("workload", "hardware", "training", "serving", "economics")
IMPURE = {
    "os",
    "io",
    "pathlib",
    "time",
    "datetime",
    "random",
    "socket",
    "subprocess",
    "tempfile",
    "shutil",
    "logging",
    "yaml",
}


def test_the_physics_imports_nothing_of_the_world() -> None:
    names = [name for name in modules() if top(name) in PURE]
    assert {top(name) for name in names} == set(PURE)
    for name in names:
        roots = set()
        for node in nodes(modules()[name]):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                roots.add(node.module.split(".")[0])
        assert roots & IMPURE == set(), name
        assert not {target for target in graph()[name] if top(target) in ("scenario", "documents")}, name


def loaded_by(*arguments: str) -> set[str]:
    """Give the names of all top-level modules that a run of the command has imported when it ends."""
    program = """
import json, sys
from planner.cli import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=plain_environment(PYTHONPATH=str(ROOT)),
        timeout=60,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


def third_party(modules: set[str]) -> set[str]:
    """Give those that are neither the standard library's nor the planner's, nor put there by the installation."""
    others = {"planner", "__main__", "_distutils_hack", "sitecustomize", "usercustomize", "a1_coverage"}
    return modules - set(sys.stdlib_module_names) - others


def test_help_imports_click_alone() -> None:
    assert third_party(loaded_by("--help")) == {"click"}


def test_the_version_imports_click_alone() -> None:
    assert third_party(loaded_by("--version")) == {"click"}


def test_an_estimate_imports_neither_frames_nor_fits_nor_charts() -> None:
    example = "scenarios/examples/llama-3.1-405b-pretrain.yaml"
    loaded = loaded_by("estimate", example)
    heavy = {"pandas", "scipy", "jinja2", "altair", "vl_convert", "torch", "transformers", "distributed"}
    assert loaded & heavy == set()
    assert {"click", "numpy", "pydantic", "yaml"} <= loaded
