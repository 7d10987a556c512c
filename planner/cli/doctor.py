"""`planner doctor`: whether this installation can work, and what to do where it cannot."""

from __future__ import annotations

import base64
import hashlib
import importlib
import importlib.metadata as metadata
import importlib.util
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import click

from planner import __version__
from planner.errors import EXIT_INPUT, visible
from planner.record import record

DISTRIBUTION = "accelerator-planner"
NAMESAKE = "planner"
OLDEST, NEWEST = (3, 11), (3, 14)

PACKAGES = {
    "click": "click",
    "pydantic": "pydantic",
    "PyYAML": "yaml",
    "numpy": "numpy",
    "scipy": "scipy",
    "pandas": "pandas",
    "rich": "rich",
    "jinja2": "jinja2",
}
EXTRAS = {
    "report": (("altair", "vl_convert"), "charts in HTML reports"),
    "torch": (("torch",), "benchmarks on GPUs"),
    "cluster": (("distributed",), "sweeps over several machines"),
}
OK, NOTE, FAILED = "ok", "note", "FAILED"


@record
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    subject : what.
    state : OK, NOTE for what is worth knowing, FAILED for what keeps the planner from working.
    found : what was found.
    advice : what to do, where something is to be done.
    """

    subject: str
    state: str
    found: str
    advice: str = ""


def findings() -> Iterator[Finding]:
    """Look at the interpreter, the installation, the packages, the catalogs and the terminal."""
    yield _python()
    yield from _installation()
    yield from _namesake()
    for name, module in PACKAGES.items():
        yield _package(name, module)
    for extra, (modules, purpose) in EXTRAS.items():
        yield _extra(extra, modules, purpose)
    yield from _catalogs()
    yield _terminal()


def _python() -> Finding:
    found = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return Finding("Python", OK, found)
    span = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    return Finding("Python", NOTE, found, f"the planner is tested with {span}")


def _installation() -> Iterator[Finding]:
    """Say where the running package lies, and whether its files are those that were installed."""
    package = Path(__file__).resolve().parent.parent
    found = f"{__version__}, {package}"
    try:
        installed = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        yield Finding("planner", NOTE, found, "run from a folder that is not installed: pip install .")
        return
    changed = _overwritten(installed)
    if changed:
        advice = f"another project wrote over {changed[0]}: pip install --force-reinstall {DISTRIBUTION}"
        yield Finding("planner", FAILED, found, advice)
    elif installed.version != __version__:
        advice = f"{DISTRIBUTION} {installed.version} is installed, and this is another one"
        yield Finding("planner", NOTE, found, advice)
    else:
        yield Finding("planner", OK, found)


def _overwritten(installed: metadata.Distribution) -> list[str]:
    """Give the modules of an installed planner that are no longer what was installed."""
    changed = []
    for file in installed.files or ():
        if file.suffix != ".py" or file.hash is None or file.hash.mode != "sha256":
            continue
        try:
            digest = hashlib.sha256(file.read_binary()).digest()
        except OSError:
            digest = b""
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            changed.append(str(file))
    return changed


def _namesake() -> Iterator[Finding]:
    """Look for the other project whose distribution, package and command are all called planner."""
    try:
        other = metadata.distribution(NAMESAKE)
    except metadata.PackageNotFoundError:
        other = None
    if other is not None:
        found = f"another project, '{NAMESAKE}' {other.version}, is installed beside this one"
        advice = "both install a package and a command 'planner': keep one of the two in this environment"
        yield Finding("namesake", NOTE, found, advice)
    command = shutil.which("planner")
    if command is None:
        yield Finding("command", NOTE, "no 'planner' on the PATH", f"it lies in {sysconfig.get_path('scripts')}")
    elif Path(command).parent.resolve() != Path(sysconfig.get_path("scripts")).resolve():
        yield Finding("command", NOTE, command, "'planner' on the PATH is not the one of this Python")
    else:
        yield Finding("command", OK, command)


def _package(name: str, module: str) -> Finding:
    try:
        loaded = importlib.import_module(module)
    except Exception as error:  # a broken package may raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        return Finding(name, FAILED, reason, f"pip install --force-reinstall {name}")
    if module == "yaml" and not getattr(loaded, "__with_libyaml__", False):
        return Finding(name, NOTE, metadata.version(name), "without libyaml: large files are read slowly")
    return Finding(name, OK, metadata.version(name))


def _extra(extra: str, modules: tuple[str, ...], purpose: str) -> Finding:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        return Finding(f"[{extra}]", NOTE, f"not installed: {purpose}", f"pip install '{DISTRIBUTION}[{extra}]'")
    return Finding(f"[{extra}]", OK, f"installed: {purpose}")


def _catalogs() -> Iterator[Finding]:
    """Count the built-in catalogs; where a package is missing that they need, that was told already."""
    try:
        from planner.catalog.folders import built_in
        from planner.catalog.kinds import KINDS
        from planner.catalog.store import Catalog
    except ImportError:
        return
    folder = built_in()
    catalog = Catalog((folder,))
    counts = {kind.folder: len(catalog.ids(kind.name)) for kind in KINDS.values() if kind.supplied}
    if not any(counts.values()):
        yield Finding("catalogs", FAILED, f"none in {folder}", f"pip install --force-reinstall {DISTRIBUTION}")
        return
    yield Finding("catalogs", OK, str(folder))
    for name, count in counts.items():
        advice = "" if count else f"{folder / name} is missing or empty: reinstall {DISTRIBUTION}"
        yield Finding(f"  {name}", OK if count else FAILED, str(count), advice)


def _terminal() -> Finding:
    encoding = sys.stdout.encoding or "unknown"
    kind = "a terminal" if sys.stdout.isatty() else "not a terminal"
    found = f"{shutil.get_terminal_size().columns} columns, {encoding}, {kind}"
    if "utf" not in encoding.lower():
        return Finding("output", NOTE, found, "bars are drawn in ASCII; for others: PYTHONIOENCODING=utf-8")
    return Finding("output", OK, found)


@click.command()
@click.pass_context
def command(context: click.Context) -> None:
    """Check the installation; exit with 0 if the planner can work here and with 2 if not."""
    failed = 0
    for finding in findings():
        click.echo(visible(f"{finding.state:<7} {finding.subject:<14} {finding.found}"))
        if finding.advice:
            click.echo(visible(f"{'':<22} {finding.advice}"))
        failed += finding.state == FAILED
    click.echo("")
    if failed:
        click.echo(f"The planner cannot work here: {failed} {'thing' if failed == 1 else 'things'} to mend, see above.")
        context.exit(EXIT_INPUT)
    click.echo("The planner can work here.")
