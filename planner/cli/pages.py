"""Pages and charts of results: made from a page, which is made only where one of them was asked for."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING

from planner.cli.outputs import Files, Screen

if TYPE_CHECKING:
    from planner.planning.books import Books
    from planner.planning.comparison import Comparison
    from planner.planning.estimate import Estimate
    from planner.planning.search_result import SearchResult
    from planner.planning.serving_choices import ServiceSearch
    from planner.policy.check import Check
    from planner.report.page.parts import Page
    from planner.scenario.resolve import Resolved


def html(page: Callable[[], Page], _: Screen) -> str:
    """Give a page as one HTML file."""
    from planner.cli.kept_script import cache_folder, kept
    from planner.report.page import charts, render

    def runtime() -> str:
        return kept(f"charts-{charts.version()}.js", charts.runtime, cache_folder())

    return render.render(page(), runtime)


def svg(page: Callable[[], Page], _: Screen) -> Files:
    """Give the charts of a page as SVG: one file for each, and all of them under each other."""
    from planner.report.page import svg as drawing

    found = page()
    return Files(drawing.together(found), drawing.apart(found))


def estimate_page(resolved: Resolved, found: Estimate, books: Books) -> Page:
    """Give the page of an estimate."""
    from planner.planning.explain import explain
    from planner.planning.scaling import scaled_runs
    from planner.report.page.estimate_page import Told, page_of

    inputs = explain(found, books).inputs
    return page_of(Told(found, inputs, scaled_runs(resolved, found, books), today(books)))


def comparison_page(found: Comparison, books: Books) -> Page:
    """Give the page of a comparison."""
    from planner.planning.explain import explain
    from planner.report.page.compare_page import Told, page_of

    inputs = {candidate.letter: explain(candidate.estimate, books).inputs for candidate in found.candidates}
    return page_of(Told(found, inputs, today(books)))


def search_page(found: SearchResult, books: Books) -> Page:
    """Give the page of a search."""
    from planner.planning.explain import explain
    from planner.report.page.search_page import Told, page_of

    return page_of(Told(found, explain(found.estimate, books).inputs, today(books)))


def services_page(resolved: Resolved, found: ServiceSearch, books: Books) -> Page:
    """Give the page of a search of a service: the winner is estimated for its parts and its inputs."""
    from planner.planning.dispatch import estimate
    from planner.planning.explain import explain
    from planner.planning.serving_search import scenario_of
    from planner.report.page.services_page import Told, page_of

    winner = estimate(scenario_of(resolved, found), books)
    return page_of(Told(found, winner, explain(winner, books).inputs, today(books)))


def check_page(found: Check) -> Page:
    """Give the page of a check."""
    from planner.report.page.check_page import page_of

    return page_of(found)


def today(books: Books) -> datetime.date:
    """Give the day that ages are counted to: that of the project's prices where it names one."""
    from planner.catalog.price import latest

    return datetime.date.fromisoformat(latest(books.prices_on)) if books.prices_on else datetime.date.today()
