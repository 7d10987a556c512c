"""Models with an encoder in front of their decoder: it takes time and memory, and lengths are those of each side."""

from __future__ import annotations

import pytest

from planner.errors import InputError
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.serving_plan import ServingGround, ground_of
from planner.planning.serving_sizing import as_arrays
from planner.scenario.resolve import read_scenario
from planner.scenario.serving_load import ServingLayout, ServingLoad
from planner.serving.engine import Engine
from tests.conftest import ROOT, Planner

CHAT = ROOT / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml"
BOOKS = Books()
H100_PEAK, H100_BANDWIDTH = 989.4e12, 3.35e12
T5_ENCODER = 24 * (4 * 1024 * 128 * 128 + 2 * 1024 * 65536)  # parameters: four projections and two matrices a layer


def ground(model: str, requests: str) -> ServingGround:
    told = {
        "workload.model": model,
        "workload.requests": requests,
        "workload.load": "{stream: true}",
        "workload.objectives": "{}",
        "hardware.node": "p5.48xlarge",
    }
    resolved = read_scenario(CHAT, changes=told)
    assert isinstance(resolved.document, ServingLoad)
    return ground_of(resolved.document, resolved.tree, BOOKS, Ledger(BOOKS.catalog))


def replica(model: str, requests: str) -> Engine:
    return ground(model, requests).replica(as_arrays([ServingLayout()]))


def test_an_encoder_reads_the_prompt_no_faster_than_the_peak_and_no_slower_than_thrice() -> None:
    engine = replica("t5-11b", "{prompt: 512, output: 100}")
    least = 2.0 * T5_ENCODER * 512 / H100_PEAK
    assert least < engine.marginal_prefill_s(1.0)[0] < 3.0 * least


def test_a_longer_prompt_takes_the_encoder_longer_and_more_of_the_cache() -> None:
    engines = [replica("t5-11b", f"{{prompt: {length}, output: 100}}") for length in (64, 128, 256, 512)]
    times = [engine.marginal_prefill_s(1.0)[0] for engine in engines]
    held = [engine.room.sequence_bytes[0] for engine in engines]
    steps = [engine.decode_step_s(32.0, 50.0)[0] for engine in engines]
    assert times == sorted(times)
    assert times[-1] > 4.0 * times[0]
    assert held == sorted(held)
    assert steps == sorted(steps)


def test_a_decoder_keeps_the_keys_and_values_of_what_the_encoder_heard() -> None:
    """Whisper hears 1,500 positions in 30 s: 32 layers keep two vectors of 1,280 in 16 bits of each."""
    engine = replica("whisper-large", "{output: 100}")
    heard = 1500 * 32 * 2 * 1280 * 2
    assert heard < engine.room.sequence_bytes[0] < 1.01 * heard
    step = engine.decode_step_s(64.0, 10.0)[0] - engine.decode_step_s(1.0, 10.0)[0]
    assert step > 63 * heard / H100_BANDWIDTH


def test_both_sides_have_a_context_of_their_own() -> None:
    assert ground("t5-11b", "{prompt: 512, output: 512}").lengths.read == 512
    with pytest.raises(InputError, match="600 tokens is 88 more than the 512"):
        ground("t5-11b", "{prompt: 600, output: 10}")
    with pytest.raises(InputError, match="output of 520 tokens is 8 more"):
        ground("t5-11b", "{prompt: 60, output: 520}")


def test_nothing_of_an_encoder_s_prompt_is_kept_for_the_next_request() -> None:
    with pytest.raises(InputError, match="its encoder reads all of it at once"):
        ground("t5-11b", "{prompt: 60, output: 52, cached: 50 %}")


def test_speech_needs_no_prompt_as_its_decoder_begins_from_one_token(planner: Planner) -> None:
    done = planner("estimate", "--model", "whisper-large", "--node", "g6e.xlarge", "--output-tokens", "100")
    assert done.returncode == 0, done.stderr
    assert "1,500 tokens by the encoder, 1 token in, 100 tokens out" in done.stdout
    text = planner("estimate", "--model", "llama-3.1-8b", "--node", "g6e.xlarge", "--clients", "8")
    assert text.returncode == 2
    assert "--input 512" in text.stderr
