"""`planner refit`: a built-in profile fitted anew to the measurements that the planner brings along."""

from __future__ import annotations

from collections.abc import Callable

import click

from planner.cli.project import current_books
from planner.planning.books import Books


@click.command()
@click.argument("profile", type=click.Choice(["training", "serving", "kernels"]))
@click.argument("path", metavar="PATH")
@click.option("--date", metavar="YYYY-MM-DD", required=True, help="Of the fit, for its report.")
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Of kernels: fit these alone; repeats.")
def command(profile: str, path: str, date: str, kinds: tuple[str, ...]) -> None:
    """Fit PROFILE to catalogs/measurements and write it to PATH, with its errors on rows left out.

    Takes minutes. The same measurements and date give the same bytes.

    \b
      planner refit training catalogs/profiles/training.yaml --date 2026-11-28
    """
    from planner.report.write import write_text

    refits: dict[str, Callable[[Books], str]] = {
        "training": lambda books: _training(books, date),
        "serving": lambda books: _serving(books, date),
        "kernels": lambda books: _kernels(books, date, kinds),
    }
    write_text(path, refits[profile](current_books()))


def _training(books: Books, date: str) -> str:
    from planner.accuracy.training_profile import fitted_profile, text_of

    return text_of(fitted_profile(books, date=date))


def _serving(books: Books, date: str) -> str:
    from planner.accuracy.serving_fit import refitted
    from planner.catalog.folders import built_in

    return refitted(books.catalog, built_in() / "measurements", date=date)


def _kernels(books: Books, date: str, kinds: tuple[str, ...]) -> str:
    from planner.accuracy.kernel_fit import refitted
    from planner.catalog.folders import built_in

    return refitted(books.catalog, built_in() / "measurements", date=date, kinds=kinds)
