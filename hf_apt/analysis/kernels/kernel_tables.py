"""The tables and figures of the kernels of fine-tuning."""

from __future__ import annotations

from typing import Any

from hf_apt.analysis.kernels.arm_names import ARM_NAMES, KERNEL_NAMES
from hf_apt.analysis.kernels.block_agreement import block_rows, correlations
from hf_apt.analysis.kernels.kernel_config import KernelConfig
from hf_apt.records.studies.study_record import StudyFigure, StudyTable


def tables_and_figures(
    results: dict[str, Any], config: KernelConfig
) -> tuple[list[StudyTable], list[StudyFigure]]:
    """The tables and figures of a study.

    Args:
        results: what the study found.
        config: what was asked.

    Returns:
        Arms, criteria, blocks, kinds of parameters and rank correlations; accuracy and shares by
        depth.
    """
    tables = [_arms_table(results, config)]
    if results["criteria"]:
        tables.append(_criteria_table(results))
    figures = []
    if results["places"]:
        tables += [_shares_table(results), _places_table(results), _groups_table(results)]
        figures = _figures(results)
        rows = [[name, value] for name, value in correlations(results).items()]
        if rows:
            tables.append(
                StudyTable(
                    title="Rank correlations over blocks (Spearman)",
                    header=["pair", "correlation"],
                    rows=rows,
                    notes=["Of a few blocks: one exchange of neighbours moves it much."],
                )
            )
    return tables, figures


def _arms_table(results: dict[str, Any], config: KernelConfig) -> StudyTable:
    rows: list[list[Any]] = [
        [ARM_NAMES["start"], results["start"], None, None, None],
        [ARM_NAMES["last_state"], results["last_state"], None, None, None],
    ]
    for kind, figures in results["kernels"].items():
        name = KERNEL_NAMES[kind]
        rows.append([name, figures["accuracy"], results["differences"][name], None, None])
    for arm, figures in results["arms"].items():
        name = ARM_NAMES[arm]
        linear, drift = (
            None if figures[key]["num"] == 0 else figures[key]
            for key in ("linearised_accuracy", "drift")
        )
        rows.append([name, figures["accuracy"], results["differences"][name], linear, drift])
    return StudyTable(
        title="Accuracy at equal data",
        header=["arm", "accuracy", "minus last state", "linearised", "drift of gradients"],
        rows=rows,
        notes=_notes(results, config),
    )


def _notes(results: dict[str, Any], config: KernelConfig) -> list[str]:
    """What the accuracies are of, and what their errors leave out."""
    num = results["num_tested"]
    notes = [
        f"{config.num_shots} texts of a class to learn from, {config.num_validation} to choose "
        f"regularisation and learning rate with, means over {config.num_draws} draws; "
        f"differences are of the same draw. Chance is {results['chance']:.3g}.",
        f"All draws are tested on the same {num} texts: the choice of these adds up to "
        f"{0.5 / num**0.5:.3f} to the error of an accuracy, less to that of a difference.",
    ]
    if results["share_drawn"] > 0.5 and config.num_draws > 1:
        notes.append(
            f"A draw takes {results['share_drawn']:.0%} of the smallest class: draws have texts in "
            "common, and their errors are too small."
        )
    if results["answers"]:
        answers = ", ".join(f"{word} for {label}" for label, word in results["answers"].items())
        notes.append(f"The prompt is {config.prompt!r}, answered {answers}.")
    return notes


def _criteria_table(results: dict[str, Any]) -> StudyTable:
    rows: list[list[Any]] = []
    for kind, verdict in results["criteria"].items():
        for each in verdict["criteria"]:
            against = f"{KERNEL_NAMES[kind]}, {ARM_NAMES[verdict['arm']]}"
            rows.append([against, each["name"], each["value"], each["threshold"], each["verdict"]])
    return StudyTable(
        title="Is fine-tuning in the kernel regime?",
        header=["kernel and training", "criterion", "value", "threshold", "verdict"],
        rows=rows,
        notes=["Of means over draws; undefined where fine-tuning gains nothing."],
    )


def _shares_table(results: dict[str, Any]) -> StudyTable:
    return StudyTable(
        title="Where in the depth does the signal live? Parts of K_SGD",
        header=["parameters", "share of labels", "share of trace", "alignment", "accuracy alone"],
        rows=[
            [
                *(place["place"], place["label_share"]["sgd"], place["trace_share"]["sgd"]),
                *(place["alignment"], place["accuracy"]),
            ]
            for place in results["places"]
        ],
        notes=[
            "Shares add up to 1. Accuracy alone is that of the kernel over these parameters only.",
            "Shares, alignments and condition numbers are of differences between classes: what all "
            "logits have in common changes no answer.",
        ],
    )


def _places_table(results: dict[str, Any]) -> StudyTable:
    rows: list[list[Any]] = []
    for place in results["places"]:
        name = place["place"]
        depth = int(name.removeprefix("block ")) if name.startswith("block ") else None
        depth = 0 if name == "embeddings" else depth
        frozen, accuracy, apt = (
            None if values is None or depth is None or depth >= len(values) else values[depth]
            for values in (results["states"], results["block_accuracy"], results["mean_apt"])
        )
        rank = round(place["rank"]["value"], 1)  # its error would widen the table
        rows.append([name, place["condition_of_rank"], rank, frozen, accuracy, apt])
    size = results["places"][0]["size"]
    of_what = f" ({results['block_accuracy_of']})" if results["block_accuracy_of"] else ""
    return StudyTable(
        title="The kernel of each block at the start, and accuracy",
        header=[
            *("parameters", "condition number", "rank"),
            *("frozen state", "accuracy per block", "mean APT"),
        ],
        rows=rows,
        notes=[
            f"The condition number is that of the eigenvalues above rounding; a rank below {size} "
            "says that others are lost in it. A frozen state is read after the block, by ridge "
            f"regression on the same texts; accuracy per block{of_what} and mean APT are of the "
            "run's folder."
        ],
    )


def _groups_table(results: dict[str, Any]) -> StudyTable:
    kinds = list(results["kernels"])
    return StudyTable(
        title="Shares of the labels by block and kind of parameter",
        header=["parameters", *(KERNEL_NAMES[kind] for kind in kinds)],
        rows=[
            [
                each["place"]
                if each["place"] == each["kind"]
                else f"{each['place']} {each['kind']}",
                *(each["label_share"][kind] for kind in kinds),
            ]
            for each in results["groups"]
        ],
        notes=["Each column adds up to 1."],
    )


def _figures(results: dict[str, Any]) -> list[StudyFigure]:
    blocks = dict(block_rows(results))
    labels = ["emb", *(str(depth) for depth in range(1, len(results["depths"])))]
    embeddings = next((p for p in results["places"] if p["place"] == "embeddings"), None)
    places = [embeddings, *(blocks.get(depth) for depth in range(1, len(labels)))]
    accuracy = {
        "kernel of these parameters": [place and place["accuracy"] for place in places],
        "frozen state": list(results["states"]),
    }
    shares = {
        f"share of {what}": [place and place[key].get("sgd") for place in places]
        for what, key in (("labels", "label_share"), ("trace", "trace_share"))
    }
    return [
        StudyFigure(
            title="Accuracy of a block's kernel and of its frozen state",
            y_label="accuracy",
            x_labels=labels,
            curves=accuracy,
            chance=results["chance"],
            over="draws",
            unit="draws",
        ),
        StudyFigure(
            title="Shares of K_SGD by depth",
            y_label="share",
            x_labels=labels,
            curves=shares,
            over="draws",
            unit="draws",
        ),
    ]
