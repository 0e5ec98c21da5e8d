"""Data whose name has brackets, stars or question marks: all that reads step files finds theirs."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_trainers import rows, trainer_of

from hf_apt.runs.acquisition import acquisition
from trainer_callbacks import AptCallback, AptPlotCallback
from trainer_callbacks import plot as plotting
from trainer_callbacks.card import add_apt_section
from trainer_callbacks.files import StepFiles

NAMES = ("news[1]", "a*", "what?", "news1", "[!a]")


@pytest.fixture(scope="module")
def trained(tokenizer, tmp_path_factory) -> tuple[Path, dict[str, list[int]]]:
    """An output folder, and the steps of the last picture by prefix."""
    folder = tmp_path_factory.mktemp("trained")
    drawn: dict[str, list[int]] = {}
    draw, before = plotting.draw, plotting._measured_before  # type: ignore[attr-defined]

    def noted(files, prefix):
        measured = before(files, prefix)
        drawn[prefix] = sorted(measured[0])
        return measured

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plotting, "_measured_before", noted)
        patch.setattr(plotting, "draw", draw)
        trainer_of(
            folder,
            tokenizer,
            eval_dataset={name: rows(9, seed=n) for n, name in enumerate(NAMES)},
            callbacks=[AptCallback(), AptPlotCallback()],
        ).train()
    return folder, drawn


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_of_step_files_finds_those_of_this_name_alone(name, trained) -> None:
    folder, drawn = trained
    prefix = f"eval_{name}"
    for kind in ("json", "npz"):
        assert StepFiles(folder / "apt").steps(prefix, kind) == [2, 4, 6]
    assert drawn[prefix] == [2, 4, 6]
    found = acquisition(folder, data=prefix, min_support=1).measured
    assert found.steps_S.tolist() == [2, 4, 6]
    with np.load(folder / "apt" / f"{prefix}-step-00000002.npz") as arrays:
        assert found.support_V.tolist() == arrays["support"].tolist()
    assert add_apt_section(folder, step=4)
    card = (folder / "README.md").read_text()
    assert card.count(", step 4:") == len(NAMES)


def test_a_name_that_begins_like_another_is_not_read_for_it(tmp_path) -> None:
    folder = tmp_path / "apt"
    folder.mkdir()
    for name in ("eval-step-00000002", "eval-step-x-step-00000005"):
        (folder / f"{name}.json").write_text(json.dumps({}))
    assert StepFiles(folder).steps() == [2]
    assert StepFiles(folder).steps("eval-step-x") == [5]
