"""What a dry run prints: a table of phases, and what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hf_apt.cli.tables.style import bare_table
from hf_apt.data.artificial.generated_corpus import GeneratedCorpus
from hf_apt.runs.dry_run import Plan
from hf_apt.runs.machine_speed import SPREAD
from hf_apt.runs.planning.checkpoint_costs import StackCosts

if TYPE_CHECKING:
    from rich.table import Table

_NAMES = {
    "pretraining": "pre-training",
    "linear_head": "training linear heads",
    "mlm_head": "training MLM heads",
    "heads": "training both heads",
    "jacobian": "the Jacobian lens",
    "translator": "the translator",
    "measuring": "measuring",
    "untrained": "the untrained twin",
    "finetuning": "fine-tuning",
}
_READING = ("measuring", "untrained")


def tables(plan: Plan) -> list[Table]:
    """The costs of each phase, ready to print in 80 columns."""
    model = plan.model
    title = (
        f"What the run would cost: {amount(model.num_parameters)} parameters, "
        f"{model.vocab_size:,} tokens"
    )
    table = bare_table(title, "phase", "tokens", "FLOPs", "memory", "type", "expected time")
    for cost in plan.phases:
        seconds = "done" if cost.name in plan.done else time_range(plan.seconds[cost.name])
        table.add_row(
            _NAMES[cost.name],
            amount(cost.tokens),
            amount(cost.work.flops),
            in_bytes(cost.memory),
            _precision(plan, cost.name),
            seconds,
        )
    if plan.config.finetune is not None:
        is_done = "finetuning" in plan.done
        table.add_row(_NAMES["finetuning"], "", "", "", "", "done" if is_done else "not estimated")
    if len(plan.seconds) > 1:
        table.add_section()
        table.add_row("in all, of these", "", "", "", "", time_range(sum(plan.seconds.values())))
    return [table]


def footer(plan: Plan) -> str:
    """What the table rests on, what comes on top, and what is not known, to print below it."""
    num, certainty = plan.held_out.num_sequences, plan.held_out.certainty
    asked = plan.config.measure.num_sequences
    num = min(asked or num, num)
    notes = [
        *_asked(plan, num),
        "disk: "
        + (f"weights up to {in_bytes(plan.weights_bytes)}, " if plan.weights_bytes else "")
        + f"counts and measures up to {in_bytes(plan.readouts_bytes)}, "
        f"token ids {2 if plan.model.vocab_size <= 2**16 else 4} bytes each",
        *_reckoned(plan),
        "memory: tensors and counts of one process; Python and its libraries come on top",
        "time: from a trial of two seconds on this machine as busy as it is now, one process",
    ]
    if plan.num_processes > 1:
        notes.append(
            f"between {plan.num_processes} processes: each sends {in_bytes(plan.sent_in_step)} a "
            f"step of pre-training\nand at most {in_bytes(plan.sent_in_measuring)} when measuring "
            "is done"
        )
    if certainty == "unknown":
        notes.append(
            f"measuring: for each {num:,} held-out sequences; how many there will be is not known"
        )
    elif certainty == "at most":
        notes.append(f"measuring: on {num:,} held-out sequences at most")
    elif certainty == "about" and num != asked:
        notes.append("sequences: reckoned from the first documents; the rest was not read")
    besides = ["reading and tokenising", "figures and page"]
    if isinstance(plan.config.corpus, GeneratedCorpus):
        besides.insert(1, "the exact best predictor")
    notes.append(f"not estimated: {', '.join([*_added(plan), *besides])}")
    return "\n".join(notes)


def _added(plan: Plan) -> list[str]:
    """What a training computes that its FLOPs and times leave out."""
    config, added = plan.config, []
    if config.shape.generator is not None:
        added.append("the generator beside the model")
    if names := [each.name for each in config.pretrain.objectives if each.weight]:
        added.append(f"the passes of {' and '.join(names)}")
    return added


def _precision(plan: Plan, name: str) -> str:
    """The precision of the products of a phase; empty for one that is done."""
    if name not in plan.speeds:
        return ""
    speed = plan.speeds[name]
    return (speed.reading if name in _READING else speed.training).precision


def _reckoned(plan: Plan) -> list[str]:
    """How FLOPs were found where it is not by counting, and the types of products."""
    notes = []
    if isinstance(plan.model, StackCosts):
        notes.append("FLOPs: reckoned from the weights, as this model cannot be counted")
    trained = [speed for name, speed in plan.speeds.items() if name not in _READING]
    if any(speed.is_tried for speed in trained):
        notes.append("type: of products; in training by a trial of a step of pre-training")
    elif plan.speeds:
        notes.append("type: of products")
    return notes


def _asked(plan: Plan, num_sequences: int) -> list[str]:
    """What is asked of a checkpoint, where its text was looked at."""
    if plan.num_asked is None:
        return []
    about = "" if plan.held_out.certainty == "exact" else "about "
    length, layout = plan.config.sequence_length, plan.config.layout
    most = "" if layout == "packed" else " at most"
    return [
        f"asked: about {amount(plan.num_asked)} positions; sequences: {about}{num_sequences:,}, "
        f"{layout}, of{most} {length} tokens"
    ]


def time_range(seconds: float) -> str:
    """From the least to the most time expected around `seconds`.

    >>> time_range(100), time_range(4000), time_range(0.1)
    ('1.2 to 2.5 min', '47 min to 1.7 h', 'under 1 s')
    """
    least, most = (_duration(seconds * factor) for factor in SPREAD)
    if least == most:
        return most
    (number, unit), (_, last_unit) = least.rsplit(" ", 1), most.rsplit(" ", 1)
    if least.startswith("under"):
        return f"under {most}"
    return f"{number} to {most}" if unit == last_unit else f"{least} to {most}"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    for size, unit in ((86400 * 365, "years"), (86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{_two_digits(seconds / size)} {unit}"
    return f"{_two_digits(seconds)} s"


def amount(number: float) -> str:
    """The number with two or three digits and a prefix of a thousand: k, M, G, T, P, E.

    >>> amount(950), amount(4_000_000), amount(1.234e17), amount(5e24)
    ('950', '4.00 M', '123 P', '5e+24')
    """
    if number < 999.5:
        return f"{number:.0f}"
    for exponent, prefix in enumerate("kMGTPE", 1):
        if number < 999.5 * 1000**exponent:
            return f"{_digits(number / 1000**exponent)} {prefix}"
    return f"{number:.2g}"


def in_bytes(number: float) -> str:
    """The number of bytes, written as by `amount`.

    >>> in_bytes(1.5e9), in_bytes(12)
    ('1.50 GB', '12 B')
    """
    text = amount(number)
    return f"{text}B" if text[-1].isalpha() else f"{text} B"


def _digits(number: float) -> str:
    return f"{number:.{max(2 - (number >= 9.995) - (number >= 99.95), 0)}f}"


def _two_digits(number: float) -> str:
    return f"{number:.1f}" if number < 9.95 else f"{number:,.0f}"
