"""Models of others: made-up packages become models that answer as their weights say."""

import argparse
import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch.nn import functional

from hf_apt.stats.counts.depth_counts import DepthCounts

STRANGERS = Path(__file__).parents[2] / "examples" / "strangers"
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SMILES = [*SPECIAL[:1], "[unused1]", "[unused2]", *SPECIAL[1:], "C", "O", ".", ">>", "[Na+]", "Cl"]


@pytest.fixture(scope="module", autouse=True)
def on_path():
    """The modules beside the script can be imported, and are forgotten afterwards."""
    sys.path.insert(0, str(STRANGERS))
    yield
    sys.path.remove(str(STRANGERS))
    for path in STRANGERS.glob("*.py"):
        sys.modules.pop(path.stem, None)


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    """A wheel of these files."""
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, content in files.items():
            archive.writestr(inner, content)
    return path


def source(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    """A source distribution of these files."""
    path = folder / f"{name}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for inner, content in files.items():
            entry = tarfile.TarInfo(f"{name}/{inner}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def saved(content: Any) -> bytes:
    """What torch.save leaves."""
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def randomised(model):
    """The model with every weight drawn anew, biases and norms among them."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 0.3, generator=generator)
    return model.eval()


SIZES: dict[str, Any] = {
    **{"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2},
    **{"intermediate_size": 32, "max_position_embeddings": 40},
}


def bert_files(vocabulary: list[str], folder: str, vocab_file: str):
    """A random BERT, and the files of a package that holds it with heads of other tasks."""
    from transformers import BertConfig, BertForPreTraining

    config = {**SIZES, "vocab_size": len(vocabulary)}
    model = randomised(BertForPreTraining(BertConfig(**config)))
    weights = dict(model.state_dict())
    del weights["cls.predictions.decoder.bias"]  # as older versions stored it
    weights["bert.embeddings.position_ids"] = torch.arange(40)[None]
    files = {
        f"{folder}/config.json": json.dumps(config).encode(),
        f"{folder}/pytorch_model.bin": saved(weights),
        vocab_file: "\n".join(vocabulary).encode(),
    }
    return model, files


def antiberty_files():
    """Those of AntiBERTy's package."""
    root = "antiberty/trained_models"
    return bert_files([*SPECIAL, *LETTERS], f"{root}/AntiBERTy_md_smooth", f"{root}/vocab.txt")


def rxnfp_files():
    """Those of rxnfp's."""
    folder = "rxnfp/models/transformers/bert_pretrained"
    return bert_files(SMILES, folder, f"{folder}/vocab.txt")


def opened(name: str, folder: Path):
    import catalogue  # pyright: ignore[reportMissingImports]

    return catalogue.STRANGERS[name].opened(folder)


@torch.no_grad()
def test_a_bert_answers_as_its_weights_do_without_its_other_heads(tmp_path):
    expected, files = antiberty_files()
    wheel(tmp_path, "antiberty-0.1.3", files)
    model, tokenizer = opened("antiberty", tmp_path)
    batch = tokenizer(["QVQL", "EVW"], padding=True, return_tensors="pt")
    assert batch["input_ids"][0].tolist() == [2, *(5 + LETTERS.index(each) for each in "QVQL"), 3]
    assert torch.equal(model(**batch).logits, expected(**batch).prediction_logits)


@torch.no_grad()
def test_an_albert_answers_as_its_weights_do(tmp_path):
    from catalogue import RXNMAPPER  # pyright: ignore[reportMissingImports]
    from transformers import AlbertConfig, AlbertForMaskedLM

    config = {**SIZES, "vocab_size": len(SMILES), "embedding_size": 8}
    expected = randomised(AlbertForMaskedLM(AlbertConfig(**config)))
    weights = dict(expected.state_dict()) | {"albert.pooler.weight": torch.ones(16, 16)}
    files = {
        f"{RXNMAPPER}/config.json": json.dumps(config).encode(),
        f"{RXNMAPPER}/pytorch_model.bin": saved(weights),
        f"{RXNMAPPER}/vocab.txt": "\n".join(SMILES).encode(),
    }
    wheel(tmp_path, "rxnmapper-0.4.3", files)
    model, tokenizer = opened("rxnmapper", tmp_path)
    batch = tokenizer("CC.[Na+]Cl>>[MASK]O", return_tensors="pt")
    tokens = tokenizer.convert_ids_to_tokens(batch["input_ids"][0])
    assert tokens == ["[CLS]", "C", "C", ".", "[Na+]", "Cl", ">>", "[MASK]", "O", "[SEP]"]
    assert torch.equal(model(**batch).logits, expected(**batch).logits)


@torch.no_grad()
def test_a_gpt2_keeps_the_biases_of_its_attention(tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    vocabulary = [*SPECIAL, *LETTERS, "[HUMAN]", "[HEAVY]"]
    config: dict[str, Any] = {
        "n_embd": 16,
        "n_layer": 2,
        "n_head": 2,
        "n_positions": 40,
        "vocab_size": 27,
    }
    expected = randomised(GPT2LMHeadModel(GPT2Config(**config, bos_token_id=2, eos_token_id=3)))
    weights = dict(expected.state_dict())
    for block in range(2):
        weights[f"transformer.h.{block}.attn.bias"] = torch.ones(1, 1, 40, 40).tril().byte()
        weights[f"transformer.h.{block}.attn.masked_bias"] = torch.tensor(-1e4)
    folder = "iglm/trained_models"
    files = {
        f"{folder}/IgLM-S/config.json": json.dumps(config | {"bos_token_id": 50256}).encode(),
        f"{folder}/IgLM-S/pytorch_model.bin": saved(weights),
        f"{folder}/vocab.txt": "\n".join(vocabulary).encode(),
    }
    wheel(tmp_path, "iglm-0.1.0", files)
    model, tokenizer = opened("iglm-s", tmp_path)
    batch = tokenizer("EVQ", return_tensors="pt")
    assert tokenizer.convert_ids_to_tokens(batch["input_ids"][0]) == [
        *("[HEAVY]", "[HUMAN]", "E", "V", "Q", "[SEP]")
    ]
    assert {"[HEAVY]", "[HUMAN]"} <= {*tokenizer.all_special_tokens}
    assert torch.equal(model(**batch).logits, expected(**batch).logits)


def fairseq_weights() -> dict[str, torch.Tensor]:
    """A random RoBERTa of two blocks, 8 wide, under the names that fairseq gives."""
    generator = torch.Generator().manual_seed(4)
    shapes = {"embed_tokens.weight": (25, 8), "embed_positions.weight": (22, 8)}
    shapes |= {"emb_layer_norm.weight": (8,), "emb_layer_norm.bias": (8,)}
    for block in range(2):
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _linear(f"layers.{block}.self_attn.{name}", 8, 8)
        shapes |= _linear(f"layers.{block}.fc1", 12, 8) | _linear(f"layers.{block}.fc2", 8, 12)
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            shapes |= {f"layers.{block}.{name}.{part}": (8,) for part in ("weight", "bias")}
    shapes = {f"decoder.sentence_encoder.{name}": shape for name, shape in shapes.items()}
    shapes |= _linear("decoder.lm_head.dense", 8, 8)
    shapes |= {f"decoder.lm_head.layer_norm.{part}": (8,) for part in ("weight", "bias")}
    shapes |= {"decoder.lm_head.bias": (25,)}
    weights = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    tied = weights["decoder.sentence_encoder.embed_tokens.weight"]
    return weights | {"decoder.lm_head.weight": tied}


def _linear(name: str, out: int, of: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (out, of), f"{name}.bias": (out,)}


def fairseq_logits(weights, ids_T: torch.Tensor, num_heads: int = 2) -> torch.Tensor:
    """A RoBERTa as fairseq computes it, one sequence, written out."""

    def linear(name, states):
        return states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def normed(name, states):
        return functional.layer_norm(
            states, (8,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-5
        )

    root = "decoder.sentence_encoder"
    positions_T = 2 + torch.arange(len(ids_T))  # after the padding's, which is 1
    embedded = weights[f"{root}.embed_tokens.weight"][ids_T]
    embedded = embedded + weights[f"{root}.embed_positions.weight"][positions_T]
    states = normed(f"{root}.emb_layer_norm", embedded)
    for block in range(2):
        own = f"{root}.layers.{block}"
        query, key, value = (
            linear(f"{own}.self_attn.{each}_proj", states).view(len(ids_T), num_heads, -1)
            for each in "qkv"
        )
        scores = torch.einsum("ihc,jhc->hij", query, key) / query.shape[-1] ** 0.5
        mixed = torch.einsum("hij,jhc->ihc", scores.softmax(-1), value).reshape(len(ids_T), 8)
        mixed = linear(f"{own}.self_attn.out_proj", mixed)
        states = normed(f"{own}.self_attn_layer_norm", states + mixed)
        hidden = functional.gelu(linear(f"{own}.fc1", states))
        states = normed(f"{own}.final_layer_norm", states + linear(f"{own}.fc2", hidden))
    head = functional.gelu(linear("decoder.lm_head.dense", states))
    head = normed("decoder.lm_head.layer_norm", head)
    return linear("decoder.lm_head", head)


def sapiens_wheel(folder: Path, weights: dict[str, torch.Tensor], **options: Any) -> Path:
    given = {"encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_embed_dim": 12}
    given |= {"activation_fn": "gelu", "dropout": 0.1, "attention_dropout": 0.1} | options
    content = {"args": argparse.Namespace(**given), "model": weights}
    files = {
        "sapiens/models/v1/dict.txt": "".join(f"{each} 1\n" for each in LETTERS).encode(),
        "sapiens/models/v1/checkpoint_vl.pt": saved(content),
    }
    return wheel(folder, "sapiens-1.0.5", files)


@torch.no_grad()
def test_a_roberta_of_fairseq_answers_as_fairseq_would(tmp_path):
    weights = fairseq_weights()
    sapiens_wheel(tmp_path, weights)
    model, tokenizer = opened("sapiens-vl", tmp_path)
    batch = tokenizer("DIQ<mask>", return_tensors="pt")
    ids_T = batch["input_ids"][0]
    assert ids_T.tolist() == [0, *(4 + LETTERS.index(each) for each in "DIQ"), 24, 2]
    expected = fairseq_logits(weights, ids_T)
    assert expected.std() > 0.5
    torch.testing.assert_close(model(**batch).logits[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"decoder.lm_head.bias": None}, {}, r"lack lm_head\.bias, .*nothing\."),
        ({"decoder.other": torch.ones(1)}, {}, r"beyond the model's, decoder\.other\."),
        ({"decoder.lm_head.weight": torch.ones(25, 8)}, {}, "stored twice with different values"),
        ({}, {"activation_fn": "relu"}, "its activation is 'relu', not 'gelu'"),
    ],
)
def test_other_weights_are_refused(change, options, message, tmp_path):
    weights = {**fairseq_weights(), **change}
    kept = {name: each for name, each in weights.items() if each is not None}
    sapiens_wheel(tmp_path, kept, **options)
    with pytest.raises(ValueError, match=message):
        opened("sapiens-vl", tmp_path)


def test_what_was_not_downloaded_or_is_broken_is_said_with_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"pip download --no-deps .* rxnfp==0\.1\.0 -d"):
        opened("rxnfp", tmp_path)
    (tmp_path / "rxnfp-0.1.0-py3-none-any.whl").write_text("half")
    with pytest.raises(ValueError, match="is no whole rxnfp"):
        opened("rxnfp", tmp_path)
    wheel(tmp_path, "rxnfp-0.1.0", {"rxnfp/__init__.py": b""})
    with pytest.raises(ValueError, match=r"no whole rxnfp: .*vocab\.txt"):
        opened("rxnfp", tmp_path)


def test_a_vocabulary_without_a_token_that_it_needs_is_refused():
    from pattern_tokenizer import BERT, RESIDUE, pattern_tokenizer  # pyright: ignore[reportMissingImports]

    with pytest.raises(ValueError, match=r"has no \[HEAVY\], \[MASK\]\."):
        pattern_tokenizer([*SPECIAL[:4], "A"], RESIDUE, BERT, before=["[HEAVY]"])


def test_a_reaction_is_cut_into_atoms_bonds_and_rings():
    from pattern_tokenizer import ATOM  # pyright: ignore[reportMissingImports]

    reaction = "C[C@@H](Br)%12CCl.[Na+]>>N#C%12"
    parts = ["C", "[C@@H]", "(", "Br", ")", "%12", "C", "Cl", ".", "[Na+]", ">>", "N", "#", "C"]
    assert re.findall(ATOM, reaction) == [*parts, "%12"]


def text_packages(folder: Path) -> None:
    """Packages of texts: two heavy chains, one of them twice, a light one; three reactions."""
    heavy = ">a\nGAAGTGCAG\nctg\n>b\nGAAGTGCAGCTG\n>c\nCAGGTTTAA\n>d\nCAAGTTCAGTGG\n"
    folder_of = "abstar/test_data/test_hiv_bnab_"
    files = {f"{folder_of}hcs.fasta": heavy.encode(), f"{folder_of}lcs.fasta": b">l\nGATATTCAA"}
    wheel(folder, "abstar-0.8.0", files)
    rows = [
        ("CC.[Na+]>>CO", "test"),
        ("C>>C", "train"),
        ("CC.[Na+]>>CO", "test"),
        (f"{'C' * 147}>>OO", "test"),  # a sign too many
        ("O>>Cl", "test"),
    ]
    table = "\trxn\tsplit\n" + "".join(
        f"{i}\t{rxn}\t{part}\n" for i, (rxn, part) in enumerate(rows)
    )
    source(folder, "drfp-0.3.7", {"data/schneider50k.tsv": table.encode()})


def test_texts_are_proteins_of_whole_genes_and_reactions_of_the_test_part(tmp_path):
    from texts import CODE, texts  # pyright: ignore[reportMissingImports]

    text_packages(tmp_path)
    assert texts(tmp_path, "heavy") == ["EVQL", "QVQW"]  # not the one with a stop
    assert texts(tmp_path, "chains") == ["EVQL", "QVQW", "DIQ"]
    assert texts(tmp_path, "reactions") == ["CC.[Na+]>>CO", "O>>Cl"]
    assert len(CODE) == 64
    assert "".join(sorted({*CODE.values()})) == "*" + LETTERS
    assert (CODE["ATG"], CODE["TGG"], CODE["AGC"]) == ("M", "W", "S")


def test_blosum62_is_the_published_one():
    from blosum import BLOSUM62, RESIDUES  # pyright: ignore[reportMissingImports]

    entry = {(a, b): BLOSUM62[i, j] for i, a in enumerate(RESIDUES) for j, b in enumerate(RESIDUES)}
    assert (BLOSUM62 == BLOSUM62.T).all()
    assert BLOSUM62.diagonal().tolist() == [
        *(4, 5, 6, 6, 9, 5, 5, 6, 8, 4, 4, 5, 5, 6, 7, 4, 5, 11, 7, 4)
    ]
    known = {"WY": 2, "IV": 3, "LM": 2, "DE": 2, "KR": 2, "FY": 3, "HY": 2, "CW": -2, "GI": -4}
    assert {pair: entry[pair[0], pair[1]] for pair in known} == known
    assert BLOSUM62[np.tril_indices(20, -1)].min() == -4
    assert BLOSUM62.sum() == -426  # as in Biopython's, which it is entry by entry


def test_errors_like_blosum_agree():
    from blosum import BLOSUM62, blosum_agreement, similar_answers  # pyright: ignore[reportMissingImports]

    generator = np.random.default_rng(1)
    rates_R, answers_R = generator.uniform(0.2, 5, (2, 20))
    errors_RR = 2e4 * np.outer(rates_R, answers_R) * 2.0 ** (BLOSUM62 / 2)
    np.fill_diagonal(errors_RR, 0)
    rho, chance = blosum_agreement(errors_RR.astype(int))
    assert rho > 0.8  # what is typical of a residue alone is not counted: 1 cannot be reached
    assert chance == 1 / 2001
    plain_RR = 2e4 * 2.0 ** (BLOSUM62 / 2)
    assert similar_answers(plain_RR.astype(int)) == sum(np.sort(row)[-2] > 0 for row in BLOSUM62)


def test_independent_errors_have_no_log_odds_whatever_their_sums():
    from blosum import error_log_odds  # pyright: ignore[reportMissingImports]

    rates_R, answers_R = np.random.default_rng(1).uniform(0.2, 5, (2, 20))
    errors_RR = 1e5 * np.outer(rates_R, answers_R)
    np.testing.assert_allclose(error_log_odds(errors_RR)[np.tril_indices(20, -1)], 0, atol=1e-4)


def test_the_correlation_is_spearmans_and_p_that_of_all_permutations_made():
    from blosum import BLOSUM62, blosum_agreement, error_log_odds  # pyright: ignore[reportMissingImports]

    errors_RR = np.random.default_rng(2).poisson(2.0 ** (BLOSUM62 / 4) * 3)
    pairs = np.tril_indices(20, -1)
    rho, chance = blosum_agreement(errors_RR, num_permutations=50, seed=7)
    odds_P, generator = error_log_odds(errors_RR)[pairs], np.random.default_rng(7)
    assert rho == pytest.approx(spearmanr(odds_P, BLOSUM62[pairs])[0])
    orders = [generator.permutation(20) for _ in range(50)]
    permuted = [spearmanr(odds_P, BLOSUM62[np.ix_(each, each)][pairs])[0] for each in orders]
    assert chance == (1 + sum(each >= rho - 1e-9 for each in permuted)) / 51


def test_errors_that_know_no_chemistry_agree_by_chance_alone():
    from blosum import blosum_agreement, error_log_odds  # pyright: ignore[reportMissingImports]

    generator = np.random.default_rng(3)
    drawn = []
    for _ in range(30):
        rates_R, answers_R = generator.gamma(2, size=(2, 20))
        errors_RR = generator.poisson(3 * np.outer(rates_R, answers_R))
        drawn.append(blosum_agreement(errors_RR, num_permutations=99))
    rhos, chances = np.array(drawn).T
    assert abs(rhos.mean()) < 3 * rhos.std() / 30**0.5
    assert abs(chances.mean() - 0.5) < 3 * (1 / 12 / 30) ** 0.5  # uniform
    rho, chance = blosum_agreement(np.zeros((20, 20), int))
    assert np.isnan(rho)
    assert chance == 1
    np.testing.assert_allclose(error_log_odds(np.ones((20, 20), int)), 0, atol=1e-12)


def test_a_guess_by_position_is_what_most_others_have_there():
    from blosum import RESIDUES  # pyright: ignore[reportMissingImports]
    from position_guess import position_confusion  # pyright: ignore[reportMissingImports]

    # At 1 C sees D twice, and each D one C and one D, of which C is the first letter.
    confusion_RR = position_confusion(["AC", "AD", "AD", "AXG"])
    pairs = {
        (RESIDUES[i], RESIDUES[j]): int(confusion_RR[i, j])
        for i, j in zip(*confusion_RR.nonzero(), strict=True)
    }
    assert pairs == {("A", "A"): 4, ("C", "D"): 1, ("D", "C"): 2}
    assert position_confusion([]).sum() == 0


def run(folder: Path, *options: str) -> None:
    import measure  # pyright: ignore[reportMissingImports]

    measure.main(["--wheels", str(folder), "--output_folder", str(folder / "out"), *options])


def test_a_measurement_leaves_a_record_and_a_model_once(tmp_path, capsys, monkeypatch):
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    text_packages(tmp_path)
    wheel(tmp_path, "antiberty-0.1.3", antiberty_files()[1])
    run(tmp_path, "--only", "antiberty", "--realisations", "40")
    record = json.loads((tmp_path / "out" / "antiberty.json").read_text())
    assert (record["class"], record["num_texts"]) == ("BertForMaskedLM", 3)
    assert record["command"].endswith("--only antiberty --realisations 40")
    assert [*record["archives"]] == [
        *("antiberty-0.1.3-py3-none-any.whl", "abstar-0.8.0-py3-none-any.whl")
    ]
    assert len(record["depths"]) == 3
    last = record["depths"][-1]
    hits = round(last["accuracy"][0] * record["num_asked"])
    assert last["blosum"]["num_errors"] <= record["num_asked"] - hits
    assert sum(row > 0 for row in record["never_right"].values()) == len(record["never_right"])
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "out" / "antiberty")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out" / "antiberty")
    assert tokenizer("EV")["input_ids"] == [2, 8, 22, 3]
    assert model.config.vocab_size == 25
    capsys.readouterr()
    monkeypatch.setattr("measure.measured", None)
    run(tmp_path, "--only", "antiberty")
    assert capsys.readouterr().out.startswith("antiberty: done")


def test_rows_of_tokens_stand_beside_those_of_unused_ids(tmp_path):
    text_packages(tmp_path)
    expected, files = rxnfp_files()
    wheel(tmp_path, "rxnfp-0.1.0", files)
    run(tmp_path, "--only", "rxnfp", "--realisations", "100")
    record = json.loads((tmp_path / "out" / "rxnfp.json").read_text())
    rows, token = record["rows"]["tokens"], SMILES.index("[Na+]")
    embeddings = expected.bert.embeddings.word_embeddings.weight
    assert rows["[Na+]"]["norm"] == pytest.approx(embeddings[token].norm().item(), abs=6e-4)
    bias = expected.cls.predictions.bias[token].item()
    assert rows["[Na+]"]["bias"] == pytest.approx(bias, abs=6e-4)
    assert rows["[Na+]"]["asked"] >= 10
    assert rows["[UNK]"]["asked"] == 0
    assert rows["[UNK]"]["answers"] == {}
    for name, row in rows.items():
        numbers = list(row["answers"].values())
        assert numbers == sorted(numbers, reverse=True)
        assert row["answers"].get(name, 0) in (row["right"], 0)
        assert sum(numbers) <= row["asked"]
        assert len(numbers) == 3 or sum(numbers) == row["asked"]
    assert "blosum" not in record["depths"][0]


def test_answers_to_a_token_are_those_given_at_its_own_positions():
    """Counted by hand: what C was taken for, not what was taken for C."""
    from figures import of_counts  # pyright: ignore[reportMissingImports]

    carbon, oxygen, dot, chlorine = map(SMILES.index, ("C", "O", ".", "Cl"))
    asked = {
        carbon: [oxygen] * 6 + [dot] * 4 + [carbon] * 3 + [chlorine],
        oxygen: [carbon] * 11,
        dot: [carbon] * 9 + [oxygen],
    }
    pairs = [(token, answer) for token, answers in asked.items() for answer in answers]
    references_N, predictions_N = np.array(pairs).T
    counts = DepthCounts.empty(1, len(SMILES))
    counts.update(references_N, predictions_N[None], np.zeros(len(pairs), int))
    model, _ = rxnfp_files()
    rows = of_counts(counts, model, SMILES, counts.support())["rows"]["tokens"]
    assert {name: (row["asked"], row["right"], row["answers"]) for name, row in rows.items()} == {
        "C": (14, 3, {"O": 6, ".": 4, "C": 3}),
        "O": (11, 0, {"C": 11}),
        ".": (10, 0, {"C": 9, "O": 1}),
        "[UNK]": (0, 0, {}),
    }


@torch.no_grad()
def test_of_an_encoder_without_a_head_rows_and_likeness_of_depths_are_said(tokenizer):
    from states import of_states  # pyright: ignore[reportMissingImports]
    from transformers import BertConfig, BertModel

    config = BertConfig(**{**SIZES, "vocab_size": len(tokenizer), "num_hidden_layers": 1})
    model = randomised(BertModel(config, add_pooling_layer=False))
    for name in ("attention.output", "output"):  # a block that adds nothing
        for part in ("weight", "bias"):
            model.get_parameter(f"encoder.layer.0.{name}.dense.{part}").zero_()
        model.get_parameter(f"encoder.layer.0.{name}.LayerNorm.weight").fill_(1)
        model.get_parameter(f"encoder.layer.0.{name}.LayerNorm.bias").zero_()
    model.get_parameter("embeddings.LayerNorm.weight").fill_(1)
    model.get_parameter("embeddings.LayerNorm.bias").zero_()
    record = of_states(model, tokenizer, ["w1 w2 w3 w4", "w2 w3 w1", "w3 w3 w4 w2 w1"])
    assert record["cka_with_before"] == [[pytest.approx(1), pytest.approx(0, abs=1e-5)]]
    assert record["cka_with_last"][1] == [1, 0]
    assert record["num_states"] > 4
    norms = record["norms"]["in_the_text"]
    assert norms["num"] == 6  # four words, [CLS], [SEP]
    assert norms["quartiles"] == sorted(norms["quartiles"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "gpt"], "there is no gpt: there are antiberty"),
        (["--realisations", "0"], "--realisations must be at least 1, got 0"),
        (["--num_texts", "0"], "--num_texts must be at least 1, got 0"),
    ],
)
def test_what_a_user_can_mend_is_said_before_all_work(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, *options)
    assert not [*tmp_path.iterdir()]
