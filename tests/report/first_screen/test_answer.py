"""What the page says first: the run's own numbers in words, and no glob for a title."""

import pytest
from synthetic_runs import make_run

from hf_apt.records.run_records import RunRecords
from hf_apt.report.first_screen.answer import answer, readable_title, text_read


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("BERT-6 on enwiki*.parquet", "BERT-6 on enwiki"),
        ("BERT-6 on articles/*.parquet", "BERT-6 on articles"),
        ("m on /data/of/me/text.jsonl.gz", "m on text"),
        ("m on ./talk.on.txt", "m on talk.on"),
        ("m on *", "m on *"),
        ("m on owner/name", "m on owner/name"),
        ("m on genomes/chr1.FNA.gz", "m on chr1"),
        ("m on reads.tsv", "m on reads"),
        ("m on lines.ndjson", "m on lines"),
        ("m on wiki[0-9].parquet", "m on wiki"),
        ("m on wiki-[ab]", "m on wiki"),
        ("BERT-6 on wikitext-2.1", "BERT-6 on wikitext-2.1"),
        ("tokens on a table on sotu", "tokens on a table on sotu"),
        ("A title of my own", "A title of my own"),
        ("", "Accuracy per token"),
    ],
)
def test_a_title_names_the_text_and_no_pattern(title, shown) -> None:
    assert readable_title({"title": title}) == shown


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return RunRecords(make_run(tmp_path_factory.mktemp("run"), readouts=("own_head", "bayes")))


def test_the_answer_is_of_the_counts(records) -> None:
    """Counted again: the tokens of which no answer is given more often than the right one."""
    analysis = records.analysis("own_head")
    kept = []
    for depth in range(analysis.counts.num_depths):
        matrix_VV = analysis.counts.at(depth).matrix().toarray()
        asked = matrix_VV.sum(axis=1) > 0
        is_kept = matrix_VV.diagonal()[asked] == matrix_VV.max(axis=1)[asked]
        kept.append(int(is_kept.sum()))
    gains = [after - before for before, after in zip(kept, kept[1:], strict=False)]
    block = 1 + max(range(len(gains)), key=gains.__getitem__)
    mean = records.summary["readouts"]["own_head"][-1]["mean_apt"]["pooled"]
    said = answer(records.summary, "own_head").replace("\xa0", " ")
    assert said == (
        f"After block 6 the right answer is the commonest one for {kept[-1]} of the"
        f" {asked.sum()} tokens that were asked for, at the embeddings for {kept[0]}; the most come"
        f" at block {block} (+{max(gains)}). Mean APT is {mean['value']:.3f} ±"
        f" {mean['standard_error']:.3f}."
    )
    assert "the most" not in answer(records.summary, "bayes")  # of one depth


def test_what_was_read_is_what_the_record_says(records) -> None:
    corpus = {"sequences": "first", "sequence_length": 128}
    summary = {"corpus": corpus, "masking": {"num_sequences": 4000}}
    said = "Read: 4,000 sequences of at most 128 tokens, layout “first”."
    assert text_read(summary) == said
    corpus["shares"] = {"cut": 0.266, "dropped": 0.0, "padded": 0.0, "unknown": 0.00009}
    assert text_read(summary).replace("\xa0", " ") == (
        f"{said} Of the text’s tokens 26.6 % were cut off and under 0.1 % were unknown ([UNK]);"
        " 0 % of the positions are padding."
    )
    assert text_read({"corpus": None, "masking": None}) == ""
