"""Looking up: layers, spellings, sources, sheets and tables, and what is said where nothing is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.catalog.entry import Standing
from planner.catalog.folders import built_in
from planner.catalog.price import PriceRules
from planner.catalog.store import Catalog
from planner.errors import InputError, UnknownNameError

NETWORK = """schema: planner/network/v1
id: {id}
aliases: [{alias}]
name: A network
kind: ethernet
latency: 5 us
efficiency: 0.9
sources: {{default: {source}}}
"""


def layer(folder: Path, *, name: str = "mine", alias: str = "Mine Too", source: str = "here") -> Path:
    (folder / "networks").mkdir(parents=True)
    (folder / "networks" / f"{name}.yaml").write_text(NETWORK.format(id=name, alias=alias, source=source))
    (folder / "sources.yaml").write_text(
        "schema: planner/sources/v1\nsources: {here: {title: Our own measurement, access: recalled}}\n"
    )
    return folder


def test_a_layer_stands_over_the_built_in_catalogs(tmp_path: Path) -> None:
    catalog = Catalog(layers=(layer(tmp_path, name="roce"), built_in()))
    assert catalog.network("roce").efficiency == 0.9
    assert Catalog().network("roce").efficiency == pytest.approx(0.71)
    assert catalog.network("infiniband-ndr").id == "infiniband-ndr"
    assert catalog.ids("network") == Catalog().ids("network")


def test_spellings_ignore_case_and_both_layers_are_searched(tmp_path: Path) -> None:
    catalog = Catalog(layers=(layer(tmp_path), built_in()))
    assert catalog.network("MINE too").id == "mine"
    assert catalog.network("MINE").id == "mine"
    assert catalog.network("InfiniBand NDR 400G").id == "infiniband-ndr"


def test_sources_of_every_file_of_a_layer_are_found(tmp_path: Path) -> None:
    layer(tmp_path)
    (tmp_path / "model-sources.yaml").write_text(
        "schema: planner/sources/v1\nsources: {there: {title: A paper, access: 'via:here'}}\n"
    )
    catalog = Catalog(layers=(tmp_path, built_in()))
    here, there = catalog.source("here"), catalog.source("there")
    assert here is not None
    assert there is not None
    assert (here.standing, there.standing) == (Standing.RECALLED, Standing.QUOTED)
    assert catalog.source("nvidia-h100") is not None
    assert catalog.source("nobody") is None
    assert {"here", "there", "nvidia-h100"} <= set(catalog.source_keys())


def test_a_value_is_as_weak_as_its_source(tmp_path: Path) -> None:
    catalog = Catalog(layers=(layer(tmp_path), built_in()))
    assert catalog.standing(catalog.network("mine").provenance("latency")) is Standing.RECALLED


def test_an_unknown_name_offers_near_ones() -> None:
    with pytest.raises(UnknownNameError) as caught:
        Catalog().node("p5.48xlrge")
    assert "did you mean 'p5.48xlarge'" in str(caught.value)


@pytest.mark.parametrize("name", ["../nodes/p5.48xlarge", "/etc/passwd", "", ".", "a\0b", "x" * 5000, "p5/48xlarge"])
def test_names_are_never_paths(name: str) -> None:
    with pytest.raises(UnknownNameError):
        Catalog().node(name)


def test_the_id_is_the_file_s_name(tmp_path: Path) -> None:
    layer(tmp_path, name="mine")
    (tmp_path / "networks" / "mine.yaml").rename(tmp_path / "networks" / "other.yaml")
    with pytest.raises(InputError) as caught:
        Catalog(layers=(tmp_path,)).network("other")
    assert caught.value.faults[0].id == "id-file-name"


def test_sheets_and_tables_come_from_the_winning_folder_that_has_them(tmp_path: Path) -> None:
    (tmp_path / "prices").mkdir()
    text = (built_in() / "prices" / "rules.yaml").read_text().replace("aws: us-east-1,", "aws: eu-west-1,")
    (tmp_path / "prices" / "rules.yaml").write_text(text)
    catalog = Catalog(layers=(tmp_path, built_in()))
    assert catalog.sheet("prices/rules", PriceRules).default_region["aws"] == "eu-west-1"
    assert Catalog().sheet("prices/rules", PriceRules).default_region["aws"] == "us-east-1"
    with pytest.raises(UnknownNameError):
        Catalog(layers=(tmp_path,)).sheet("nothing", PriceRules)
    assert "aws" in catalog.tables("prices")


def test_a_broken_file_is_told_with_its_line(tmp_path: Path) -> None:
    layer(tmp_path)
    file = tmp_path / "networks" / "mine.yaml"
    file.write_text(file.read_text().replace("latency: 5 us", "latency: 5 GB"))
    with pytest.raises(InputError) as caught:
        Catalog(layers=(tmp_path,)).network("mine")
    where = caught.value.faults[0].where
    assert where is not None
    assert where.line == 6


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("Llama 2 70B", "llama-2-70b"),
        ("NousResearch/Llama-2-7b-chat-hf", "llama-2-7b"),
        ("Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("unsloth/Llama-3.3-70B", "llama-3.1-70b"),  # of the same shape, as its alias says
        ("someone/Llama-2-7b-of-mine", None),
        ("someone/llama-2-7", None),
        ("-instruct", None),
        ("", None),
    ],
)
def test_a_model_is_known_by_the_names_of_its_checkpoints(name: str, model: str | None) -> None:
    assert Catalog().resolve("model", name) == model
    assert Catalog().resolve("accelerator", name) is None


def test_number_formats_are_not_taken_from_a_checkpoint_s_name() -> None:
    with pytest.raises(UnknownNameError) as caught:
        Catalog().model("nvidia/Llama-3.3-70B-Instruct-FP4")
    assert caught.value.faults[0].hint == "name the model 'llama-3.1-70b', and its number formats under 'precision'"
