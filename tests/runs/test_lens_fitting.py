"""Laws of a lens fitted to a checkpoint on a text: that of the functions, of the training side."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers as hf

from hf_apt.data.corpora import open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.tokens import write_tokens
from hf_apt.depths.head_config import HeadConfig
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.lenses.jacobian import fit_jacobian
from hf_apt.depths.lenses.jacobian_config import JacobianConfig
from hf_apt.depths.trunk import Trunk
from hf_apt.runs.lens_fitting import LensConfig, fit_lens
from hf_apt.training.translator_training import train_translator

CONFIGS = {
    kind: LensConfig(
        kind=kind,  # pyright: ignore
        sequence_length=16,
        jacobian=JacobianConfig(num_sequences=4),
        translator=HeadConfig(num_steps=2, batch_size=4),
    )
    for kind in ("jacobian", "translator")
}


@pytest.fixture
def text(documents, tmp_path) -> CorpusSource:
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(documents), encoding="utf-8")
    return CorpusSource(name=str(path), validation_share=0.2)


@pytest.mark.parametrize("kind", CONFIGS)
def test_it_is_written_for_the_model_of_the_checkpoint(
    kind, checkpoint, tiny_model, text, tmp_path
) -> None:
    path, costs = tmp_path / "new" / "lens.safetensors", []
    maps = fit_lens(str(checkpoint), text, path, CONFIGS[kind], told=costs.append)
    loaded = DepthMaps.load(path, tiny_model)
    assert loaded.kind == maps.kind == kind
    assert torch.equal(loaded.weights_DHH, maps.weights_DHH)
    assert not torch.equal(maps.weights_DHH[0], torch.eye(16))
    assert len(costs) == (kind == "jacobian")


def test_what_cannot_be_fitted_is_refused_before_it_is(checkpoint, text, tmp_path) -> None:
    path = tmp_path / "lens.safetensors"
    with pytest.raises(ValueError, match="no .safetensors file"):
        fit_lens(str(checkpoint), text, Path("lens.bin"), CONFIGS["jacobian"])
    with pytest.raises(ValueError, match="longer than the model's"):
        fit_lens(str(checkpoint), text, path, LensConfig(sequence_length=4000))
    with pytest.raises(ValueError, match="kind is 'logit': choose one of jacobian, translator"):
        LensConfig(kind="logit")  # pyright: ignore
    with pytest.raises(ValueError, match="sequence_length must be a whole number of at least 8"):
        LensConfig(sequence_length=4)
    assert not path.exists()


def test_weights_of_the_users_are_not_replaced(checkpoint, text) -> None:
    """The checkpoint's own file has the ending of a lens."""
    weights = checkpoint / "model.safetensors"
    before = weights.read_bytes()
    with pytest.raises(ValueError, match="model.safetensors is there already"):
        fit_lens(str(checkpoint), text, weights, CONFIGS["jacobian"])
    assert weights.read_bytes() == before


def test_a_jacobian_lens_reads_no_more_documents_than_it_needs(
    checkpoint, tokenizer, tiny_model, text, tmp_path, monkeypatch
) -> None:
    """And is the lens of the whole training side."""
    monkeypatch.setattr("hf_apt.data.tokens._BATCH", 5)
    documents = list(open_corpus(text).train)
    whole = write_tokens(
        tmp_path / "all", documents, tokenizer, sequence_length=16, layout="packed"
    )
    read = []

    def opened(source: CorpusSource) -> Any:
        return SimpleNamespace(train=(read.append(each) or each for each in documents))

    monkeypatch.setattr("hf_apt.runs.lens_fitting.open_corpus", opened)
    config = replace(CONFIGS["jacobian"], layout="packed")
    maps = fit_lens(str(checkpoint), text, tmp_path / "lens.safetensors", config)
    assert 5 <= len(read) <= 10 < len(documents)
    expected = fit_jacobian(Trunk(tiny_model), whole, CONFIGS["jacobian"].jacobian)
    assert torch.equal(maps.weights_DHH, expected.weights_DHH)
    assert torch.equal(maps.biases_DH, expected.biases_DH)


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_causal_model_gets_no_lens_of_masked_text(kind, tokens) -> None:
    config = hf.GPT2Config(vocab_size=65, n_embd=16, n_layer=2, n_head=2, n_positions=64)
    trunk = Trunk(hf.GPT2LMHeadModel(config).eval())
    fits = {"jacobian": fit_jacobian, "translator": train_translator}
    with pytest.raises(ValueError, match="GPT2LMHeadModel predicts the next token and fills no"):
        fits[kind](trunk, tokens)


def test_short_documents_are_not_joined(checkpoint, tmp_path, monkeypatch) -> None:
    """As `measure` reads them: a lens is fitted to the sequences that the model is asked on."""
    (tmp_path / "short.txt").write_text("\n\n".join(f"w{n % 50} w{n % 7}" for n in range(200)))
    source = CorpusSource(name=str(tmp_path / "short.txt"), validation_share=0.2)
    layouts = []

    def noted(*given, **options):
        layouts.append(options["layout"])
        return write_tokens(*given, **options)

    monkeypatch.setattr("hf_apt.runs.lens_fitting.write_tokens", noted)
    for layout in (None, "packed"):
        config = replace(
            CONFIGS["jacobian"], layout=layout, jacobian=JacobianConfig(num_sequences=60)
        )
        fit_lens(str(checkpoint), source, tmp_path / f"{layout}.safetensors", config)
    assert layouts == ["first", "packed"]
