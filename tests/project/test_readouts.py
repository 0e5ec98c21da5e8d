"""Every readout has its words, colour and marker wherever readouts are shown."""

from hf_apt.cli.tables import costs, measurement
from hf_apt.depths.head_config import DECODER_KINDS
from hf_apt.hub.sections import blocks
from hf_apt.records.run import READOUTS
from hf_apt.report import figures, sentences
from hf_apt.report.svg import _PAGE_COLOURS, READOUT_COLOURS
from hf_apt.runs import decoders
from hf_apt.stats.labels import READOUT_LABELS


def test_every_readout_is_known_wherever_readouts_are_shown() -> None:
    every = set(READOUTS)
    assert every == set(READOUT_LABELS) == set(READOUT_COLOURS)
    assert every == set(measurement._NAMES) == set(sentences._QUESTION)
    assert every - {"bayes"} == set(figures._MARKERS)


def test_what_is_made_for_depths_is_a_readout_with_a_phase() -> None:
    made = set(DECODER_KINDS["all"])
    assert made == every_name(DECODER_KINDS) == set(decoders._AGAIN)
    assert made < set(READOUTS)
    assert made < set(costs._NAMES)


def every_name(kinds: dict) -> set[str]:
    return {name for names in kinds.values() for name in names}


def test_lines_of_a_figure_have_colours_of_their_own() -> None:
    drawn = [READOUT_COLOURS[name] for name in READOUTS]
    assert len(set(drawn)) == len(READOUTS)
    assert set(drawn) <= set(_PAGE_COLOURS)


def test_a_card_explains_every_column(finished_run) -> None:
    summary = finished_run.read_json("summary.json")
    own = summary["readouts"]["own_head"]
    summary["readouts"] |= {name: own for name in ("jacobian", "translator")}
    notes = " ".join(blocks._notes(summary))
    header = blocks.block_table(summary)[0]
    for name in ("jacobian", "translator"):
        label = READOUT_LABELS[name]
        assert f"**{label[0].upper()}{label[1:]}**" in notes
        assert label in header
