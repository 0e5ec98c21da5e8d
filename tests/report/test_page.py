"""The report page: what is on it, what must not be, and that it survives odd runs."""
# D depths, N modified positions, V vocabulary.

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib import resources

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from synthetic_runs import NUM_BLOCKS, Page, make_run, planted_classes, synthetic_counts, vocabulary

from hf_apt.records.run import Run
from hf_apt.report import write_report
from hf_apt.report.axes import legend_above, plain_figure
from hf_apt.report.figures import by_depth_and_threshold
from hf_apt.report.svg import NARROW_INCHES
from hf_apt.stats.apt import never_right
from hf_apt.stats.counts import TREATMENTS
from hf_apt.stats.rarefaction import rarefied_mean_apt, rarefied_num_tokens

LOOKS_AT_CHARTS = True


@pytest.fixture(scope="module")
def full_run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def full_page(full_run):
    return Page(write_report(full_run))


SMALL = {"vocab_size": 60, "num_positions": 3_000, "num_blocks": 2, "readouts": ("own_head",)}


def test_headline_and_table_hold_the_figures_of_the_summary(full_run, full_page):
    depths = full_run.read_json("summary.json")["readouts"]["own_head"]
    first, last = (depths[index]["mean_apt"]["pooled"] for index in (0, -1))
    said = (
        f"Mean APT rises from {first['value']:.3f} ± {first['standard_error']:.3f} at the"
        f" embeddings to {last['value']:.3f} ± {last['standard_error']:.3f} after block 6."
    )
    assert said in full_page.text
    for depth in depths[1:]:
        growth = depth["growth"]
        assert f"+{growth['value']:.3f} ± {growth['standard_error']:.3f}" in full_page.text
        assert f"{depth['confusion']['num_kept']} " in full_page.text


def test_every_part_is_on_the_page(full_page):
    for part in (
        "What each block adds",
        "By treatment: masked, replaced, unchanged",
        "Common and rare tokens",
        "Which tokens make the mean grow",
        "What is mistaken for what",
        "Clusters of tokens taken for each other",
        "Against the planted classes",
        "Look up a token",
        "How to read this",
        "exact ceiling",
        "hf-apt run --corpus planted --num-blocks 6 --out runs/planted-6",
        "2026-03-02 14:05:09",
        "training.lr",
        "0123abc",
        "1 h 30 min",
    ):
        assert part in full_page.text, part
    assert not re.search(r"\b(nan|None|null|undefined)\b", full_page.text.split('{"tokens"')[0])


def test_the_curve_says_what_mean_apt_is_of_fewer_positions(full_run, full_page):
    """At each number of positions, what the counts give, beside the tokens expected there."""
    counts = full_run.counts("own_head")
    hits, support = counts.hits(), counts.support()
    assert "How much was asked" in full_page.text
    for size in (1000, 20_000):
        value = rarefied_mean_apt(hits, support, size)[-1]
        num = round(rarefied_num_tokens(support, size))
        assert re.search(rf"{size:,}\s+{num:,}\s.*{value:.3f}", full_page.text, re.DOTALL)
    common = (np.stack([counts.support(name) for name in TREATMENTS]) > 0).all(axis=0)
    assert f"{common.sum():,} tokens that were asked for under all three" in full_page.text


def test_the_page_says_in_which_text_tokens_were_counted(full_page, tmp_path):
    assert full_page.source.count("in the training corpus") > 1
    run = make_run(tmp_path, **SMALL, trained=False)
    summary = run.read_json("summary.json")
    summary["corpus"]["num_train_tokens"] = 0
    run.write_json("summary.json", summary)
    page = Page(write_report(run)).source
    assert "training corpus" not in page
    assert page.count("in the measured text") > 1


def test_no_folder_of_a_disk_is_among_the_settings(tmp_path):
    run = make_run(tmp_path, **SMALL)
    config = run.read_json("config.json") | {"tokenizer": "/home/me/of mine/words", "corpus": "a/b"}
    run.write_json("config.json", config)
    page = Page(write_report(run)).text
    assert "/home/me" not in page
    assert "words" in page
    assert "a/b" in page


def test_tokens_that_are_common_and_never_right_are_named(full_run, full_page):
    counts = full_run.counts("untrained")
    hits, support = counts.hits()[-1], counts.support()
    tokens = never_right(hits, support)
    assert len(tokens) > 0
    named = f"{full_run.vocabulary()[tokens[0]]} ({support[tokens[0]]:,})"
    assert f"{len(tokens):,} tokens, which may never have been trained: {named}" in full_page.text


def test_the_lookup_holds_every_token_that_was_asked_for(full_run, full_page):
    lookup = full_page.lookup()
    counts = full_run.counts("own_head")
    token = lookup["ids"][7]
    assert lookup["tokens"][7] == full_run.vocabulary()[token]
    assert lookup["support"][7] == counts.support()[token]
    hits_depth = [hits[7] for hits in lookup["details"]["own_head"]["hits"]]
    assert hits_depth == counts.hits()[:, token].tolist()
    assert len(lookup["support"]) == np.count_nonzero(counts.support())
    assert set(lookup["details"]) == {"own_head", "linear_head"}  # there is no room for more


def test_wrong_answers_are_the_commonest_off_the_diagonal(full_run, full_page):
    lookup = full_page.lookup()
    row = full_run.counts("linear_head").at(6).matrix()[[lookup["ids"][3]], :].toarray()[0]
    row[lookup["ids"][3]] = 0
    flat = lookup["details"]["linear_head"]["wrong"]["answers"][6][3]
    assert flat[1::2] == sorted(row.tolist(), reverse=True)[:5]
    assert [row[lookup["ids"][answer]] for answer in flat[::2]] == flat[1::2]


def test_tick_labels_are_whole_numbers_of_what_they_stand_for(full_page):
    # Coordinates are rounded; the text of a label must not be.
    plot = next(part for part in full_page.source.split("<svg ") if 'aria-label="Share of' in part)
    labels = [float(text) for text in re.findall(r">([\d.]+)</text>", plot) if "." in text]
    assert labels == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_nothing_is_loaded_from_anywhere(full_page):
    paper = "https://arxiv.org/abs/2509.03407"  # which a reader may go to
    source = full_page.source.replace(f'<a href="{paper}" rel="noreferrer">', "")
    assert not re.search(r"https?://|[\"'(]//|@import|url\((?!#)", source)
    for tag, attributes in full_page.tags:
        assert "src" not in attributes
        assert tag not in ("link", "iframe", "img", "base")
        assert (attributes.get("href") or "#").startswith("#") or attributes["href"] == paper
    policies = [attributes.get("content") for tag, attributes in full_page.tags if tag == "meta"]
    assert any((policy or "").startswith("default-src 'none'") for policy in policies)


def test_every_fragment_points_to_one_element(full_page):
    ids = [attributes["id"] for _, attributes in full_page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {attributes["href"] for _, attributes in full_page.tags if attributes.get("href")}
    targets = {target for target in targets if target.startswith("#")}
    assert {target[1:] for target in targets} <= set(ids)


def test_odd_tokens_do_not_break_out(tmp_path):
    odd = ("</script><script>alert(1)</script>", '"&<', "<!--", "a\nb", "\ud800", "\u2028", "שלום")
    run = make_run(tmp_path, **SMALL, title="<b>bold</b>", planted=False)
    words = run.vocabulary()
    words[10:17] = odd
    run.path("vocabulary.json").write_text(json.dumps(words))
    page = Page(write_report(run))
    lookup = page.lookup()
    assert [lookup["tokens"][lookup["ids"].index(token)] for token in (10, 11, 12, 16)] == [
        odd[0],
        odd[1],
        odd[2],
        odd[6],
    ]
    assert lookup["tokens"][lookup["ids"].index(13)] == "a␊b"
    assert sum(tag == "script" for tag, _ in page.tags) == 3
    assert "<b>bold" not in page.source
    assert "<script>alert" not in page.source


def test_same_run_same_bytes(tmp_path):
    run = make_run(tmp_path, **SMALL)
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first


def test_the_optional_parts_may_be_missing(tmp_path):
    run = make_run(tmp_path, **SMALL, planted=False, trained=False)
    for name in ("config.json", "environment.json"):
        run.path(name).unlink()
    summary = run.read_json("summary.json")
    summary |= {"command": None, "created": None, "masking": None, "model": None, "corpus": None}
    run.write_json("summary.json", summary)
    page = Page(write_report(run))
    assert "was measured without further training" in page.text
    assert "Against the planted classes" not in page.text
    assert "Configuration" not in page.text
    assert "None" not in page.text
    shutil.rmtree(run.path("counts"))
    assert "Look up a token" not in Page(write_report(run)).text


def test_one_depth_only(tmp_path):
    page = Page(write_report(make_run(tmp_path, **SMALL | {"num_blocks": 0})))
    assert "only one depth" in page.text


def test_an_unfinished_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no finished hf_apt run"):
        write_report(Run(tmp_path))
    assert not (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_a_readout_that_outgrows_the_page_is_left_out(full_run, tmp_path, monkeypatch):
    monkeypatch.setattr("hf_apt.report.passport.page_room.PAGE_BYTES", 1)
    shutil.copytree(full_run.folder, tmp_path / "run")
    assert set(Page(write_report(Run(tmp_path / "run"))).lookup()["details"]) == {"own_head"}


@pytest.mark.slow
def test_a_vocabulary_of_30522_stays_below_1_mb(full_run, tmp_path):
    # The figures take the same space whatever the vocabulary, so the small run's summary serves.
    class_V = planted_classes(30_522, np.random.default_rng(1))
    run = Run(tmp_path)
    counts, frequency_V = synthetic_counts(class_V, NUM_BLOCKS + 1, 400_000, 0.8)
    for readout in ("own_head", "mlm_head"):
        counts.save(run.counts_path(readout))
    run.write_json("summary.json", full_run.read_json("summary.json"))
    run.write_json("vocabulary.json", vocabulary(30_522))
    run.write_array("frequency.npy", frequency_V)
    run.write_array("planted.npy", class_V)
    page = Page(write_report(run))
    assert 700_000 < run.path("report.html").stat().st_size < 1_000_000
    lookup = page.lookup()
    support_V = counts.support()
    num, num_asked = len(lookup["support"]), np.count_nonzero(support_V)
    assert 1_900 < num < num_asked
    assert lookup["num_left_out"] == num_asked - num
    assert lookup["support"] == sorted(support_V.tolist(), reverse=True)[:num]
    assert f"{num:,} most asked tokens; {num_asked - num:,} more" in page.text


def test_no_torch_is_imported():
    code = "import sys, hf_apt.report; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_long_names_of_lines_fit_a_phone():
    figure, axes = plain_figure(NARROW_INCHES, 3)
    names = ["A: one-model-of-the-two-that", "B: another-model", "C " + 30 * "long"]
    for name in names:
        axes.plot([0, 1], [0, 1], label=name)
    legend_above(figure, axes, NARROW_INCHES)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert [text.get_text() for text in legend.get_texts()][:2] == names[:2]


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("accent", "paper"), [("#2f5bb7", "#fcfcfa"), ("#8fb2ff", "#14161a")])
def test_lines_of_clusters_can_be_told_from_the_paper(accent, paper):
    """WCAG 2.2, 1.4.11: a contrast of 3 to 1; each panel has its depths named."""
    css = (resources.files("hf_apt.report") / "templates" / "page.css").read_text()
    assert f"--paper: {paper}" in css
    assert f"--accent: {accent}" in css
    lines: dict[float, list[float | None]] = {0.3: [0.1, 0.2], 0.5: [0.1, 0.1], 0.7: [0.0, 0.1]}
    panels = {"row": lines, "mutual": lines}
    figure = by_depth_and_threshold(panels, ["embeddings", "block 1"], 1.0, NARROW_INCHES)
    for axes in figure.axes:
        labels = [label for label in axes.get_xticklabels() if label.get_visible()]
        assert [label.get_text() for label in labels] == ["emb.", "block 1"]
        for line in axes.lines:
            alpha = line.get_alpha() or 1.0
            ink, ground = (np.array(to_rgb(colour)) for colour in (accent, paper))
            lights = sorted(luminance(c) for c in (alpha * ink + (1 - alpha) * ground, ground))
            assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 3
