"""Each kind of graph is that of its builder, on the texts by their name."""

from typing import Any

import numpy as np
import pytest

from hf_apt.data.tasks.task import open_task
from hf_apt.data.tasks.task_config import TaskConfig
from hf_apt.stats.graphs.builders import label_graph, text_graph
from hf_apt.training.objectives.graph_pairs import GraphPairs
from hf_apt.training.representation.graph_source import linked_texts_of


def read(**settings: Any):
    return linked_texts_of(GraphPairs(weight=1, **settings), seed=3)


@pytest.fixture
def links(tmp_path) -> str:
    file = tmp_path / "links.csv"
    file.write_text("a,b\n" + "".join(f"w{at},w{(at + 1) % 9}\n" for at in range(9)))
    return str(file)


def test_links_of_a_table(links, tmp_path):
    found = read(links=links)
    assert found.texts == [f"w{number}" for number in range(9)]
    assert found.graph.degrees.tolist() == [2] * 9
    texts = tmp_path / "texts.csv"
    texts.write_text("id,said\n" + "".join(f"w{at},number {at}\n" for at in range(9)))
    named = read(links=links, texts=str(texts), column="said")
    assert named.texts[3] == "number 3"
    assert named.graph.fingerprint() == found.graph.fingerprint()


def test_labels_are_those_of_training_texts():
    task = open_task(TaskConfig(name="planted"))
    found = read(graph="labels", texts="task:planted")
    assert tuple(found.texts) == tuple(task.train.texts)
    assert found.graph.fingerprint() == label_graph(task.train.labels).fingerprint()


def test_the_nearest_and_dropout(tmp_path):
    file = tmp_path / "texts.csv"
    file.write_text("text\n" + "".join(f"w{at} w{at // 3} same\n" for at in range(12)))
    found = read(graph="nearest", texts=str(file), num_neighbours=2)
    assert found.graph.fingerprint() == text_graph(found.texts, 2).fingerprint()
    alone = read(graph="dropout", texts=str(file))
    assert (alone.texts, alone.graph.num_links) == (found.texts, 0)


def test_rewired_is_of_the_same_degrees(links):
    found = read(links=links).graph
    other = read(links=links, rewire=True).graph
    assert other.fingerprint() != found.fingerprint()
    assert np.array_equal(other.degrees, found.degrees)
