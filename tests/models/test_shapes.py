"""Laws of the named models: their sizes are the paper's, and a run by name is one of that model."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from hf_apt import cli
from hf_apt.cli.run_options import run_options
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.hub.publication import checkpoint_publication
from hf_apt.models.description import describe
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import BERT_6, SHAPES, ConvShape, ModelShape, shape_like
from hf_apt.records.run import Run

# Of the masked-LM models, decoder tied; what a front-end adds is counted by itself.
BERT_1 = 31_252_794
NUM_PARAMETERS = {
    "bert-6": 66_692_154,
    "bert-1": BERT_1,
    "bert-1-wide": 77_810_490,
    "bert-1-conv2": BERT_1 + 37_891,
    "bert-1-conv2-8heads": 19_141_434 + 37_891,
    "bert-1-conv3": BERT_1 + 19_043,
    "bert-1-conv2-tall": BERT_1 + 200_131,
}


def on_meta(shape: ModelShape, vocab_size: int = 30_522, sequence_length: int = 128):
    tokens = SimpleNamespace(
        description=SimpleNamespace(
            vocab_size=vocab_size, sequence_length=sequence_length, pad_id=0
        )
    )
    with torch.device("meta"):
        return new_model(shape, tokens, seed=0)


@pytest.mark.parametrize("name", SHAPES)
def test_every_named_model_has_the_papers_number_of_parameters(name):
    assert on_meta(SHAPES[name]).num_parameters() == NUM_PARAMETERS[name]


def test_all_widths_are_64_for_each_head():
    assert len(SHAPES) == len(NUM_PARAMETERS) == 7
    assert all(shape.hidden_size == 64 * shape.num_heads for shape in SHAPES.values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bert-6", ("BERT-6", ["embeddings", *(f"block {block}" for block in range(1, 7))])),
        ("bert-1-wide", ("BERT-1", ["embeddings", "block 1"])),
        ("bert-1-conv3", ("BERT-1 + conv", ["embeddings", "conv", "block 1"])),
    ],
)
def test_a_model_is_called_by_its_blocks(name, expected):
    model = on_meta(SHAPES[name])
    description = describe(model, "somebody/something", len(expected[1]))
    assert (description["name"], description["depths"]) == expected
    assert description["num_parameters"] == NUM_PARAMETERS[name]
    assert description.get("conv") == (
        {"num_layers": 3, "num_channels": 32, "kernel": [3, 3]} if "conv" in name else None
    )
    model.config.model_type = "roberta"
    assert describe(model, "somebody/something", 2)["name"] == "somebody/something"


# At the size of a recipe.


@pytest.mark.parametrize("name", SHAPES)
def test_at_the_papers_size_it_is_the_papers_model(name):
    assert shape_like(name, BERT_6) == SHAPES[name]


@pytest.mark.parametrize(
    ("recipe", "name", "expected"),
    [
        ("narrow", "bert-6", (128, 4, 6, None)),
        ("narrow", "bert-1", (128, 4, 1, None)),
        ("narrow", "bert-1-wide", (256, 8, 1, None)),
        ("narrow", "bert-1-conv2", (128, 4, 1, (2, 11, (3, 3)))),
        ("narrow", "bert-1-conv2-8heads", (96, 3, 1, (2, 11, (3, 3)))),  # 2.67 heads, rounded
        ("narrow", "bert-1-conv3", (128, 4, 1, (3, 5, (3, 3)))),
        ("narrow", "bert-1-conv2-tall", (128, 4, 1, (2, 11, (16, 3)))),
        ("paper", "bert-1-conv2-8heads", (512, 8, 1, (2, 64, (3, 3)))),
        ("paper", "bert-1-wide", (1536, 24, 1, None)),
        ("demo", "bert-1-conv3", (64, 4, 1, (3, 4, (3, 3)))),  # never fewer than 4 channels
    ],
)
def test_a_name_gives_blocks_ratio_of_heads_and_front_end(recipe, name, expected):
    corpus = "planted" if recipe == "demo" else "x/y"
    plain, _ = run_options(corpus=corpus, recipe=recipe)
    config, _ = run_options(corpus=corpus, recipe=recipe, model=name)
    shape = config.shape
    conv = shape.conv and (shape.conv.num_layers, shape.conv.num_channels, shape.conv.kernel)
    assert (shape.hidden_size, shape.num_heads, shape.num_blocks, conv) == expected
    size = {"hidden_size": 0, "num_heads": 0, "num_blocks": 0, "conv": None}
    assert replace(config, shape=replace(shape, **size)) == replace(
        plain, shape=replace(plain.shape, **size)
    ), "nothing else changes"


def test_what_is_asked_for_by_number_wins():
    config, _ = run_options(
        corpus="x/y", model="bert-1-conv2", hidden_size=60, num_heads=5, num_blocks=2
    )
    shape = config.shape
    assert (shape.hidden_size, shape.num_heads, shape.num_blocks) == (60, 5, 2)
    assert shape.conv == ConvShape(num_channels=11)
    assert isinstance(config.corpus, CorpusSource)


def test_an_unknown_name_is_answered_with_those_that_are():
    with pytest.raises(ValueError, match="there is no model 'bert-7': choose one of bert-6, ") as e:
        run_options(model="bert-7")
    assert all(name in str(e.value) for name in SHAPES)


def test_help_names_them_all():
    import inspect

    text = inspect.signature(run_options).parameters["model"].annotation.__metadata__[0].help
    assert all(name in text for name in SHAPES)


# A run.


@pytest.fixture(scope="module")
def conv_run(tmp_path_factory) -> tuple[Run, str]:
    """`hf-apt run --model bert-1-conv2` on little planted text, and what it printed."""
    import contextlib
    import io

    import hf_apt.runs.recipes

    demo = hf_apt.runs.recipes.demo_recipe()
    tiny = replace(
        demo,
        corpus=replace(demo.corpus, num_documents=200, num_validation_documents=48),
        heads=replace(demo.heads, num_steps=2),
        finetune=None,
    )
    folder = tmp_path_factory.mktemp("shapes") / "run"
    size = ["--hidden-size=16", "--num-heads=2", "--steps=4", "--batch-size=8"]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setenv("TRANSFORMERS_VERBOSITY", "error")  # which a command leaves set
        patch.setattr(hf_apt.runs.recipes, "demo_recipe", lambda **_: tiny)
        patch.setattr(
            sys, "argv", ["hf-apt", "run", "--model=bert-1-conv2", *size, "-o", str(folder)]
        )
        with contextlib.suppress(SystemExit):
            cli.main()
    return Run(folder), printed.getvalue()


def test_a_run_by_name_says_what_it_is(conv_run):
    run, printed = conv_run
    summary = run.read_json("summary.json")
    assert summary["title"] == "BERT-1 + conv on planted"
    assert [len(depths) for depths in summary["readouts"].values()] == [3, 3, 3, 1]
    assert summary["model"]["depths"] == ["embeddings", "conv", "block 1"]
    assert run.read_json("config.json")["shape"]["conv"] == {
        "num_layers": 2,
        "num_channels": 5,
        "kernel": [3, 3],
    }
    depths = ("embeddings", "conv", "block 1", "ceiling")
    lines = [line for line in printed.splitlines() if " ± " in line]
    rows = [line[:10].rstrip() for line in lines if line.startswith(depths)]
    assert rows == [
        *("embeddings", "conv", "block 1", "ceiling"),
        *("embeddings", "conv", "block 1", "ceiling"),
        *("embeddings", "conv", "block 1"),  # the measures of both heads
        *("embeddings", "conv", "block 1"),
    ]
    page = run.path("report.html").read_text()
    assert "BERT-1 + conv (1 block, 2 convolutions of 3 positions by 3 units and 5 channels" in page
    assert "conv between the two, after the convolutions" in page
    assert "block\xa02" not in page
    assert "BERT-6" not in page


def test_its_card_and_parcel_carry_the_name_and_the_code(conv_run):
    from hf_apt.hub.card import card_files
    from hf_apt.hub.card_options import CardOptions

    run, _ = conv_run
    files = card_files(run, CardOptions(repo="owner/bert-1-conv"))
    card = files["README.md"].decode()
    body = card.partition("\n---\n")[2]
    assert "BERT-1 + conv, a BERT encoder of 1 block (" in body
    assert "stand 2 convolutions of 3 positions by 3 units with 5" in body
    assert "| conv |" in body
    assert "BertForMaskedLM" not in body
    assert "BERT-6" not in body
    assert "- bert_conv" in card
    publication = checkpoint_publication(run, files)
    assert publication.left_out == ()
    code = {name for name in publication.files if name.endswith(".py")}
    assert code == {
        *("configuration_bert6.py", "modeling_bert6.py"),
        *("configuration_bert_conv.py", "modeling_bert_conv.py"),
    }


def test_finetuning_names_its_depths(conv_run, tmp_path):
    from hf_apt.cli.tables import accuracy
    from hf_apt.data.tasks.task_config import TaskConfig
    from hf_apt.depths.feature_config import FeatureConfig
    from hf_apt.studies.block_accuracy import BlockAccuracyConfig, measure_blocks
    from hf_apt.training.finetune_config import FinetuneConfig

    run, _ = conv_run
    words = run.vocabulary()[5:25]
    data = tmp_path / "rows.csv"
    rows = [f"{words[i % 20]} {words[(3 * i) % 20]},{'ab'[i % 2]}" for i in range(40)]
    data.write_text("\n".join(["text,label", *rows]))
    record = measure_blocks(
        str(run.path("checkpoint")),
        BlockAccuracyConfig(
            task=TaskConfig(name=str(data), train_per_class=8, test_per_class=6),
            features=FeatureConfig(sequence_length=12, poolings=("mean",)),
            finetune=FinetuneConfig(num_epochs=1, batch_size=8, sequence_length=12),
            probes=("linear",),
        ),
        Run(tmp_path / "out"),
    )
    assert record["depths"] == ["embeddings", "conv", "block 1"]
    for table in accuracy.tables(record):
        assert list(table.columns[0].cells) == record["depths"]
    assert len(record["models"]["pretrained"]["finetuned"]["mean"]["linear"]) == 3


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (
            ModelShape(hidden_size=9, num_heads=3, sinusoidal_positions=True),
            "choose an even --hidden-size",
        ),
        (ModelShape(num_heads=0), "num_heads must be a whole number of at least 1, got 0"),
        (ModelShape(num_blocks=-1), "num_blocks must be a whole number of at least 1, got -1"),
        (ModelShape(dropout=1.0), "dropout must be less than 1, got 1.0"),
        (ModelShape(initializer_range=0.0), "initializer_range must be a finite number above 0"),
    ],
)
def test_a_shape_that_no_model_can_have_is_refused_in_python_too(shape, sentence):
    with pytest.raises(ValueError, match=sentence):
        on_meta(shape)
