"""A generator and its discriminator: what each reads, whose gradients go where, what is saved."""

import pytest
import torch
from small_selection import LENGTH, VOCAB, selection_batch, small_selection, true_text
from torch.nn.functional import cross_entropy
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    AutoModelForSequenceClassification,
)

from hf_apt.models.selection import SelectionForPreTraining

SHARINGS = ("none", "shared", "disentangled")
TABLES = {
    "generator.electra.embeddings.word_embeddings.weight",
    "generator.electra.embeddings.position_embeddings.weight",
}


def of_discriminator(output) -> torch.Tensor:
    """Some loss of all heads."""
    names = ("detection_logits", "candidate_scores", "choice_scores")
    return sum((output[name].square().mean() for name in names), torch.zeros(()))


@pytest.mark.parametrize("sharing", SHARINGS)
def test_no_gradient_goes_from_the_discriminator_into_the_generator(sharing):
    model = small_selection(embeddings=sharing).train()
    of_discriminator(model(**selection_batch())).backward()
    touched = {name for name, weight in model.named_parameters() if weight.grad is not None}
    touched = {name for name in touched if name.startswith("generator")}
    # Shared tables are the discriminator's as well.
    assert touched == (TABLES if sharing == "shared" else set())
    own = [name for name, _ in model.named_parameters() if name.startswith("discriminator")]
    assert all(model.get_parameter(name).grad is not None for name in own)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_no_gradient_goes_from_the_generator_into_the_discriminator(sharing):
    model = small_selection(embeddings=sharing).train()
    model(**selection_batch()).loss.backward()
    touched = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert touched == {"generator"}


def test_the_loss_is_the_generators_cross_entropy_over_what_it_is_divided_by():
    model, batch = small_selection().eval(), selection_batch(padded=True)
    read = {name: batch[name] for name in ("input_ids", "attention_mask")}
    logits = model.generator(**read).logits
    assert torch.allclose(model(**read).logits, logits)
    asked = batch["labels"] != -100
    summed = cross_entropy(logits[asked], batch["labels"][asked], reduction="sum")
    output = model(**batch, num_items_in_batch=37)
    assert torch.allclose(output.logits, logits[asked], atol=1e-6)
    assert output.loss.item() == pytest.approx(summed.item() / 37, rel=1e-6)
    assert model(**batch).loss.item() == pytest.approx((summed / asked.sum()).item(), rel=1e-6)


@pytest.mark.parametrize("heads", [("replaced_tokens", "word_selection"), ("multi_choice",)])
def test_the_discriminator_reads_the_text_with_samples_where_it_was_masked(heads):
    model, batch = small_selection(heads=heads).eval(), selection_batch(40, padded=True)
    output, text = model(**batch), true_text(batch)
    asked = batch["labels"] != -100
    assert torch.equal(output.shown_ids[~asked], text[~asked])
    assert 0.3 < float((output.shown_ids != text)[asked].float().mean()) < 1
    hidden = model.discriminator(
        output.shown_ids, attention_mask=batch["attention_mask"]
    ).last_hidden_state
    if "replaced_tokens" in heads:
        expected = model.heads["replaced_tokens"](hidden)
        assert torch.allclose(output.detection_logits, expected)


def test_the_true_token_is_a_candidate_exactly_once():
    model, batch = small_selection(candidates=6).eval(), selection_batch(40)
    output = model(**batch)
    ids = output.candidate_ids
    assert ids.shape == (int((batch["labels"] != -100).sum()), 6)
    assert torch.equal(ids[:, 0], batch["labels"][batch["labels"] != -100])
    assert all(len(set(row)) == 6 for row in ids.tolist())


def test_choices_are_what_is_shown_and_others_with_the_original_where_it_is_gone():
    model, batch = small_selection(choices=7).eval(), selection_batch(40)
    output, text = model(**batch), true_text(batch)
    ids = output.choice_ids.flatten(0, 1)
    assert output.choice_scores.shape == output.choice_ids.shape == (40, LENGTH, 7)
    assert torch.equal(output.choice_ids[..., 0], output.shown_ids)
    assert all(len(set(row)) == 7 for row in ids.tolist())
    replaced = output.shown_ids != text
    assert torch.equal(output.choice_ids[..., 1][replaced], text[replaced])
    others = output.choice_ids[~replaced][:, 1:]
    assert not (others == text[~replaced][:, None]).any()


def test_one_candidate_is_the_true_token():
    output = small_selection(candidates=1, heads=("word_selection",))(**selection_batch())
    assert output.candidate_ids.shape[1] == 1


def test_samples_are_the_same_however_heads_and_batches_are_chosen():
    batch = selection_batch(12)
    everywhere = small_selection().eval()
    alone = small_selection(heads=("word_selection",)).eval()
    alone.load_state_dict(everywhere.state_dict(), strict=False)
    whole = everywhere(**batch)
    assert torch.equal(alone(**batch).shown_ids, whole.shown_ids)
    assert torch.equal(alone(**batch).candidate_ids, whole.candidate_ids)
    part = {name: values[4:7] for name, values in batch.items()}
    assert torch.equal(everywhere(**part).shown_ids, whole.shown_ids[4:7])
    others = batch | {"sampling_keys": batch["sampling_keys"] + 1}
    assert not torch.equal(everywhere(**others).shown_ids, whole.shown_ids)


def test_positions_that_pad_the_asked_ones_add_nothing():
    model, batch = small_selection().eval(), selection_batch()
    asked = (batch["labels"].flatten() != -100).nonzero()[:, 0]
    unasked = (batch["labels"].flatten() == -100).nonzero()[:3, 0]
    plain = model(**batch)
    padded = model(**batch, asked_positions=torch.cat([asked, unasked]))
    assert torch.equal(padded.shown_ids, plain.shown_ids)
    assert torch.allclose(padded.loss, plain.loss)


@pytest.mark.parametrize("heads", [("word_selection",), ("multi_choice",)])
def test_a_batch_that_asks_for_nothing_has_a_loss_of_0(heads):
    model, batch = small_selection(heads=heads).train(), selection_batch()
    output = model(**batch | {"labels": torch.full_like(batch["labels"], -100)})
    assert output.loss.item() == 0.0
    assert torch.equal(output.shown_ids, batch["input_ids"])
    output.loss.backward()


def test_without_keys_the_discriminator_is_not_called():
    model, batch = small_selection().eval(), selection_batch()
    del batch["sampling_keys"]
    model.discriminator.forward = None
    output = model(**batch)
    assert output.shown_ids is None
    assert output.loss > 0


@pytest.mark.parametrize("sharing", SHARINGS)
def test_it_is_read_again_to_the_bit(sharing, tmp_path):
    model, batch = small_selection(embeddings=sharing, depth=0.5).eval(), selection_batch()
    model.save_pretrained(tmp_path)
    for auto in (AutoModelForPreTraining, AutoModel, SelectionForPreTraining):
        again, loading = auto.from_pretrained(tmp_path, output_loading_info=True)
        assert type(again) is SelectionForPreTraining
        assert not any(loading.values())
        assert again.state_dict().keys() == model.state_dict().keys()
        for name, weight in model.state_dict().items():
            assert torch.equal(again.state_dict()[name], weight), name
        once, twice = model(**batch), again(**batch)
        assert all(torch.equal(once[name], twice[name]) for name in once)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_each_part_is_handed_over_as_a_model_of_its_own(sharing, tmp_path):
    model, batch = small_selection(embeddings=sharing, depth=0.5).eval(), selection_batch()
    ids = batch["input_ids"]
    generator, discriminator = model.generator_model(), model.discriminator_model()
    assert torch.equal(generator(ids).logits, model(ids).logits)
    hidden = model.discriminator(ids).last_hidden_state
    assert torch.allclose(discriminator(ids).last_hidden_state, hidden, atol=1e-6)
    assert not {*map(id, discriminator.parameters())} & {*map(id, model.parameters())}
    generator.save_pretrained(tmp_path / "generator")
    discriminator.save_pretrained(tmp_path / "discriminator")
    masked = AutoModelForMaskedLM.from_pretrained(tmp_path / "generator")
    assert torch.equal(masked.eval()(ids).logits, generator(ids).logits)
    plain, loading = AutoModel.from_pretrained(tmp_path / "discriminator", output_loading_info=True)
    assert type(plain).__name__ == "Bert6Model"
    assert all("pooler" in name for name in loading["missing_keys"])
    assert torch.equal(plain.eval()(ids).last_hidden_state, discriminator(ids).last_hidden_state)
    _, loading = AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "discriminator", output_loading_info=True
    )
    assert all("pooler" in each or "classifier" in each for each in loading["missing_keys"])


def test_disentangled_tables_begin_at_0_and_are_handed_over_as_sums():
    from hf_apt.models.fresh import sized_model
    from hf_apt.models.generator_shape import GeneratorShape
    from hf_apt.models.shapes import ModelShape

    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=1, generator=GeneratorShape())
    fresh = sized_model(shape, vocab_size=VOCAB, num_positions=LENGTH)
    assert not fresh.discriminator.embeddings.word_embeddings.weight.any()
    model = small_selection()
    own = model.discriminator.embeddings.position_embeddings.weight
    lent = model.generator.electra.embeddings.position_embeddings.weight
    handed = model.discriminator_model().embeddings.position_embeddings.weight
    assert torch.equal(handed, own + lent)


def test_it_answers_in_bfloat16():
    model, batch = small_selection().train(), selection_batch()
    with torch.autocast("cpu", torch.bfloat16):
        output = model(**batch)
    assert output.loss.dtype == torch.float32
    (output.loss + of_discriminator(output)).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    assert (output.candidate_ids[:, 0] == batch["labels"][batch["labels"] != -100]).all()
