"""Which framework a run is taken to use when its scenario names none, and profiles that lack what is asked of them."""

from __future__ import annotations

import json

import pytest

from planner.catalog.profile import Profile
from planner.catalog.store import Catalog
from planner.errors import InputError
from planner.planning.efficiencies import efficiency_of, framework_of
from planner.planning.serving_efficiency import serving_efficiency_of
from tests.conftest import Planner


@pytest.mark.parametrize(
    ("node", "framework"),
    [("trn2.48xlarge", "neuron"), ("tpu-v4-host", "maxtext"), ("gaudi3-8", "gaudi"), ("p5.48xlarge", "megatron-core")],
)
def test_a_run_without_a_framework_takes_that_of_its_chips(planner: Planner, node: str, framework: str) -> None:
    options = ("--model", "llama-3.1-8b", "--tokens", "1T", "--accelerators", "64", "--output", "json=-")
    done = planner("estimate", "--node", node, *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["plan"]["framework"] == framework


def older(profile: Profile) -> Profile:
    left = {name: each for name, each in profile.parameters.items() if name not in {"launch_s", "padding_tokens"}}
    return profile.model_copy(update={"parameters": left})


def test_profiles_of_another_version_are_refused_by_what_they_lack() -> None:
    catalog = Catalog()
    chip, training, serving = catalog.accelerator("h100-sxm"), catalog.profile("training"), catalog.profile("serving")
    moves = framework_of(training, "megatron-core")[1]
    with pytest.raises(InputError, match=r"lacks launch_s(.|\n)*fit it again"):
        efficiency_of(older(training), chip, precision="bf16", framework=moves)
    with pytest.raises(InputError, match=r"lacks padding_tokens(.|\n)*fit it again"):
        serving_efficiency_of(older(serving), chip, None)
