"""FewRel's three shapes give the same sentences, marked or not."""

import pytest

from hf_apt.data.tasks.fewrel import is_raw, sentence

TOKENS = "Ann Smith met Bob in Rome .".split()
RAW = {"tokens": TOKENS, "h": ["ann", "Q1", [[0, 1], [9]]], "t": ["rome", "Q2", [[5]]]}
HUB = {
    "tokens": TOKENS,
    "head": {"text": "ann", "type": "Q1", "indices": [[0, 1]]},
    "tail": {"text": "rome", "type": "Q2", "indices": [[5]]},
}
FLAT = {"tokens": TOKENS, "head": "ann smith", "head_pos": [0, 1], "tail": "rome", "tail_pos": [5]}


@pytest.mark.parametrize("instance", [RAW, HUB, FLAT], ids=["raw", "hub", "flat"])
def test_all_shapes_say_the_same(instance):
    assert sentence(instance) == "Ann Smith met Bob in Rome ."
    marked = sentence(instance, markers=True)
    assert marked == "[E1] Ann Smith [/E1] met Bob in [E2] Rome [/E2] ."


def test_one_entity_inside_the_other_is_marked_inside():
    inside = FLAT | {"tail_pos": [1]}
    assert sentence(inside, markers=True).startswith("[E1] Ann [E2] Smith [/E2] [/E1] met")


@pytest.mark.parametrize("places", [None, [], [7], [-1]])
def test_entities_without_places_cannot_be_marked(places):
    with pytest.raises(ValueError, match="does not say where its entities are"):
        sentence(FLAT | {"head_pos": places}, markers=True)


def test_raw_json_is_known_by_its_shape():
    assert is_raw({"P17": [RAW], "P19": []})
    for other in ({}, [RAW], {"P17": RAW}, {"P17": [{"text": "a"}]}, None):
        assert not is_raw(other)
