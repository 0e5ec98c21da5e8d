"""What the page says of tasks: the figures on record, all that is there and nothing that is not."""

from __future__ import annotations

import copy
import re
import shutil
from html import unescape

import pytest
from finished import NUM_DEPTHS
from finished_tasks import committee_record, confidence_record, estimate, line, task_record
from markupsafe import Markup
from synthetic_runs import Page

from hf_apt.records.run import Run
from hf_apt.records.run_records import RunRecords
from hf_apt.records.schemas import BLOCK_ACCURACY
from hf_apt.report import rendered, write_report
from hf_apt.report.axes import names_beside, plain_figure
from hf_apt.report.tasks.content import tasks_content

LOOKS_AT_CHARTS = True


@pytest.fixture
def run(finished_run, tmp_path) -> Run:
    """A copy that may be changed."""
    shutil.copytree(finished_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


@pytest.fixture
def said(monkeypatch):
    """What the section says of a run's tasks: its text. Nothing is drawn, which takes seconds."""

    def text(run: Run) -> str:
        with monkeypatch.context() as patched:
            for module in ("accuracy", "confidence", "committee"):
                for name in ("both_widths", "page_svg"):
                    where = f"hf_apt.report.tasks.{module}.{name}"
                    patched.setattr(where, lambda *_: Markup("<svg></svg>"), raising=False)
            return plain_text(section(run))

    return text


def section(run: Run) -> str:
    """The source of the section alone."""
    content = tasks_content(RunRecords(run))
    return rendered("sections/tasks.html.jinja", {"content": content})


def plain_text(source: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", source)).split())


def drawings(run: Run) -> dict[str, str]:
    """The texts in each figure of the section, at a desktop's width, by its description."""
    found = re.findall(
        r'<svg class="plot (?:wide|small)".*?aria-label="([^"]*)"[^>]*>(.*?)</svg>',
        section(run),
        re.S,
    )
    return {label: " ".join(re.findall(r">([^<>]+)</text>", body)) for label, body in found}


def test_without_a_record_there_is_no_section(run):
    assert run.finetuned() == run.committees() == {}
    assert tasks_content(RunRecords(run)) is None
    assert "Fine-tuned on tasks" not in Page(write_report(run)).text


def test_the_lead_and_the_tables_hold_the_figures_on_record(run, said):
    record = task_record(run)
    assert record["schema"] == BLOCK_ACCURACY
    text = said(run)
    for part in (
        "1,200 training and 345 test texts of 4 classes; chance is 0.250.",
        "Fine-tuned, the model is right on 0.811 ± 0.023 of the test texts.",
        "Without pre-training the same gives 0.611 ± 0.023: pre-training adds 0.200 ± 0.033.",
        "a linear head on the mean over tokens does best after block 2: 0.700 ± 0.012.",
        "Of the 4,321 distinct tokens in these texts 87.6 % occur in the pre-training corpus; of"
        " all 98,765 tokens 95.4 %.",
        "5 epochs of batches of 16 at 0.0003, the first 48 tokens of a text; ± is one standard"
        " error, binomial over the test texts of one seed.",
        "LogME +0.800 ± 0.210 +0.800 ± 0.210",
        "mean APT −0.400 ± 0.500 −0.400 ± 0.500",
        "Spearman's correlation over 4 depths",
    ):
        assert part in text, part
    own = run.read_json("summary.json")["readouts"]["own_head"]
    frozen, tuned = (record["models"]["pretrained"][name] for name in ("frozen", "finetuned"))
    for depth in range(NUM_DEPTHS):
        apt = own[depth]["mean_apt"]["pooled"]
        row = [apt]
        row += [part[pooling]["linear"][depth] for part in (frozen, tuned) for pooling in part]
        row.append(record["models"]["pretrained"]["cut"][depth])
        cells = [f"{cell['value']:.3f} ± {cell['standard_error']:.3f}" for cell in row]
        assert f"{record['depths'][depth]} {' '.join(cells)}" in text


def test_what_was_made_harder_is_said_beside_macro_f1(run, said):
    record = task_record(run)
    assert "made long-tailed" not in said(run)
    assert "macro F1" not in said(run)
    record["provenance"][0] |= {"imbalance": 100.0, "label_noise": 0.2}
    model = record["models"]["pretrained"]
    model["macro_f1"] = estimate(0.654, 0.012, 3)
    for protocol in ("frozen", "finetuned"):
        model[protocol]["mean"]["prototype_cosine"] = model[protocol]["mean"]["linear"]
    run.write_json(f"finetune/{record['task']}.json", record)
    text = said(run)
    assert (
        "The training texts were made long-tailed, the largest class 100 times the smallest; 20 %"
        " of their labels made wrong; the test texts were left as they are." in text
    )
    assert "of the test texts; its macro F1 is 0.654 ± 0.012." in text
    assert "class means by cosine neighbours class means by cosine neighbours" in text


def test_accuracy_stands_beside_mean_apt_on_one_depth_axis(run):
    task_record(run)
    drawn = drawings(run)["Accuracy on topics by depth, beside mean APT by depth"]
    for name in ("fine-tuned", "frozen", "cut", "chance", "own head", "linear head"):
        assert name in drawn, name
    assert drawn.count("untrained") == 2
    assert drawn.count("emb.") == drawn.count("depth (after block)") == 2


def test_confidence_is_said_with_its_interval_and_what_that_means(run, said):
    task_record(run)
    text = said(run)
    for part in (
        "has a slope of +0.136 (95 % interval −0.061 to +0.332): +0.014 of confidence for 0.1",
        "The interval includes 0.",
        "all texts +0.136 [−0.061, +0.332] +0.211 [−0.099, +0.521] 0.654",
        "within classes −0.025 [−0.123, +0.074] −0.039 [−0.199, +0.120] 0.629",
        "The noise is known of 91 % of the tokens.",
        "Pearson's correlation +0.099 ± 0.054",
        "Spearman's +0.088 ± 0.053",
        "on this run's held-out text",
        "known of 93 % of the tokens",
        "0.100 to 0.190 115 0.710 ± 0.020 0.780 ± 0.030",
        "The expected calibration error is 0.088.",
        "would show 0.046, and in 95 of 100 draws of labels no more than 0.065: it is not"
        " calibrated. On average it is too little confident.",
        "Brier score, over classes 0.234 ± 0.015",  # 0.2345 is a little less in binary
    ):
        assert part in text, part
    task_record(run, confidence=confidence_record(low=0.02))
    text = said(run)
    assert "The interval excludes 0: the better the model knows the tokens" in text
    assert "the more confident it is" in text


def test_a_record_without_slopes_within_classes_shows_none(run, said):
    """Earlier versions wrote such records."""
    record = confidence_record()
    del record["within_class_slope"], record["corrected"]
    task_record(run, confidence=record)
    text = said(run)
    assert "has a slope of +0.136" in text
    assert "within classes" not in text
    assert "reliability" not in text


def test_noise_read_off_positions_is_said_to_be_so(run, said):
    record = confidence_record()
    task_record(run, confidence=record)
    assert "as if they were independent" not in said(run)
    record["corrected"]["grouped_by"] = "positions"
    record["corrected"]["pooled"] = {"slope": line(None, None, None), "reliability": None}
    task_record(run, confidence=record)
    text = said(run)
    assert "single positions as if they were independent" in text
    assert "all texts +0.136 [−0.061, +0.332] – –" in text


def test_a_calibration_error_that_chance_explains_is_none(run, said):
    found = confidence_record()
    found["calibration"]["equal_count"]["error"] = 0.0653
    task_record(run, confidence=found)
    assert "no miscalibration is seen" in said(run)


def test_the_substitution_table_has_both_doses_and_the_controls(run, said):
    task_record(run)
    text = said(run)
    row = "0.123 ± 0.011 −0.035 ± 0.010 −0.012 ± 0.004 30 % 11 % 59 %"
    for dose in ("One token in 7", "Every token"):
        assert f"{dose} prediction {row} random {row} by frequency {row}" in text
    assert (
        "with as many random tokens, that of 0.123 ± 0.011. Paired by text, the difference is "
        "+0.057 ± 0.009." in text
    )


def test_a_committee_has_its_curve_and_its_cost(run, said):
    committee_record(run)
    text = said(run)
    for part in (
        "3 classifiers of the same 1,200 training texts, each right on 0.701 to 0.741 of 345 test"
        " texts, answer together (mean softmax): right on 0.763 ± 0.022; chance is 0.250.",
        "The reference, deep, is right on 0.778 ± 0.022.",
        "2 3 0.742 ± 0.023 (0.017)",
        "committee 44,748 1,973.0 3.93 2.22 14.4 2.22",
        "member 14,916 657.7 1.31 – 4.81 –",
        "member 3 0.741 ± 0.022 14,916 small",
        "reference 0.778 ± 0.022 – deep",
        "Texts of 48 tokens; time from token ids to logits on cpu with 1 thread, median of 20.",
    ):
        assert part in text, part
    assert "somebody" not in section(run)
    drawn = drawings(run)["Accuracy of committees on topics by the number of their members"]
    for name in ("mean softmax", "mean logits", "majority", "reference", "members"):
        assert name in drawn, name
    assert "Fine-tuned, the model" not in text  # of the task there is nothing but the committee


def test_what_was_not_measured_leaves_no_hole(run, said):
    record = task_record(run)
    frozen = record["models"]["pretrained"]["frozen"]
    del record["confidence"], record["overlap"]
    record |= {
        "agreement": {},
        "models": {"pretrained": {"frozen": {"cls": frozen["cls"]}}},
        "config": record["config"] | {"finetune": None, "num_seeds": 3},
    }
    run.write_json("finetune/topics.json", record)
    text = said(run)
    assert "a linear head on [CLS] does best after block 2: 0.660 ± 0.012." in text
    assert "one standard error over 3 seeds" in text
    for absent in ("Without pre-training", "Fine-tuned", "cut", "ranks", "Calibration", "distinct"):
        assert absent not in text, absent
    assert not re.search(r"\b(nan|None|null)\b|: *\.|–", text)
    assert drawings(run).popitem()[1].count("untrained") == 1  # that of mean APT


def test_without_a_masked_language_model_calibration_is_left(run, said):
    found = confidence_record()
    for name in ("apt_source", "mean_apt", "bins", "slope", "pearson", "spearman", "substitution"):
        del found[name]
    del found["within_class_slope"], found["corrected"]
    task_record(run, confidence=found | {"left_out": "because /home/somebody has none"})
    text = said(run)
    assert "The expected calibration error is 0.088." in text
    assert "no masked-LM head" in text
    assert "somebody" not in text
    for absent in ("slope", "The bins", "What replaced tokens"):
        assert absent not in text, absent


def test_too_few_texts_for_an_interval_or_a_slope(run, said):
    found = confidence_record()
    for name in ("standard_error", "low", "high"):
        found["slope"][name] = None
    task_record(run, confidence=found)
    text = said(run)
    assert "slope of +0.136; they are too few for an interval" in text
    assert "The interval" not in text
    found["slope"]["value"] = None
    found["pearson"] = found["spearman"] = estimate(None, None, 345)
    task_record(run, confidence=found)
    assert "there is no slope" in said(run)


def test_another_model_is_told_from_the_run_s_own(run, said):
    task_record(run, weights="0123", checkpoint="/home/somebody/runs/other/checkpoint")
    text = said(run)
    assert "This is of another model than the rest of the page: other." in text
    assert "somebody" not in text
    assert "Accuracy on topics by depth" in drawings(run)  # without mean APT, which is not its own
    assert "mean APT 0." not in text


def test_seeds_and_foreign_files_are_no_tasks(run):
    task_record(run)
    run.write_json("finetune/topics-seed-0.json", {"conditions": {}})
    run.write_json("finetune/notes.json", ["mine"])
    assert list(run.finetuned()) == ["topics"]
    assert run.committees() == {}


def test_several_tasks_have_a_table_of_all(run, said):
    task_record(run, "beta")
    assert "All tasks" not in section(run)
    task_record(run, "alpha")
    committee_record(run, "beta")
    text = said(run)
    row = "0.811 ± 0.023 0.611 ± 0.023 +0.200 ± 0.033 0.250 4 1,200 345"
    assert f"alpha {row} beta {row}" in text
    regions = re.findall(r'role="region" aria-label="(.*?)"', section(run))
    assert len(regions) == len(set(regions)) >= 12
    assert text.index("Several small models") > text.index("Calibration")


def test_names_do_not_break_out(run):
    odd = "<script>alert(1)</script>"
    record = task_record(run)
    record |= {"task": odd, "label_names": [odd], "depths": [odd, *record["depths"][1:]]}
    record["models"]["pretrained"]["frozen"] |= {
        odd: record["models"]["pretrained"]["frozen"]["cls"]
    }
    record |= {"weights": "0123", "checkpoint": odd.replace("/", "")}
    run.write_json("finetune/topics.json", record)
    committee_record(run, "topics")
    run.write_json(
        "finetune/topics-committee.json",
        run.read_json("finetune/topics-committee.json") | {"task": odd},
    )
    source = section(run)
    assert "<script" not in source
    assert "&lt;script&gt;alert" in source


@pytest.mark.slow
def test_same_records_same_bytes_and_every_id_once(run):
    task_record(run)
    committee_record(run)
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first
    found = Page(run.path("report.html"))
    assert "Fine-tuned on tasks" in found.text
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = set(re.findall(rb"https?://[^\"<\s]+", first))
    assert links == {b"https://arxiv.org/abs/2509.03407"}
    assert not re.search(rb"url\((?!#)", first)


def test_names_beside_lines_keep_their_distance_and_their_order():
    _, axes = plain_figure(7.5, 3)
    axes.set_ylim(0, 1)
    names_beside(
        axes, [(0.5, "b", "k"), (0.49, "a", "k"), (0.51, "c", "k"), (0.9, "d", "k")], 7.5, 2
    )
    placed = {text.get_text(): text.xy[1] for text in axes.texts}  # pyright: ignore
    assert list(placed) == ["a", "b", "c", "d"]
    gap = 1.3 * 9.5 / 144
    assert placed["b"] - placed["a"] == pytest.approx(gap)
    assert placed["b"] == pytest.approx(0.5)  # moved as little as can be, to both sides
    assert placed["d"] == 0.9


def test_a_record_without_any_linear_head_has_no_figure(run, said):
    record = copy.deepcopy(task_record(run))
    for model in record["models"].values():
        model.pop("cut")
        for protocol in ("frozen", "finetuned"):
            for probes in model[protocol].values():
                del probes["linear"]
    run.write_json("finetune/topics.json", record)
    assert "Accuracy on topics by depth" not in " ".join(drawings(run))
    assert "does best" not in said(run)
