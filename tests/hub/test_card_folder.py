"""Laws of cards in folders: ours is written again, what is somebody else's stays."""

import json

import pytest

from hf_apt.hub.card_folder import write_card

CARD = {"README.md": b"# One\n", "figures/confusion.png": b"png"}
RESULTS = ".eval_results/hf_apt.yaml"


def test_a_card_is_replaced_by_a_newer_one(tmp_path):
    folder = tmp_path / "new" / "card"
    write_card(folder, CARD | {RESULTS: b"old"})
    write_card(folder, CARD | {"README.md": b"# Two\n"})
    assert (folder / "README.md").read_bytes() == b"# Two\n"
    assert (folder / "figures/confusion.png").read_bytes() == b"png"
    assert not (folder / RESULTS).exists()  # of the card before, which had results
    assert json.loads((folder / ".hf_apt.json").read_text()) == {
        "kind": "card",
        "files": ["README.md", "figures/confusion.png"],
    }


def test_files_beside_a_card_stay_and_are_not_replaced(tmp_path):
    write_card(tmp_path, CARD)
    (tmp_path / "notes.txt").write_text("mine")
    write_card(tmp_path, CARD | {"README.md": b"# Two\n"})
    assert (tmp_path / "notes.txt").read_text() == "mine"
    (tmp_path / ".eval_results").mkdir()
    (tmp_path / RESULTS).write_text("mine")
    with pytest.raises(ValueError, match=r"hf_apt\.yaml is there, and hf_apt has not written it"):
        write_card(tmp_path, CARD | {"README.md": b"# Three\n", RESULTS: b"ours"})
    assert (tmp_path / RESULTS).read_text() == "mine"
    assert (tmp_path / "README.md").read_bytes() == b"# Two\n"


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        (None, r"holds files that are not hf_apt's \(README\.md\): nothing was written"),
        ({"kind": "run"}, "is a folder of hf_apt that holds a run"),
        ({"kind": "files", "files": ["README.md"]}, "that holds a checkpoint or tokens"),
    ],
)
def test_another_folder_is_refused(tmp_path, marker, said):
    (tmp_path / "README.md").write_text("mine")
    if marker is not None:
        (tmp_path / ".hf_apt.json").write_text(json.dumps(marker))
    with pytest.raises(ValueError, match=said):
        write_card(tmp_path, CARD)
    assert (tmp_path / "README.md").read_text() == "mine"
    assert not (tmp_path / "figures").exists()


def test_nothing_outside_the_folder_is_taken_away(tmp_path):
    (tmp_path / "theirs.txt").write_text("theirs")
    write_card(tmp_path / "card", CARD)
    marker = {"kind": "card", "files": ["README.md", "figures/confusion.png", "../theirs.txt"]}
    (tmp_path / "card" / ".hf_apt.json").write_text(json.dumps(marker))
    write_card(tmp_path / "card", CARD)
    assert (tmp_path / "theirs.txt").read_text() == "theirs"
