"""A receipt holds the value, its error, n, the seed; all of them the run and its command."""

import re

from synthetic_runs import Page, make_run

from hf_apt.records.run_records import RunRecords
from hf_apt.report import write_report
from hf_apt.report.first_screen.receipts import receipt, receipts_end
from hf_apt.report.formats import counted, estimate, large


def test_the_page_has_a_receipt_for_every_value_of_chart_and_headline_columns(tmp_path) -> None:
    run = make_run(tmp_path, vocab_size=60, num_positions=3_000, num_blocks=2)
    page, summary = Page(write_report(run)), RunRecords(run).summary
    seed = (summary["masking"] or {}).get("seed")
    tags = [each for _, each in page.tags if each.get("class") in ("point", "receipted")]
    said = {attributes.get("title") for attributes in tags}
    said |= set(re.findall(r'<circle class="point"[^>]*><title>(.*?)</title>', page.source))
    assert all(attributes.get("tabindex") == "0" for attributes in tags)
    for readout, depths in summary["readouts"].items():
        for depth in depths:
            mean = depth["mean_apt"]["pooled"]
            place = ["embeddings", "block\xa01", "block\xa02"][depth["depth"]]
            place = "" if readout == "bayes" else place
            assert receipt("mean APT", readout, place, mean, seed) in said
            if readout != "bayes":
                accuracy = depth["masked_accuracy"]["pooled"]
                assert receipt("masked accuracy", readout, place, accuracy, seed) in said
    chart = re.findall(r'<svg class="plot (?:wide|narrow)".*?</svg>', page.source, re.DOTALL)[:2]
    assert [part.count('class="point"') for part in chart] == [4 * 3 + 1] * 2
    (body,) = (attributes for tag, attributes in page.tags if tag == "body")
    assert body["data-receipts-end"] == receipts_end(summary)
    assert receipts_end(summary).endswith(summary["command"])


def test_charts_say_the_values_of_the_summary(tmp_path) -> None:
    """A point says all lines of its chart at its place: every depth, or every treatment."""
    run = make_run(tmp_path, vocab_size=60, num_positions=3_000, num_blocks=2)
    page, depths = Page(write_report(run)), RunRecords(run).summary["readouts"]["own_head"]
    said = set(re.findall(r'<circle class="point"[^>]*><title>(.*?)</title>', page.source))
    labels = ["embeddings", "block\xa01", "block\xa02"]
    for index, each in enumerate(depths[-1]["apt_by_frequency"]):
        values = [
            f"{label} {estimate(depth['apt_by_frequency'][index]['mean_apt'])}"
            for label, depth in zip(labels, depths, strict=True)
        ]
        assert (
            f"mean APT of {counted(each['mean_apt']['num'], 'tokens')} that"
            f" {'occurs' if each['mean_apt']['num'] == 1 else 'occur'}"
            f" {large(each['low'])} to {large(each['high'])} times: {', '.join(values)}"
        ) in said
    common = depths[1]["mean_apt_common"]
    values = [f"{name} {estimate(common[name])}" for name in ("masked", "replaced", "unchanged")]
    assert (
        f"mean APT, block\xa01, {common['pooled']['num']:,} tokens: all modified"
        f" {estimate(common['pooled'])}, {', '.join(values)}"
    ) in said


def test_what_is_not_known_is_not_said() -> None:
    accuracy = {"value": 0.5, "standard_error": None, "num": 12}
    assert receipt("masked accuracy", "own_head", "block 1", accuracy) == (
        "masked accuracy, own head, block 1: 0.5000, n = 12 positions"
    )
    assert receipt("masked accuracy", "own_head", "", accuracy | {"num": 1}).endswith("1 position")
    unknown = {"value": None, "standard_error": None, "num": 0}
    assert receipt("mean APT", "bayes", "", unknown) == "mean APT, exact ceiling: –"
    summary = {"title": "m on sotu", "command": None, "masking": None, "model": None}
    assert receipts_end(summary) == "m on sotu"
