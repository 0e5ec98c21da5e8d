"""Each kind of graph is that of its builder, on the texts by their name."""

from dataclasses import replace

import numpy as np
import pytest

from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.stats.graphs.builders import label_graph, text_graph
from hf_apt.training.representation.graph_source import GraphSource

PLAIN = GraphSource(
    kind="links", texts="", links="", column="", num_neighbours=2, is_rewired=False, seed=3
)


@pytest.fixture
def links(tmp_path) -> str:
    file = tmp_path / "links.csv"
    file.write_text("a,b\n" + "".join(f"w{at},w{(at + 1) % 9}\n" for at in range(9)))
    return str(file)


def test_links_of_a_table(links, tmp_path):
    found = replace(PLAIN, links=links).read()
    assert found.texts == [f"w{number}" for number in range(9)]
    assert found.graph.degrees.tolist() == [2] * 9
    texts = tmp_path / "texts.csv"
    texts.write_text("id,said\n" + "".join(f"w{at},number {at}\n" for at in range(9)))
    named = replace(PLAIN, links=links, texts=str(texts), column="said").read()
    assert named.texts[3] == "number 3"
    assert named.graph.fingerprint() == found.graph.fingerprint()


def test_labels_are_those_of_training_texts():
    task = open_task(TaskConfig(name="planted"))
    found = replace(PLAIN, kind="labels", texts="task:planted").read()
    assert tuple(found.texts) == tuple(task.train.texts)
    assert found.graph.fingerprint() == label_graph(task.train.labels).fingerprint()


def test_the_nearest_and_dropout(tmp_path):
    file = tmp_path / "texts.csv"
    file.write_text("text\n" + "".join(f"w{at} w{at // 3} same\n" for at in range(12)))
    found = replace(PLAIN, kind="nearest", texts=str(file)).read()
    assert found.graph.fingerprint() == text_graph(found.texts, 2).fingerprint()
    alone = replace(PLAIN, kind="dropout", texts=str(file)).read()
    assert (alone.texts, alone.graph.num_links) == (found.texts, 0)


def test_rewired_is_of_the_same_degrees(links):
    found = replace(PLAIN, links=links).read().graph
    other = replace(PLAIN, links=links, is_rewired=True).read().graph
    assert other.fingerprint() != found.fingerprint()
    assert np.array_equal(other.degrees, found.degrees)
