"""Encoders of images, and pairs of an image and a text encoder: ViT, DeiT, CLIP."""

from __future__ import annotations

from planner.catalog.shape import ArchitectureSpec, AttentionSpec, FeedForwardSpec, HeadSpec, ImageSpec, TowerSpec
from planner.workload.huggingface.fields import Fields
from planner.workload.huggingface.tasks import Task, labels, refuse


def vit(f: Fields, task: Task) -> ArchitectureSpec:
    """ViT and DeiT: patches, a class token (DeiT: two), learned positions."""
    refuse(f, task, Task.BASE, Task.IMAGE_CLASSES)
    hidden = f.size("hidden_size", default=768)
    if task is Task.BASE:
        head = HeadSpec(outputs=f.whole("pooler_output_size", default=hidden), tokens="one", bias=True)
    else:
        head = HeadSpec(outputs=labels(f), tokens="one", bias=True)
    size = f.optional("head_dim") if f.model_type == "vit" else None
    return ArchitectureSpec(
        hidden=hidden,
        layers=f.size("num_hidden_layers", default=12),
        attention=AttentionSpec(
            heads=f.size("num_attention_heads", default=12),
            head_dim=size,
            bias="all" if f.flag("qkv_bias", default=True) else "output",
        ),
        feed_forward=_part(f),
        normalization="layer",
        positions="learned",
        causal=False,
        image=_image(f, class_tokens=2 if f.model_type == "deit" else 1),
        head=(head,),
    )


def clip(f: Fields, task: Task) -> ArchitectureSpec:
    """CLIP: an image and a text encoder that meet in one space."""
    refuse(f, task, Task.BASE)
    text, image = f.within("text_config"), f.within("vision_config")
    if text is None or image is None:
        raise f.refusal("text_config", "missing 'text_config' or 'vision_config'")
    joint = f.whole("projection_dim", default=512)
    shape = clip_text(text, task)
    seen = clip_vision(image, task)
    tower = TowerSpec(
        role="vision",
        layers=seen.layers,
        hidden=seen.hidden,
        attention=seen.attention,
        feed_forward=seen.feed_forward,
        positions="learned",
        image=seen.image,
        head=(HeadSpec(outputs=joint, tokens="one"),),
    )
    added = {
        "encoder": tower,
        "head": (HeadSpec(outputs=joint, tokens="one"),),
        "joint": joint,
        "other_parameters": 1,
    }
    return shape.model_copy(update=added)


def clip_text(f: Fields, task: Task) -> ArchitectureSpec:
    """CLIP's text encoder, which is causal."""
    refuse(f, task, Task.BASE)
    return ArchitectureSpec(
        hidden=f.size("hidden_size", default=512),
        vocabulary=f.size("vocab_size", default=49408),
        max_sequence=f.size("max_position_embeddings", default=77),
        layers=f.size("num_hidden_layers", default=12),
        attention=AttentionSpec(heads=f.size("num_attention_heads", default=8), bias="all"),
        feed_forward=_part(f, width=2048),
        normalization="layer",
        positions="learned",
        head=(),
    )


def clip_vision(f: Fields, task: Task) -> ArchitectureSpec:
    """CLIP's image encoder: a norm before the first layer, no bias in the patches."""
    refuse(f, task, Task.BASE)
    return ArchitectureSpec(
        hidden=f.size("hidden_size", default=768),
        layers=f.size("num_hidden_layers", default=12),
        attention=AttentionSpec(heads=f.size("num_attention_heads", default=12), bias="all"),
        feed_forward=_part(f),
        normalization="layer",
        positions="learned",
        causal=False,
        image=_image(f, class_tokens=1, bias=False, norm=True, patch=32),
        head=(),
    )


def _image(f: Fields, *, class_tokens: int, bias: bool = True, norm: bool = False, patch: int = 16) -> ImageSpec:
    height, width = f.pair("image_size", default=224)
    patch_height, patch_width = f.pair("patch_size", default=patch)
    return ImageSpec(
        height=height,
        width=width,
        patch_height=patch_height,
        patch_width=patch_width,
        channels=f.whole("num_channels", default=3),
        bias=bias,
        class_tokens=class_tokens,
        norm=norm,
    )


def _part(f: Fields, *, width: int = 3072) -> FeedForwardSpec:
    return FeedForwardSpec(
        width=f.size("intermediate_size", default=width),
        gated=False,
        activation=f.text("hidden_act", default="gelu"),
        bias=True,
    )
