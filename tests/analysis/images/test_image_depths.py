"""Laws of reading an image classifier: its own states, pooling and logits at every depth."""

import pytest
import torch
from small_images import CLASSIFIERS, a_classifier, pixels_of

from hf_apt.analysis.images.image_depths import ImageDepths


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_the_last_depth_is_the_model_itself(kind) -> None:
    model, pixels = a_classifier(kind), pixels_of()
    reading = ImageDepths(model, pixels[:2]).read(pixels)
    with torch.no_grad():
        expected = model(pixel_values=pixels).logits
    assert torch.equal(reading.logits[-1], expected)
    assert len(torch.unique(expected)) > 3


@pytest.mark.parametrize("kind", ["vit", "deit", "beit", "dinov2", "siglip", "deit_teacher"])
def test_the_blocks_of_a_transformer_are_those_of_its_hidden_states(kind) -> None:
    model, pixels = a_classifier(kind), pixels_of()
    depths = ImageDepths(model, pixels)
    reading = depths.read(pixels)
    with torch.no_grad():
        states = model(pixel_values=pixels, output_hidden_states=True).hidden_states
    assert depths.names == ("embeddings", "block 1", "block 2", "block 3")
    for mean, state in zip(reading.means, states, strict=True):
        assert torch.allclose(mean, state.mean(dim=1), atol=1e-6)
    assert all(logits is not None for logits in reading.logits)


@pytest.mark.parametrize(
    ("kind", "names", "num_own"),
    [
        ("swin", ("embeddings", "block 1.1", "block 1.2", "block 2.1", "block 2.2"), 2),
        ("convnext", ("embeddings", "block 1.1", "block 1.2", "block 2.1", "block 2.2"), 2),
        ("resnet", ("embeddings", "block 1.1", "block 1.2", "block 2.1", "block 2.2"), 2),
        ("mobilenet_v2", ("embeddings", *(f"block {n}" for n in range(1, 16))), 1),
    ],
)
def test_a_stage_is_read_after_each_of_its_blocks(kind, names, num_own) -> None:
    model, pixels = a_classifier(kind), pixels_of(size=32 if kind == "mobilenet_v2" else 16)
    depths = ImageDepths(model, pixels)
    reading = depths.read(pixels)
    assert depths.names == names
    own = [logits is not None for logits in reading.logits]
    assert own == [False] * (len(names) - num_own) + [True] * num_own


def test_the_depths_of_a_vit_are_normalised_and_read_at_cls() -> None:
    model, pixels = a_classifier("vit"), pixels_of()
    depths = ImageDepths(model, pixels)
    reading = depths.read(pixels)
    with torch.no_grad():
        for depth, state in enumerate(model(pixels, output_hidden_states=True).hidden_states):
            pooled = model.vit.layernorm(state)[:, 0]
            assert torch.allclose(reading.pooled[depth], pooled, atol=1e-6)
            own = reading.logits[depth]
            assert own is not None
            assert torch.allclose(own, model.classifier(pooled), atol=1e-6)
    assert not depths.pools_all
    assert torch.allclose(reading.pooled[0], reading.pooled[0][:1], atol=1e-6), "[CLS] is constant"


def test_the_blocks_of_a_resnet_are_averaged_over_places() -> None:
    model, pixels = a_classifier("resnet"), pixels_of()
    depths = ImageDepths(model, pixels)
    reading = depths.read(pixels)
    with torch.no_grad():
        state = model.resnet.embedder(pixels)
        blocks = [block for stage in model.resnet.encoder.stages for block in stage.layers]
        for depth, block in enumerate([torch.nn.Identity(), *blocks]):
            state = block(state)
            assert torch.allclose(reading.pooled[depth], state.mean(dim=(2, 3)), atol=1e-5)
    assert depths.pools_all


def test_two_heads_are_given_both_their_tokens() -> None:
    model, pixels = a_classifier("deit_teacher"), pixels_of()
    reading = ImageDepths(model, pixels).read(pixels)
    with torch.no_grad():
        state = model.deit(pixels).last_hidden_state
    expected = torch.cat([state[:, 0], state[:, 1]], dim=1)
    assert torch.allclose(reading.pooled[-1], expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["vit", "swin", "convnext", "resnet"])
def test_an_image_is_read_alike_in_any_batch(kind) -> None:
    model, pixels = a_classifier(kind), pixels_of(6)
    depths = ImageDepths(model, pixels)
    whole, part = depths.read(pixels), depths.read(pixels[4:5])
    for one, other in zip(whole.pooled, part.pooled, strict=True):
        assert torch.allclose(one[4:5], other, atol=1e-5)


def test_the_model_is_left_as_it_was() -> None:
    model, pixels = a_classifier("vit").train(), pixels_of()
    model(pixels, output_hidden_states=True)  # transformers leaves hooks of its own
    hooks = [len(module._forward_hooks) for module in model.modules()]
    ImageDepths(model, pixels).read(pixels)
    assert model.training
    assert [len(module._forward_hooks) for module in model.modules()] == hooks
    assert not any("forward" in vars(module) for module in model.modules())


def test_images_of_another_size_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"ViTForImageClassification fails on images of 20×20"):
        ImageDepths(a_classifier("vit"), pixels_of(size=20))


def test_a_model_without_hidden_states_is_refused() -> None:
    from transformers import ViTForImageClassification

    class Silent(ViTForImageClassification):
        def forward(self, *args, **kwargs):
            answer = super().forward(*args, **kwargs)
            answer.hidden_states = None
            return answer

    with pytest.raises(ValueError, match="Silent shows no hidden states of its blocks"):
        ImageDepths(Silent(a_classifier("vit").config).eval(), pixels_of())
