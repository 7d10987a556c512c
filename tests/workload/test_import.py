"""Hugging Face configurations: spellings, defaults, what is refused, and that nothing else than a fault comes out."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InputError
from planner.workload.build import architecture
from planner.workload.huggingface import families, read_configuration

_LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 1000,
}
_BERT = {
    "model_type": "bert",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 32,
    "vocab_size": 1000,
}


def parameters(configuration: dict[str, Any], class_name: str = "") -> int:
    return architecture(read_configuration(configuration, class_name=class_name).spec, "m").parameters


def faults(configuration: dict[str, Any], class_name: str = "") -> list[str]:
    with pytest.raises(InputError) as caught:
        read_configuration(configuration, class_name=class_name)
    return [fault.id for fault in caught.value.faults]


def test_a_count_by_hand() -> None:
    """Two tables, three layers of four attention matrices and three others, seven norms."""
    layer = 64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 96
    assert parameters(_LLAMA) == 2 * 1000 * 64 + 3 * layer + 7 * 64


def test_an_unknown_family_is_refused_with_those_that_are_read() -> None:
    with pytest.raises(InputError) as caught:
        read_configuration({**_LLAMA, "model_type": "llamma"})
    fault = caught.value.faults[0]

    assert fault.id == "configuration-unknown"
    assert "llama" in fault.allowed
    assert fault.hint == "did you mean 'gemma' or 'llama'?" or "llama" in fault.hint
    assert all(name in fault.allowed for name in families())


@pytest.mark.parametrize("name", ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"])
def test_a_missing_size_is_named_and_never_guessed(name: str) -> None:
    configuration = {key: value for key, value in _LLAMA.items() if key != name}
    with pytest.raises(InputError) as caught:
        read_configuration(configuration)

    assert caught.value.faults[0].id == "configuration-incomplete"
    assert f"'{name}'" in caught.value.faults[0].message


def test_all_missing_sizes_are_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        read_configuration({"model_type": "llama"})

    assert all(f"'{n}'" in caught.value.faults[0].message for n in ("hidden_size", "vocab_size", "intermediate_size"))


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": -64},
        {"hidden_size": "64"},
        {"hidden_size": 64.5},
        {"hidden_size": True},
        {"hidden_size": [64]},
        {"hidden_size": 10**13},
        {"num_hidden_layers": 0},
        {"num_hidden_layers": 10**6},
        {"num_attention_heads": 3, "num_key_value_heads": 2},
        {"attention_bias": "yes"},
        {"head_dim": 0},
        {"architectures": ["LlamaForTimeTravel"]},
        {"architectures": ["LlamaDoubleHeadsModel"]},
        {"architectures": "LlamaForCausalLM"},
    ],
)
def test_a_value_that_is_not_understood_is_refused(changes: dict[str, Any]) -> None:
    assert faults({**_LLAMA, **changes}) == ["configuration"]


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("qwen3", {"layer_types": ["full_attention", "ring_attention", "full_attention"]}),
        ("qwen3", {"layer_types": ["full_attention"]}),
        ("gemma2", {"layer_types": [1, 2, 3]}),
        ("gemma4_text", {"hidden_size_per_layer_input": 256}),
        ("gemma4_text", {}),
        ("falcon", {"multi_query": False, "num_kv_heads": 2}),
    ],
)
def test_a_form_that_is_not_known_is_refused(family: str, changes: dict[str, Any]) -> None:
    assert faults({**_LLAMA, "model_type": family, "architectures": None, **changes}) == ["configuration"]


def test_an_unknown_activation_is_no_reason_to_refuse() -> None:
    assert parameters({**_LLAMA, "hidden_act": "mish"}) == parameters(_LLAMA)


def test_null_is_absent() -> None:
    nulls = {"head_dim": None, "attention_bias": None, "tie_word_embeddings": None, "mlp_bias": None}
    assert parameters({**_LLAMA, **nulls}) == parameters(_LLAMA)


def test_key_value_heads_absent_are_the_heads() -> None:
    without = {key: value for key, value in _LLAMA.items() if key != "num_key_value_heads"}

    assert parameters(without) == parameters({**_LLAMA, "num_key_value_heads": 4})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4},
            {"n_embd": 48, "n_layer": 2, "n_head": 4},
        ),
    ],
)
def test_old_and_new_spellings_of_gpt2_are_one(ours: dict[str, int], theirs: dict[str, int]) -> None:
    common = {"model_type": "gpt2", "vocab_size": 300, "n_positions": 64}

    assert parameters({**common, **ours}) == parameters({**common, **theirs})


def test_the_class_decides_the_head() -> None:
    plain, masked = parameters(_BERT), parameters(_BERT, "BertForMaskedLM")
    both = parameters(_BERT, "BertForPreTraining")
    named = parameters({**_BERT, "architectures": ["BertForMaskedLM"]})
    transform = 64 * 64 + 64 + 2 * 64

    assert named == masked
    assert masked - (plain - 64 * 64 - 64) == transform + 1000
    assert both - plain == transform + 1000 + 2 * 64 + 2


def test_what_was_assumed_is_told() -> None:
    assert read_configuration(_LLAMA).notes == ()
    assert "no class" in read_configuration(_BERT).notes[0]


def test_the_text_model_of_a_multimodal_configuration_is_read_with_its_defaults() -> None:
    configuration = {
        "model_type": "gemma3",
        "architectures": ["Gemma3ForConditionalGeneration"],
        "text_config": {"model_type": "gemma3_text", "hidden_size": 2560, "num_hidden_layers": 34},
        "vision_config": {"model_type": "siglip_vision_model"},
    }
    imported = read_configuration(configuration)

    assert imported.spec.attention is not None
    assert (imported.spec.attention.heads, imported.spec.vocabulary) == (8, 262208)
    assert "alone is counted" in imported.notes[0]


def test_a_tied_head_of_the_outer_configuration_counts() -> None:
    text = {key: value for key, value in _LLAMA.items() if key != "architectures"}
    apart, tied = (
        parameters({"model_type": "llava", "text_config": text, "tie_word_embeddings": flag}) for flag in (False, True)
    )

    assert apart - tied == 1000 * 64


def test_t5_is_built_with_one_vocabulary_matrix_and_says_so() -> None:
    """As transformers 5 builds it; the released T5 v1.1 weights hold two."""
    shape = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": 500}
    tied, apart = (
        read_configuration(
            {"model_type": "t5", **shape, "tie_word_embeddings": flag}, class_name="T5ForConditionalGeneration"
        )
        for flag in (True, False)
    )

    assert tied.spec == apart.spec
    assert tied.notes == ()
    assert "one vocabulary matrix" in apart.notes[0]


def test_the_callers_map_is_left_alone() -> None:
    configuration = copy.deepcopy(_LLAMA)
    read_configuration(configuration)

    assert configuration == _LLAMA


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**15),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.one_of(st.integers(-1, 5), st.text(max_size=12)), max_size=4),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)
_FIELDS = sorted(
    [
        "hidden_size",
        "n_embd",
        "d_model",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "intermediate_size",
        "vocab_size",
        "layer_types",
        "sliding_window",
        "num_experts",
        "num_local_experts",
        "n_routed_experts",
        "num_experts_per_tok",
        "moe_intermediate_size",
        "q_lora_rank",
        "kv_lora_rank",
        "text_config",
        "vision_config",
        "id2label",
        "architectures",
        "image_size",
        "patch_size",
        "hybrid_override_pattern",
        "layers_block_type",
        "mlp_only_layers",
        "tie_word_embeddings",
        "embedding_size",
        "word_embed_proj_dim",
        "feed_forward_proj",
        "max_position_embeddings",
    ]
)


@settings(max_examples=400)
@given(
    family=st.sampled_from(families()),
    changes=st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=6),
)
def test_nothing_but_a_fault_comes_out_of_a_bad_configuration(family: str, changes: dict[str, Any]) -> None:
    sizes = random.Random(family)
    base = {**_LLAMA, "model_type": family, "architectures": None, "d_model": 64, "num_layers": sizes.randrange(1, 4)}
    try:
        imported = read_configuration({**base, **changes})
    except InputError as error:
        refused = [fault.id for fault in error.faults]
    else:
        refused = []
        assert architecture(imported.spec, family).parameters > 0
    assert all(fault.startswith("configuration") for fault in refused)
