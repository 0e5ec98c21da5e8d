"""What the table of a benchmark leaves unsaid is in its footer."""

from hf_apt.cli.tables import bench


def record(num_unknown: int) -> dict:
    known = {"value": 0.5, "standard_error": 0.1, "num": 4}
    of = {"accuracy": known, "mean_apt": known, "cross_entropy": known}
    floor = {"name": "unigram", "accuracy": {"pooled": 0.25}, "mean_apt": {"pooled": 0.125}}
    return {
        **{"benchmark": "b", "version": 1, "sha256": "a" * 64, "model": "m"},
        **{"num_words": 4, "num_word_types": 3, "num_tokens": 6, "num_words_unknown": num_unknown},
        "depths": [
            {"depth": n, "name": name, "words": of, "tokens": of}
            for n, name in enumerate(("embeddings", "convolution"))
        ],
        "floors": {"words": [floor], "tokens": []},
    }


def test_words_that_the_tokenizer_does_not_know_are_told() -> None:
    assert "does not know" not in bench.footer(record(0))
    assert "2 words have a token that the tokenizer does not know" in bench.footer(record(2))


def test_a_floor_is_a_row_below_the_depths() -> None:
    (table,) = bench.tables(record(0))
    assert list(table.columns[0].cells) == ["embeddings", "convolution", "floor: unigram"]
    assert list(table.columns[1].cells) == ["0.500 ± 0.100", "0.500 ± 0.100", "0.250"]
