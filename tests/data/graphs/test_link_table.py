"""Tables of links: texts themselves or ids, in every kind of table, and what is refused."""

import json

import pandas
import pytest

from hf_apt.data.graphs.link_table import linked_texts

PAIRS = [("b", "a"), ("a", "c"), ("b", "a"), ("c", "c")]


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "jsonl", "json"])
def test_two_columns_of_texts_are_texts_and_links(ending, tmp_path):
    file = tmp_path / f"links.{ending}"
    rows = [{"source": first, "target": second, "kind": "cites"} for first, second in PAIRS]
    if ending == "parquet":
        pandas.DataFrame(rows).to_parquet(file)
    elif ending == "json":
        file.write_text(json.dumps(rows))
    elif ending == "jsonl":
        file.write_text("\n".join(map(json.dumps, rows)))
    else:
        pandas.DataFrame(rows).to_csv(file, index=False, sep="\t" if ending == "tsv" else ",")
    found = linked_texts(file)
    assert found.texts == ["b", "a", "c"]
    assert found.graph.links().tolist() == [[0, 1], [1, 2]]


def test_links_of_ids_beside_a_table_of_texts(tmp_path):
    links, texts = tmp_path / "links.csv", tmp_path / "texts.csv"
    links.write_text("from,to\nQ7,Q5\nQ5,Q9\n")
    texts.write_text("id,text,other\nQ5,five,x\nQ7,seven,y\nQ8,eight,z\nQ9,nine,v\n")
    found = linked_texts(links, texts)
    assert found.texts == ["five", "seven", "eight", "nine"]
    assert found.graph.links().tolist() == [[0, 1], [0, 3]]
    assert linked_texts(links, texts, text_column="other").texts == ["x", "y", "z", "v"]


def test_tables_can_be_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "links.csv").write_text("from,to\n0,1\n")
    (tmp_path / "texts.csv").write_text("text\none\ntwo\n")
    assert linked_texts("~/links.csv", "~/texts.csv").texts == ["one", "two"]


@pytest.mark.parametrize("whole", [True, False])
def test_without_ids_rows_count_from_0(whole, tmp_path):
    links, texts = tmp_path / "links.jsonl", tmp_path / "texts.jsonl"
    links.write_text('{"a": 2, "b": 0}' if whole else '{"a": "2", "b": "0"}')
    texts.write_text('{"text": "one"}\n{"text": "two"}\n{"text": "three"}')
    assert linked_texts(links, texts).graph.links().tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ("links", "texts", "sentence"),
    [
        (
            "a,b\nQ1,Q9\n",
            "id,text\nQ1,one\nQ2,two\n",
            "'Q9', which is the id of no text in .*Q1, Q2",
        ),
        ("a,b\nQ1,Q2\n", "id,text\nQ1,one\nQ1,two\n", "line 3 of .* has the id 'Q1', as one bef"),
        ("a,b\nQ1,Q2\n", 'id,text\nQ1,one\nQ2," "\n', "line 3 of .* holds no text: leave the row"),
        ("a,b\nQ1,Q2\n", "id,said\nQ1,one\n", "has no column 'text' for the text: it has id, sai"),
        ("a,b\nQ1,Q1\n", "id,text\nQ1,one\nQ2,two\n", "links no two different texts: name a"),
        ("a,b\n", "id,text\nQ1,one\n", "links no two different texts"),
        ("a\nQ1\n", "id,text\nQ1,one\n", "line 2 of .* has 1 columns: links are two"),
        ("a,b\nQ1,\n", "id,text\nQ1,one\n", "line 2 of .* holds '': give a text, or an id"),
    ],
)
def test_what_is_refused(links, texts, sentence, tmp_path):
    for name, content in (("links.csv", links), ("texts.csv", texts)):
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=sentence):
        linked_texts(tmp_path / "links.csv", tmp_path / "texts.csv")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"links\.txt is no table: name a file that ends in \.csv"):
        linked_texts(tmp_path / "links.txt")
    with pytest.raises(ValueError, match=r"none\.csv cannot be read as csv"):
        linked_texts(tmp_path / "none.csv")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"broken\.parquet cannot be read as parquet"):
        linked_texts(broken)
