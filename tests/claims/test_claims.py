"""Every claim of a published article, worked through: it holds, and its note still says what we get."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.scenario.claim import Claim
from tests.conftest import ROOT
from tests.worked import worked

pytestmark = pytest.mark.unmeasured

FILES = sorted((ROOT / "scenarios" / "claims").glob("*.yaml"))
# How far a result may move from what its note says before somebody has to read the note again.
NOTES_LAST = 0.15


def claim_of(file: Path) -> Claim:
    claim = worked(file)[0].document.claim
    assert claim is not None
    return claim


def test_all_that_can_be_worked_through_without_serving_are_there() -> None:
    assert {file.stem for file in FILES} >= {
        *("node-power-a100", "node-power-h100", "campus-floor", "gpt3-on-dgx2", "trillion-without-offload"),
        *("zero-infinity", "t5-11b-v100", "tens-of-millions", "ten-times-a-year", "storage-bottleneck"),
        *("gpu-network", "ultracluster", "horovod-ring", "weeks-to-train", "four-to-ten-thousand", "mu-transfer"),
        "stochastic-rounding",
    }


def test_all_that_are_about_serving_are_there() -> None:
    assert {file.stem for file in FILES} >= {
        *("gpt3-on-dgx2", "chatgpt-unit-cost", "memory-over-compute", "cpu-inference", "finch-80-percent"),
        *("trainium-vs-gpu", "search-at-scale", "quantise-distil", "api-or-self-host", "rag-or-finetune"),
        *("vision-small", "transformers-everywhere", "rlhf"),
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_claim_is_named_as_its_file(file: Path) -> None:
    assert claim_of(file).id == file.stem
    assert worked(file)[0].document.name == file.stem


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_claim_holds(file: Path) -> None:
    judgement = worked(file)[1].judgement
    assert judgement is not None
    assert [verdict for verdict in judgement.verdicts if not verdict.holds] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_a_note_says_is_still_what_we_get(file: Path) -> None:
    judgement = worked(file)[1].judgement
    assert judgement is not None
    old = {}
    for expected, verdict in zip(claim_of(file).expect, judgement.verdicts, strict=True):
        if expected.metric is not None:
            assert expected.found is not None, f"{expected.metric} of {expected.of}: say what was found"
            assert verdict.value is not None
            if abs(verdict.value / expected.found - 1.0) > NOTES_LAST:
                old[f"{expected.of} {expected.metric}"] = (expected.found, verdict.value)
    assert old == {}, "read the note again, and write down what is found now"
