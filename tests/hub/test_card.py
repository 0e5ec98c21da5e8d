"""Laws of cards: every number is on record, nothing unknown is claimed, nothing is left open."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from finished import NUM_DEPTHS, change_summary, write_finished_run
from finished_tasks import confidence_record, task_record
from huggingface_hub import ModelCard

from hf_apt.hub.card import card_files, checkpoint_card
from hf_apt.hub.card_options import CardOptions
from hf_apt.hub.card_section import code, plain
from hf_apt.hub.resources import resource
from hf_apt.hub.sections.blocks import block_table
from hf_apt.records.run import Run

REPO = "owner/bert-6"
TEMPLATE_NUMBERS = {"2509.03407", "2602.08626", "2507.14871"}  # arXiv
NUMBER = re.compile(r"\d(?:[\d,]*\d)?(?:\.\d+)?")


@pytest.fixture
def run(finished_run, tmp_path) -> Run:
    """A copy that may be changed."""
    shutil.copytree(finished_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("planted") / "run"
    return write_finished_run(folder, corpus="planted", planted=True)


@pytest.fixture(scope="module")
def tuned(finished_run, tmp_path_factory) -> Run:
    """The run, fine-tuned on a task."""
    folder = tmp_path_factory.mktemp("tuned") / "run"
    shutil.copytree(finished_run.folder, folder)
    task_record(Run(folder))
    return Run(folder)


def body(run: Run, **options: Any) -> str:
    return checkpoint_card(run, CardOptions(repo=REPO, **options)).partition("\n---\n")[2]


def table(text: str) -> list[list[str]]:
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def rounds_to(shown: str, recorded: float) -> bool:
    """Whether `shown` is `recorded`, rounded to the decimals that it has."""
    decimals = len(shown.partition(".")[2])
    return abs(float(shown.replace(",", "")) - recorded) <= 0.5 * 10**-decimals + 1e-12


def recorded(content: Any) -> list[float]:
    """Every number in JSON: as a value, and within a text."""
    if isinstance(content, dict):
        return [number for item in content.values() for number in recorded(item)]
    if isinstance(content, list):
        return [number for item in content for number in recorded(item)]
    if isinstance(content, str):
        return [float(number.replace(",", "")) for number in NUMBER.findall(content)]
    return [] if content is None or isinstance(content, bool) else [float(content)]


# The table.


@pytest.mark.parametrize("which", ["finished_run", "planted"])
def test_every_number_of_the_table_is_the_recorded_one_of_its_block(request, which):
    run = request.getfixturevalue(which)
    readouts = run.read_json("summary.json")["readouts"]
    header, _, *rows = table(body(run))
    assert header[0] == "depth"
    ceiling = readouts.get("bayes", [])
    assert [row[0].replace("\xa0", " ") for row in rows] == [
        "embeddings",
        *(f"block {number}" for number in range(1, NUM_DEPTHS)),
        *["exact best predictor"] * len(ceiling),
    ]
    figures = {
        "mean APT, own head": lambda own: own["mean_apt"]["pooled"],
        "common tokens, own head": lambda own: own["mean_apt_common"]["pooled"],
        "common tokens, at [MASK]": lambda own: own["mean_apt_common"]["masked"],
        "accuracy at [MASK]": lambda own: own["masked_accuracy"]["masked"],
        "tokens kept": lambda own: {"value": own["confusion"]["num_kept"]},
        "clusters": lambda own: {"value": own["clusters"][1]["num_clusters"]},  # mutual, 0.05
    }
    seen = 0
    for row, own in zip(rows, readouts["own_head"] + ceiling, strict=True):
        for name, cell in zip(header[1:], row[1:], strict=True):
            if name in figures:
                expected = figures[name](own)
            elif row[0] == "exact best predictor":
                assert cell == "–"
                continue
            else:
                key = name.replace(" ", "_")
                expected = readouts[key][own["depth"]]["mean_apt"]["pooled"]
            shown = NUMBER.findall(cell)
            assert rounds_to(shown[0], expected["value"]), (name, cell)
            seen += len(shown)
            if len(shown) == 2:
                assert rounds_to(shown[1], expected["standard_error"]), (name, cell)
            else:
                assert "standard_error" not in expected
    assert seen == NUM_DEPTHS * (6 * 2 + 2) + len(ceiling) * (4 * 2 + 2)


def test_treatments_are_compared_on_the_tokens_that_all_of_them_ask_for(run):
    """With their number; each treatment's own tokens are others."""
    summary = run.read_json("summary.json")
    own = summary["readouts"]["own_head"]
    for depth in own:
        for estimate in depth["mean_apt_common"].values():
            estimate |= {"value": estimate["value"] / 2, "num": 57}
    run.write_json("summary.json", summary)
    common = own[-1]["mean_apt_common"]
    text = body(run)
    assert f"**Common tokens**: the {common['pooled']['num']} tokens that were asked" in text
    assert f"Of the {common['pooled']['num']} tokens that were asked masked, replaced" in text
    first, last = (each["mean_apt_common"] for each in (own[0], own[-1]))
    said = re.search(r"not merely to be copied,\s([\d.]+)\s±\s[\d.]+\sand\s([\d.]+)\s±", text)
    assert said
    for shown, estimate in zip(said.groups(), (first["masked"], last["masked"]), strict=True):
        assert rounds_to(shown, estimate["value"])


def test_without_such_tokens_treatments_are_left_out(run):
    summary = run.read_json("summary.json")
    for depth in summary["readouts"]["own_head"]:
        nothing = {"value": None, "standard_error": None, "num": 0}
        depth["mean_apt_common"] = dict.fromkeys(depth["mean_apt_common"], nothing)
    run.write_json("summary.json", summary)
    header, _, *_ = table(body(run))
    assert not [name for name in header if name.startswith("common")]
    assert "common tokens" not in body(run).lower()
    assert "copied" not in body(run).partition("| depth")[0]


def test_a_changed_figure_changes_the_table(run):
    summary = run.read_json("summary.json")
    before = block_table(summary)
    summary["readouts"]["linear_head"][2]["mean_apt"]["pooled"]["value"] += 0.01
    after = block_table(summary)
    changed = [
        (row, column)
        for row, cells in enumerate(before)
        for column, cell in enumerate(cells)
        if cell != after[row][column]
    ]
    assert changed == [(3, before[0].index("linear head"))]


# The text.


def test_the_headline_says_mean_apt_at_a_number_that_measurements_share(run):
    summary = run.read_json("summary.json")
    own = summary["readouts"]["own_head"]
    values = [
        next(
            p["mean_apt"]["value"] for p in own[depth]["rarefaction"] if p["num_positions"] == 1000
        )
        for depth in (0, -1)
    ]
    said = re.search(r"Of 1,000 positions, .*? it would be (\d\.\d+)\S* and (\d\.\d+)", body(run))
    assert said
    assert all(map(rounds_to, said.groups(), values))
    assert values != [own[depth]["mean_apt"]["pooled"]["value"] for depth in (0, -1)]
    for figures in own:
        figures["rarefaction"] = [p for p in figures["rarefaction"] if p["num_positions"] < 1000]
    change_summary(run, readouts=summary["readouts"])
    assert "Of 1,000 positions" not in body(run)


@pytest.mark.parametrize("which", ["finished_run", "planted", "tuned"])
def test_every_number_of_the_text_is_on_record_or_in_the_template(request, which):
    run = request.getfixturevalue(which)
    template = resource("model_cards/checkpoint.md.jinja").read_text()
    assert set(NUMBER.findall(re.sub(r"{[{%].*?[%}]}", "", template))) == TEMPLATE_NUMBERS
    values = [
        value
        for name in ("summary.json", "config.json", "environment.json")
        for value in recorded(run.read_json(name))
    ] + [abs(value) for value in recorded(run.finetuned())]  # a minus is no digit
    text = re.sub(r"\d+(?:\.\d+)?\xa0%", lambda share: percent_of(share[0], values), body(run))
    text = text.replace(REPO, "")
    shown = [number for number in NUMBER.findall(text) if number not in TEMPLATE_NUMBERS]
    assert len(shown) > 60
    for number in shown:
        assert any(rounds_to(number, value) for value in values), number


def percent_of(shown: str, values: list[float]) -> str:
    assert any(rounds_to(shown.split("\xa0")[0], 100 * value) for value in values), shown
    return ""


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("summary.json", ("training", "num_tokens_seen")),
        ("summary.json", ("model", "num_parameters")),
        ("summary.json", ("masking", "rate")),
        ("config.json", ("pretrain", "masking_rate")),
        ("environment.json", ("transformers",)),
    ],
)
def test_a_missing_record_is_an_error_and_no_blank(run, file, path):
    content = run.read_json(file)
    part = content
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    run.write_json(file, content)
    with pytest.raises(ValueError, match=f"do not fill the card: .*{path[-1]}"):
        checkpoint_card(run, CardOptions(repo=REPO))


def test_objectives_and_the_masking_law_are_named_with_their_settings(run):
    """Each setting as it is on record; a plain training has neither word."""
    assert "objective" not in body(run)
    assert "masking law" not in body(run)
    objectives = [
        {"name": "token_contrast", "weight": 0.125, "views": "windows", "depth": None},
        {"name": "graph_pairs", "weight": 2.0, "links": "/home/somebody/links.csv"},
        {"name": "r_drop", "weight": 0.0},
    ]
    law = {"name": "frequency", "exponent": 0.75, "most": 1.0}
    summary, config = run.read_json("summary.json"), run.read_json("config.json")
    config["pretrain"] |= {"objectives": objectives, "masking_law": law}
    run.write_json("config.json", config)
    change_summary(run, model=summary["model"] | {"cls_norms": [1, 2], "cls_projections": []})
    text = body(run)
    named = (
        "token_contrast (weight 0.125) and graph_pairs (weight 2), and the masking law frequency"
    )
    assert f", with the objectives {named}.\n[CLS] is normalised by weights of its own" in text
    assert "- **Objective token_contrast** in training: weight 0.125, views windows.\n" in text
    assert "- **Objective graph_pairs** in training: weight 2, links links.csv.\n" in text
    assert (
        "- **Masking law frequency** in training: exponent 0.75, most 1.\n- **Made with**" in text
    )
    assert "r_drop" not in text
    assert "somebody" not in text


def test_settings_and_the_start_are_text_whatever_they_hold(run):
    """Neither a path of a setting nor the folder that a training went on from is Markdown."""
    value, shown = "*a*|<b>[c](d)", "&#42;a&#42;&#124;&lt;b&gt;&#91;c&#93;(d)"
    summary, config = run.read_json("summary.json"), run.read_json("config.json")
    objective = {"name": "graph_pairs", "weight": 2.0, "links": value}
    law = {"name": value, "exponent": 0.75}
    config["pretrain"] |= {"objectives": [objective], "masking_law": law}
    run.write_json("config.json", config)
    started = {"checkpoint": f"runs/{value}/checkpoint"}
    change_summary(run, training=summary["training"] | {"started": started})
    text = body(run)
    assert value not in text
    assert f"links {shown}.\n" in text
    assert f"and the masking law {shown}.\n" in text
    assert f"- **Masking law {shown}** in training: " in text
    assert f", from all weights of {shown}, with the objective " in text


def test_a_run_without_training_has_no_card(run):
    change_summary(run, training=None)
    with pytest.raises(ValueError, match="no finished run of `hf-apt run`"):
        checkpoint_card(run, CardOptions(repo=REPO))


def test_the_same_run_gives_the_same_bytes(finished_run):
    first, second = (card_files(finished_run, CardOptions(repo=REPO)) for _ in range(2))
    assert first == second
    assert set(first) == {"README.md", "figures/confusion.png"}  # results are of benchmarks alone


def test_the_figure_shows_the_counts(finished_run, planted, run):
    picture = card_files(finished_run, CardOptions(repo=REPO))["figures/confusion.png"]
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000
    shutil.copy(run.counts_path("untrained"), run.counts_path("own_head"))
    assert card_files(run, CardOptions(repo=REPO))["figures/confusion.png"] != picture


def test_the_card_says_how_to_load_and_measure(finished_run):
    text = body(finished_run)
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(blocks) == 3
    for block in blocks:
        compile(block, "card", "exec")
        assert block.count(f'"{REPO}"') == 2
    assert "trust_remote_code=True" in blocks[1]
    assert "BertForMaskedLM" in blocks[2]
    assert f"hf-apt measure {REPO} " in text


def test_links_and_pictures_are_sent_along(finished_run):
    from hf_apt.hub.publication import checkpoint_publication

    files = checkpoint_publication(
        finished_run, card_files(finished_run, CardOptions(repo=REPO))
    ).files
    targets = re.findall(r"\]\(([^)]+)\)", body(finished_run))
    local = {target for target in targets if not target.startswith("https://")}
    assert len(local) == 5
    assert local <= set(files)


# Fine-tuning.


def test_fine_tuning_has_a_row_for_each_task(run):
    assert "## Fine-tuning" not in body(run)
    task_record(run)
    task_record(
        run, "b_frozen", models={"pretrained": {"frozen": _frozen(run)}}, confidence={"slope": None}
    )
    shown = table(body(run).replace("\xa0", " "))
    rows = [row for row in shown if row[0].startswith("`")]
    assert rows == [
        ["`b_frozen`", "1,200 / 345", "–", "–", "block 2 (mean): 0.700 ± 0.012", "–", "–"],
        [
            *("`topics`", "1,200 / 345", "0.811 ± 0.023", "0.611 ± 0.023"),
            *("block 2 (mean): 0.700 ± 0.012", "0.136 [−0.061, 0.332]", "−0.025 [−0.123, 0.074]"),
        ],
    ]
    confidence = confidence_record()
    confidence["slope"] |= {"low": None, "high": None}
    task_record(run, confidence=confidence)
    assert "| 0.136 |" in body(run)


def _frozen(run: Run) -> dict[str, Any]:
    return run.finetuned()["topics"]["models"]["pretrained"]["frozen"]


def test_a_record_of_other_weights_is_not_on_the_card(run):
    task_record(run, weights="0123456789abcdef")
    assert checkpoint_card(run, CardOptions(repo=REPO)) == checkpoint_card(
        Run(_without_tasks(run)), CardOptions(repo=REPO)
    )


def _without_tasks(run: Run) -> Path:
    folder = run.folder.with_name("without")
    shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("finetune"))
    return folder


def test_the_card_names_the_records_of_tasks_and_they_are_sent(tuned):
    from hf_apt.hub.publication import checkpoint_publication

    files = checkpoint_publication(tuned, card_files(tuned, CardOptions(repo=REPO))).files
    said = "[`run/environment.json`](run/environment.json) or [`run/finetune/topics.json`]"
    assert said in body(tuned)
    assert json.loads(files["run/finetune/topics.json"])["task"] == "topics"


def test_the_model_index_holds_the_fine_tuned_accuracy(tuned, finished_run):
    results, before = (
        ModelCard(checkpoint_card(run, CardOptions(repo=REPO))).data.eval_results
        for run in (tuned, finished_run)
    )
    (added,) = [result for result in results if result.task_type == "text-classification"]
    assert len(results) == len(before) + 1
    assert added.metric_type == "accuracy"
    assert (
        added.metric_value
        == tuned.finetuned()["topics"]["models"]["pretrained"]["classifier"]["value"]
    )
    assert added.metric_args == {"standard_error": 0.0234, "num_seeds": 1, "num_test": 345}
    assert added.dataset_type == "them/topics"
    assert added.dataset_name == "test texts of topics"


def test_texts_from_local_files_have_no_hub_id_and_stay_apart(run):
    provenance = {"source": ["rows.csv"], "num_train": 12, "num_test": 34, "num_labels": 4}
    for task in ("one", "two"):
        task_record(run, task, provenance=[provenance])
    results = ModelCard(checkpoint_card(run, CardOptions(repo=REPO))).data.eval_results
    named = [(r.dataset_type, r.dataset_name) for r in results if r.task_type != "fill-mask"]
    assert named == [("other", "test texts of one"), ("other", "test texts of two")]


# Licences and where the text is from.


def test_what_is_not_known_is_said_to_be_unknown(run):
    change_summary(run, corpus=run.read_json("summary.json")["corpus"] | {"name": "them/texts"})
    text = body(run)
    assert "**Licence of the text**: not stated." in text
    assert "**Licence of the weights**: not stated." in text
    metadata = ModelCard(checkpoint_card(run, CardOptions(repo=REPO))).data
    assert metadata.license is None
    assert metadata.datasets == ["them/texts"]


def test_what_the_publisher_says_is_said(run):
    text = body(run, license="apache-2.0", data_license="as its authors say")
    assert "**Licence of the weights**: `apache-2.0`." in text
    assert "**Licence of the text**: as its authors say." in text
    options = CardOptions(repo=REPO, license="apache-2.0")
    assert ModelCard(checkpoint_card(run, options)).data.license == "apache-2.0"


def test_a_licence_that_the_hub_does_not_know_is_refused(finished_run):
    with pytest.raises(ValueError, match="the Hub knows no licence 'mine'"):
        card_files(finished_run, CardOptions(repo=REPO, license="mine"))


@pytest.mark.parametrize(
    ("corpus", "said"),
    [("wikimedia/wikipedia", "CC BY-SA 3.0"), ("sotu", "public domain"), ("planted", "none:")],
)
def test_terms_that_are_known_need_no_option(run, corpus, said):
    change_summary(run, corpus=run.read_json("summary.json")["corpus"] | {"name": corpus})
    assert f"**Licence of the text**: {said}" in body(run)


@pytest.mark.parametrize("name", ["/home/somebody/secret/wiki*.parquet", "notes/mine.txt"])
def test_where_files_lay_is_not_told(run, name):
    change_summary(run, corpus=run.read_json("summary.json")["corpus"] | {"name": name})
    files = card_files(run, CardOptions(repo=REPO))
    assert set(files) == {"README.md", "figures/confusion.png"}  # no data set to give results for
    text = files["README.md"].decode()
    assert Path(name).name in text
    assert "secret" not in text
    assert "notes/" not in text
    assert "datasets:" not in text
    told = checkpoint_card(run, CardOptions(repo=REPO, data="old letters", dataset="a/letters"))
    assert "on old letters, [a/letters](https://huggingface.co/datasets/a/letters)" in told
    assert ModelCard(told).data.datasets == ["a/letters"]


def test_a_folder_that_is_there_is_no_data_set(run, tmp_path, monkeypatch):
    (tmp_path / "them" / "texts").mkdir(parents=True)
    change_summary(run, corpus=run.read_json("summary.json")["corpus"] | {"name": "them/texts"})
    monkeypatch.chdir(tmp_path)
    assert ModelCard(checkpoint_card(run, CardOptions(repo=REPO))).data.datasets is None


# What the Hub reads.


def test_the_model_index_holds_every_block_of_every_readout(finished_run):
    summary = finished_run.read_json("summary.json")
    card = ModelCard(checkpoint_card(finished_run, CardOptions(repo=REPO)))
    results = card.data.eval_results
    assert len(results) == 2 * NUM_DEPTHS * 3
    keys = {"apt": "mean_apt", "accuracy": "masked_accuracy"}
    for result in results:
        depth = int(result.metric_config.removeprefix("depth="))
        estimate = summary["readouts"][result.metric_args["readout"]][depth]
        estimate = estimate[keys[result.metric_type]]["pooled"]
        assert result.metric_value == estimate["value"]
        assert result.metric_args["standard_error"] == estimate["standard_error"]
        assert result.dataset_type == "wikimedia/wikipedia"
        assert result.dataset_config == "20231101.en"
        assert result.task_type == "fill-mask"
    assert len({(r.metric_type, r.metric_config, r.metric_args["readout"]) for r in results}) == 24
    assert card.data.library_name == "transformers"
    assert card.data.pipeline_tag == "fill-mask"


def test_odd_names_leave_the_card_whole(run):
    odd = "`*a|b*`\n---\n# x.txt"
    change_summary(run, corpus=run.read_json("summary.json")["corpus"] | {"name": odd})
    text = checkpoint_card(run, CardOptions(repo=REPO))
    assert ModelCard(text).data.model_name == "bert-6"
    assert text.count("\n---\n") == 1
    assert json.loads(json.dumps(ModelCard(text).data.to_dict()))


def test_names_are_text_whatever_they_hold(run):
    summary = run.read_json("summary.json")
    name = "<script>x</script> | `a`\n# b"
    change_summary(run, model=summary["model"] | {"name": name})
    environment = run.read_json("environment.json") | {"processor": name}
    run.write_json("environment.json", environment)
    text = body(run, data=name, data_license=name)
    assert "<script>" not in text
    assert "`a`" not in text
    assert "\n# b, a" not in text
    assert (
        text.count("&lt;script&gt;x&lt;/script&gt; &#124; &#96;a&#96; # b") == 3
    )  # name, terms, processor


HOSTILE = (
    "<script>alert(1)</script>",
    "x](javascript:alert(1))",
    "`code` ``two``",
    "one\n# two\r\n---\n\n| a | b |\n",
    "a | b || c",
    "---\nlicense: mit\n---\n",
    "# heading",
    "- item",
    "1. item",
)


def test_hostile_values_are_text_on_a_card(run):
    """No HTML, heading, front matter, row or link comes of a value in a record."""
    kind = task_record(run, "topics")
    before = checkpoint_card(run, CardOptions(repo=REPO, data="x", dataset="a/letters"))
    summary, config, environment = (
        run.read_json(f"{name}.json") for name in ("summary", "config", "environment")
    )
    for value in HOSTILE:
        depths = ["embeddings", value, *(f"block {n}" for n in range(1, NUM_DEPTHS - 2)), value]
        changed = summary["model"] | {"name": value, "depths": depths, "hidden_size": value}
        corpus = summary["corpus"] | {"name": f"/data/{value}"}
        run.write_json("summary.json", summary | {"model": changed, "corpus": corpus})
        run.write_json("config.json", config | {"corpus": config["corpus"] | {"config": value}})
        made = dict.fromkeys(("hf_apt", "commit", "transformers", "torch", "processor"), value)
        run.write_json("environment.json", environment | made | {"device": "cpu"})
        names = [value] * len(kind["depths"])
        run.write_json("finetune/topics.json", kind | {"depths": names})
        options = CardOptions(repo=REPO, data=value, data_license=value, dataset="a/letters")
        card = checkpoint_card(run, options)
        front, _, text = card.removeprefix("---\n").partition("\n---\n")
        assert yaml.safe_load(front)["model-index"][0]["name"] == "bert-6"
        assert ModelCard(card).data.license is None
        assert "<" not in text, value
        for shape in (r"^#+ .*$", r"^---.*$", r"^- ", r"^\d+\. ", r"^\|"):
            assert len(re.findall(shape, text, re.M)) == len(
                re.findall(shape, before.partition("\n---\n")[2], re.M)
            ), (value, shape)
        assert not re.search(r"\]\((?!https://|run/|figures/)", re.sub(r"`[^`]*`", "", text)), value
        widths = [
            [len(re.findall(r"(?<!\\)\|", row)) for row in part.splitlines()]
            for part in re.findall(r"(?:^\|.*\n)+", text, re.M)
        ]
        assert len(widths) >= 2
        assert all(len(set(each)) == 1 for each in widths), value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("topics", "`topics`"),
        ("wiki*.parquet", "`wiki*.parquet`"),
        ("a`b", "a&#96;b"),
        ("a|b", "a&#124;b"),
        ("<b>", "&lt;b&gt;"),
        ("a\nb", "a b"),
        ("", ""),
    ],
)
def test_code_is_code_or_plain_text(text, shown):
    assert code(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# a", "&#35; a"),
        ("1. a", "&#49;&#46; a"),
        ("1.5 a", "1.5 a"),
        ("- a - b", "&#45; a - b"),
        ("block\xa01", "block\xa01"),
        ("~~a_b~~", "&#126;&#126;a_b&#126;&#126;"),
    ],
)
def test_plain_text_begins_no_heading_and_no_list(text, shown):
    assert plain(text) == shown


def test_links_are_percent_encoded(run):
    text = body(run, dataset="a/(b c)", data="x")
    assert "[a/(b c)](https://huggingface.co/datasets/a/%28b%20c%29)" in text


def test_a_repository_that_is_no_name_has_no_card(run):
    with pytest.raises(ValueError, match="give it as OWNER/NAME"):
        checkpoint_card(run, CardOptions(repo='o/x")\nimport os #'))


def test_tokens_that_are_never_right_are_named(run):
    assert "## Never right" not in body(run)
    group = {"num": 9, "norm": 0.67, "bias": -1.35, "share_alike": 1.0}
    figures = {
        **{"min_support": 10, "num_tokens": 1, "num_untrained": 1, "tokens": [7], "texts": [">>"]},
        **{"support": [82], "norms": [0.63], "biases": [-1.41], "look_untrained": [True]},
        **{"unused_are": "named", "unused": group, "right": group | {"share_alike": 0.0}},
    }
    change_summary(run, token_rows=figures)
    assert "## Never right" in body(run)
    row = next(row for row in table(body(run)) if "82" in row)
    assert row[1:] == ["82", "0.630", "−1.410", "yes"]
    assert "1 of these 1 tokens look as if they were never trained" in body(run)
