"""The examples run as a user would run them, on tiny models of the layouts that they expect."""

import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"
ANTIBODIES = EXAMPLES / "measure_antibody_model.py"
CHAINS = Path(__file__).parent / "germline_like.fasta"
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
STORED = "antiberty/trained_models/AntiBERTy_md_smooth"


@pytest.fixture(scope="module")
def example():
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("measure_antibody_model", ANTIBODIES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A folder with the package's files: a random BERT of two blocks, 16 wide, and other heads."""
    from transformers import BertConfig, BertForPreTraining

    folder = tmp_path_factory.mktemp("package")
    stored = folder / STORED
    stored.mkdir(parents=True)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (stored.parent / "vocab.txt").write_text("\n".join([*special, *RESIDUES]))  # no last line end
    sizes: dict[str, Any] = {
        **{"vocab_size": 25, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2},
        **{"intermediate_size": 32, "max_position_embeddings": 110},
    }
    (stored / "config.json").write_text(json.dumps(sizes | {"architectures": ["AntiBERTy"]}))
    torch.manual_seed(5)
    weights = BertForPreTraining(BertConfig(**sizes, initializer_range=0.5)).state_dict()
    weights = {key: value for key, value in weights.items() if "seq_relationship" not in key}
    weights["bert.embeddings.position_ids"] = torch.arange(110)[None]
    for name, size in (("species", 6), ("chain", 2), ("graft", 2)):
        weights[f"cls.{name}.weight"] = torch.randn(size, 16)
        weights[f"cls.{name}.bias"] = torch.randn(size)
    torch.save(weights, stored / "pytorch_model.bin")
    return folder


@pytest.fixture(scope="module")
def wheel(package, tmp_path_factory) -> Path:
    """A wheel: the files of the package, zipped."""
    archive = tmp_path_factory.mktemp("wheel") / "antiberty-0.1.3-py3-none-any"
    zipped = Path(shutil.make_archive(str(archive), "zip", package))
    return zipped.rename(archive.with_name(f"{archive.name}.whl"))


@pytest.fixture
def changed(package, tmp_path):
    """A copy of the package with other weights."""

    def copy(**weights: torch.Tensor | None) -> Path:
        folder = tmp_path / "changed"
        shutil.copytree(package, folder)
        file = folder / STORED / "pytorch_model.bin"
        stored = torch.load(file) | {key.replace("__", "."): each for key, each in weights.items()}
        torch.save({key: each for key, each in stored.items() if each is not None}, file)
        return folder

    return copy


def test_the_example_runs_as_its_docstring_says(wheel, tmp_path):
    arguments = ["--wheel", wheel, "--fasta", CHAINS, "--output_dir", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, ANTIBODIES, *arguments, "--realisations", "2"],
        cwd=tmp_path,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, header, *rows = done.stdout.splitlines()
    assert re.match(
        r"18 chains, \d+ positions asked; .* 0\.0% are unknown, 0\.0% beyond 103", first
    )
    assert header.split()[0] == "depth"
    assert [row[:10].strip() for row in rows] == ["embeddings", "block 1", "block 2"]
    assert all(len(re.findall(r"\d\.\d{3}", row)) == 7 for row in rows)


def test_the_model_it_leaves_is_the_stored_one_for_everybody(example, package, wheel, monkeypatch):
    from hf_apt.data.tokenizer import load_tokenizer
    from hf_apt.models.loading import load_masked_lm

    output = wheel.parent / "left"
    _run(example, monkeypatch, wheel=wheel, output_dir=output)
    model, tokenizer = load_masked_lm(str(output / "model")), load_tokenizer(str(output / "model"))
    stored = torch.load(package / STORED / "pytorch_model.bin")
    assert type(model).__name__ == "BertForMaskedLM"
    assert all(torch.equal(stored[key], each) for key, each in model.state_dict().items())
    assert tokenizer("EvQ l[MASK]X")["input_ids"] == [2, 8, 22, 18, 14, 4, 1, 3]
    assert tokenizer.convert_ids_to_tokens([5, 24]) == ["A", "Y"]
    _run(example, monkeypatch, wheel=package, output_dir=output)  # again, of the installed package


def test_longer_chains_are_cut_and_it_is_told(example, wheel, tmp_path, monkeypatch, capsys):
    fasta = tmp_path / "long.fasta"
    fasta.write_text(">long\n" + RESIDUES.lower() * 6 + "\n>x\n" + RESIDUES + "XX\n")
    _run(example, monkeypatch, wheel=wheel, fasta=fasta, output_dir=tmp_path / "out")
    assert "1.4% are unknown, 8.5% beyond 110 tokens." in capsys.readouterr().out  # 2, 12 of 142


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (">dna\nACGTACGTNN\nacgt\n", "holds 'ACGNT': give amino acids"),
        (">aligned\nQVQL-VQS.A*\n", r"holds '\*-\.ALQSV': give amino acids"),
        (">nothing\n", "holds '': give amino acids"),
        ("QVQLVQS\n", "line 1 comes before the first header"),
    ],
)
def test_what_is_no_chain_is_refused_before_all_work(
    example, lines, message, tmp_path, monkeypatch
):
    fasta = tmp_path / "strange.fasta"
    fasta.write_text(lines)
    with pytest.raises(ValueError, match=message):
        _run(example, monkeypatch, wheel=tmp_path / "not read", fasta=fasta, output_dir=tmp_path)


def test_other_weights_are_refused(example, changed):
    missing = changed(cls__predictions__bias=None)
    with pytest.raises(ValueError, match=r"Missing key.*cls\.predictions\.bias"):
        example.converted(str(missing))


def test_weights_of_something_else_are_refused(example, changed):
    further = changed(cls__affinity__weight=torch.zeros(1))
    with pytest.raises(ValueError, match=r"Unexpected key.*cls\.affinity"):
        example.converted(str(further))


def test_a_decoder_of_its_own_is_refused(example, changed):
    untied = changed(cls__predictions__decoder__weight=torch.zeros(25, 16))
    with pytest.raises(ValueError, match="is not its embeddings"):
        example.converted(str(untied))


def test_what_is_no_wheel_is_named(example, tmp_path):
    (tmp_path / "text.whl").write_text("no archive")
    for name in ("text.whl", "missing.whl", "."):
        with pytest.raises(ValueError, match=r"is no whole wheel of antiberty 0\.1\.3"):
            example.packaged(str(tmp_path / name), "vocab.txt")


def test_a_folder_of_somebody_else_is_left_alone(example, wheel, tmp_path, monkeypatch):
    (tmp_path / "out" / "model").mkdir(parents=True)
    (tmp_path / "out" / "model" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"thesis\.txt"):
        _run(example, monkeypatch, wheel=wheel, output_dir=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*.*") if path.is_file()] == [
        "thesis.txt"
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"realisations": 0}, "num_realisations must be a whole number of at least 1, got 0"),
        ({"output_dir": CHAINS}, "File exists"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(wheel, options, message, monkeypatch):
    arguments = {"wheel": wheel, "fasta": CHAINS} | options
    parts = [part for name, each in arguments.items() for part in (f"--{name}", str(each))]
    monkeypatch.setattr("sys.argv", ["example", *parts])
    with pytest.raises(SystemExit, match=rf"^measure_antibody_model\.py: .*{message}"):
        runpy.run_path(str(ANTIBODIES), run_name="__main__")


def _run(example, monkeypatch, fasta=CHAINS, **options):
    arguments = [part for name, each in options.items() for part in (f"--{name}", str(each))]
    monkeypatch.setattr("sys.argv", ["example", "--fasta", str(fasta), *arguments])
    example.main()


TWO_CLASSES = np.array([0, 0, 1, 1])


def product_of(rows, columns):
    """Errors of independent answers: rows times columns, without a diagonal."""
    return np.outer(rows, columns) * (1 - np.eye(len(rows), dtype=int))


def test_equal_errors_are_within_classes_as_often_as_expected(example):
    share, expected = example.class_share(np.ones((4, 4), int), TWO_CLASSES)
    assert (share.value, share.num) == (4 / 12, 12)
    assert expected == pytest.approx(4 / 12)


def test_errors_within_classes_alone(example):
    matrix = np.kron(np.eye(2, dtype=int), np.array([[90, 5], [5, 90]]))
    share, expected = example.class_share(matrix, TWO_CLASSES)
    assert (share.value, share.standard_error, share.num) == (1, 0, 20)
    assert expected == pytest.approx(1 / 3)


def test_what_is_expected_is_told_by_the_sums_alone(example):
    """Moving errors into classes without changing a sum raises the share, not what is expected."""
    matrix = product_of([1, 2, 3, 4], [1, 1, 2, 2])  # 33 errors: 1 + 2 + 6 + 8 within
    share, expected = example.class_share(matrix, TWO_CLASSES)
    num = matrix.sum()
    within = matrix[0, 1] + matrix[1, 0] + matrix[2, 3] + matrix[3, 2]
    assert share.value == within / num
    assert expected == pytest.approx(within / num)
    for row, answer, sign in ((0, 1, 1), (0, 2, -1), (3, 1, -1), (3, 2, 1)):
        matrix[row, answer] += sign
    share, still = example.class_share(matrix, TWO_CLASSES)
    assert share.value == (within + 2) / num
    assert still == pytest.approx(expected)


def test_tokens_without_a_class_are_in_none(example):
    share, expected = example.class_share(np.ones((4, 4), int), np.array([0, 0, -1, -1]))
    assert share.value == 2 / 12
    assert expected == pytest.approx(2 / 12)


def test_no_errors_have_no_share(example):
    share, expected = example.class_share(np.diag([3, 2, 1, 0]), TWO_CLASSES)
    assert share.num == 0
    assert np.isnan([share.value, expected]).all()


def test_classes_hold_each_amino_acid_once(example):
    assert sorted("".join(example.CLASSES)) == sorted(RESIDUES)


def test_the_list_of_examples_is_whole():
    listed = re.findall(r"^\| `(\w+\.py)` \|", (EXAMPLES / "README.md").read_text(), re.M)
    assert sorted(listed) == sorted(path.name for path in EXAMPLES.glob("*.py"))
