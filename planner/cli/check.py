"""`planner check`: a project's scenarios against its budgets, policies and claims, and against a baseline."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.outputs import Renderers, emit, output_option, table_of, text_of
from planner.cli.pages import check_page, html, svg
from planner.documents.files import ReadBudget, inside
from planner.documents.typed import typed
from planner.errors import InputError, input_error
from planner.planning.books import Books
from planner.policy.texts import Documents, texts_read
from planner.scenario.checked_project import CheckedProject
from planner.scenario.project import FILE, ReadProject, find_project, read_project

if TYPE_CHECKING:
    from planner.policy.baseline import Baseline
    from planner.policy.check import Check
    from planner.policy.rulebook import Rulebook


_FORMATS = ("json", "baseline", "markdown", "junit", "sarif", "github", "gitlab", "openmetrics")
"""Formats of one file each, `planner.report.check_FORMAT`."""


@click.command()
@click.argument("project", required=False, type=click.Path(path_type=Path), metavar="[PROJECT]")
@click.option("--baseline", "ref", metavar="REF", help="Compare with a branch, tag or commit of this repository.")
@click.option("--baseline-file", "file", metavar="FILE", help="Compare with what --output baseline=FILE once wrote.")
@click.option("--no-baseline", "alone", is_flag=True, help="Compare with nothing, whatever planner.yaml says.")
@click.option("--today", metavar="DATE", help="Day that waivers are judged on, YYYY-MM-DD.")
@click.option("--csv-raw", is_flag=True, help="CSV texts as they are, even where a spreadsheet would run them.")
@output_option("table", *_FORMATS, "csv", "html", "svg")
@click.pass_context
def command(
    ctx: click.Context,
    project: Path | None,
    ref: str | None,
    file: str | None,
    alone: bool,
    today: str | None,
    csv_raw: bool,
    output: tuple[str, ...],
) -> None:
    """Check all scenarios of a project against its budgets, policies, waivers and claims.

    PROJECT is a planner.yaml or its folder; the nearest one above where none is named.

    Exits with 0 if all is kept, 1 if a budget, policy or claim is broken, 2 if an input is wrong, 3 if a
    scenario cannot be carried out, 70 on a bug. docs/ci.md shows it in pull requests.
    """
    if sum((ref is not None, file is not None, alone)) > 1:
        raise input_error("option", "more than one baseline", allowed="--baseline, --baseline-file or --no-baseline")
    result, read = _checked(_file_of(project), ref, file, alone=alone, today=_day(today))
    emit(_renderers(result, csv_raw=csv_raw), output, never=read)
    ctx.exit(result.exit_code)


def _file_of(named: Path | None) -> Path:
    """Give the project's file, by its way from the working folder: so are places in it told."""
    found = find_project(Path.cwd()) if named is None else named / FILE if named.is_dir() else named
    if found is None:
        raise input_error("file-missing", f"no {FILE} here or above", hint="planner init writes one")
    try:
        return Path(os.path.relpath(found)) if named is None else found
    except ValueError:  # another drive
        return found


def _day(said: str | None) -> str:
    if said is None:
        return date.today().isoformat()
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError:
        raise input_error("date", f"--today {said}: not a date", allowed="YYYY-MM-DD") from None


def _checked(file: Path, ref: str | None, stored: str | None, *, alone: bool, today: str) -> tuple[Check, list[Path]]:
    from planner.policy.check import check
    from planner.policy.plans import plans
    from planner.policy.rulebook import rulebook

    budget = ReadBudget()
    project = read_project(file, budget=budget)
    document = typed(project.tree, CheckedProject)
    if not document.scenarios:
        raise InputError(
            project.tree.fault("no-scenarios", "a project without scenarios", (), hint="scenarios: [scenarios/*.yaml]")
        )
    books = Books.of(project, budget)
    book = rulebook(document, project.tree, books)
    read = plans(project, book.patterns(), budget)
    inputs: list[Path] = []
    with _baseline(project, book, books, ref, stored, alone=alone, inputs=inputs) as baseline:
        texts = partial(_texts, budget, project, books)
        result = check(book, read, books, today=today, documents=texts, baseline=baseline)
    return result, [*budget.files, *inputs]


def _texts(budget: ReadBudget, project: ReadProject, books: Books) -> Documents:
    return texts_read(budget.files, project.root, books.catalog)


@contextmanager
def _baseline(
    project: ReadProject,
    book: Rulebook,
    books: Books,
    ref: str | None,
    stored: str | None,
    *,
    alone: bool,
    inputs: list[Path],
) -> Iterator[Baseline | None]:
    """Give the baseline that was asked for, or else the one that the project names; none is an answer too."""
    from planner.policy.baseline import documents_of_commit, read_baseline
    from planner.policy.git import Repository
    from planner.policy.stored import read_stored

    said = book.document.baseline
    path: Path | None = Path(stored) if stored is not None else None
    if said is not None and not alone and ref is None and path is None:
        ref = said.ref
        path = (
            inside(project.root, said.file, shown=str(project.tree.location(("baseline", "file"))))
            if said.file
            else None
        )
    if ref is None and path is None:
        if book.compares and not alone:
            raise _no_baseline(book, project)
        yield None
        return
    results = None
    if path is not None:
        inputs.append(path)
        origin, documents, results = read_stored(path, path.as_posix())
    else:
        origin, documents = documents_of_commit(Repository(project.root, dict(os.environ)), str(ref))
    own = len(books.catalog.layers) == 1 and bool(project.catalogs)
    with read_baseline(
        origin,
        documents,
        patterns=list(book.patterns()),
        own_is_built_in=own,
        remembered=books.remembered,
        stored=results,
    ) as baseline:
        yield baseline


def _no_baseline(book: Rulebook, project: ReadProject) -> InputError:
    rule = next(rule for rule in book.policies if rule.document.compares)
    hint = "baseline: {ref: origin/main}, or --no-baseline to leave such policies out"
    return InputError(
        project.tree.fault("baseline-choice", f"policy '{rule.document.id}' needs a baseline", rule.trail, hint=hint)
    )


def _renderers(result: Check, *, csv_raw: bool) -> Renderers:
    page = cache(partial(check_page, result))
    return {
        "table": table_of("check_table", result),
        **{name: text_of(f"check_{name}", result) for name in _FORMATS},
        "csv": text_of("check_csv", result, raw=csv_raw),
        "html": partial(html, page),
        "svg": partial(svg, page),
    }
