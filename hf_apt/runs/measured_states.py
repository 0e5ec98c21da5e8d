"""What is kept of the states of a measurement: how alike the depths are."""

from __future__ import annotations

from hf_apt.depths.depth_pass import totals
from hf_apt.depths.similarity.kept_states import KeptStates
from hf_apt.models.devices import process_state
from hf_apt.records.run import Run
from hf_apt.records.state_similarity import write_state_similarity


def save_state_similarity(run: Run, states: KeptStates) -> None:
    """Compare the depths by the states of all processes; leaves `similarity.npz`.

    All processes have to call it; the main one writes.
    """
    total = totals({"states": states})["states"]
    if process_state().is_main_process:
        write_state_similarity(run, total.similarity())
