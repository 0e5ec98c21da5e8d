"""A section of the model card that a Trainer writes: what `AptCallback` measured, by depth."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import Trainer

from hf_apt.atomic import writing
from hf_apt.models.description import depth_names
from trainer_callbacks.apt import AptCallback
from trainer_callbacks.files import StepFiles

BEGIN, END = "<!-- hf_apt: begin -->", "<!-- hf_apt: end -->"
"""What encloses the section, by which it is found again."""

_PAPER = "https://arxiv.org/abs/2509.03407"
_NAME = re.compile(r"(.+)-step-\d{8,}\.json")

_Base = Trainer if TYPE_CHECKING else object


class WithAptCard(_Base):
    """A Trainer whose model card has a section on accuracy per token, by depth.

    `class MyTrainer(WithAptCard, Trainer)`, with an `AptCallback`: wherever the Trainer writes its
    card, at `push_to_hub` and at `create_model_card`, the figures of the last measurement are in
    it; those of the step of the best model, if that was loaded at the end and was measured. A
    Trainer tells callbacks of a push before it writes the card, so that no callback could add them.
    Without measurements the card is the Trainer's own.
    """

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write the Trainer's card, then the section.

        Args:
            *args: as of `Trainer.create_model_card`.
            **kwargs: as of `Trainer.create_model_card`.
        """
        super().create_model_card(*args, **kwargs)
        if self.is_world_process_zero():
            config = getattr(self.model, "config", None)
            is_best = self.args.load_best_model_at_end and self.state.best_global_step
            step = self.state.best_global_step if is_best else self.state.global_step
            add_apt_section(Path(str(self.args.output_dir)), config=config, step=step)


def add_apt_section(output_dir: Path | str, *, config: Any = None, step: int | None = None) -> bool:
    """Put what `AptCallback` measured into `<output_dir>/README.md`, in place of an older section.

    The rest of the card stays as it is; without one, the section is all of it.

    Args:
        output_dir: the output folder of a training with `AptCallback`.
        config: the model's configuration, which says what its depths are called; plain names if
            None.
        step: the optimiser step that the published weights are of; its figures are shown where it
            was measured, and those of the last measurement else, with a word on it.

    Returns:
        Whether there was anything to say; without a measurement nothing is written.

    Raises:
        ValueError: if the card holds the mark of one end of a section without the other, or several
            sections.
    """
    section = apt_section(_measured(Path(output_dir), step), config=config, step=step)
    if not section:
        return False
    path = Path(output_dir) / "README.md"
    card = path.read_text(encoding="utf-8") if path.exists() else ""
    with writing(path) as file:
        file.write(with_section(card, section, str(path)))
    return True


def with_section(card: str, section: str, name: str = "the card") -> str:
    """A card with the section in place of the one it has, or at its end.

    Raises ValueError, with the card's `name`, unless it holds no section or one whole section.
    """
    enclosed = f"{BEGIN}\n{section.strip()}\n{END}"
    if card.count(BEGIN) == card.count(END) == 0:
        return f"{card.rstrip()}\n\n{enclosed}\n".lstrip("\n")
    start, end = card.find(BEGIN), card.find(END)
    if card.count(BEGIN) != 1 or card.count(END) != 1 or start > end:
        raise ValueError(
            f"{name} must hold {BEGIN} and {END} once, in this order: take them out of it."
        )
    return f"{card[:start]}{enclosed}{card[end + len(END) :]}"


def apt_section(
    measured: Mapping[str, Mapping[str, Any]], *, config: Any = None, step: int | None = None
) -> str:
    """The section in Markdown; empty without measurements.

    Args:
        measured: the tables of `AptCallback`, `<prefix>-step-<step>.json`, by prefix.
        config: the model's configuration, which may name its depths.
        step: the step that the weights are of, if it is known.
    """
    if not measured:
        return ""
    parts = [_table(prefix, content, config, step) for prefix, content in measured.items()]
    return "\n\n".join(
        [
            "## Accuracy per token, by depth",
            f"Mean APT, the order parameter of [arXiv 2509.03407]({_PAPER}): the share of a "
            "token's asked occurrences that are predicted right, averaged over tokens, each "
            "counting once. "
            "Accuracy is the share of positions. ± is one standard error.",
            *parts,
            "Measured by `hf_apt.AptCallback`.",
        ]
    )


def _table(prefix: str, content: Mapping[str, Any], config: Any, step: int | None) -> str:
    measured_at = int(content["step"])
    depths = content["depths"]
    treatments = [name for name in ("pooled", "masked") if name in depths[0]]
    if not set(depths[0]) & {"replaced", "unchanged"}:
        treatments = ["pooled"]
    header = ["depth", "mean APT", "tokens", "accuracy", "positions"]
    header += ["accuracy at the mask"] * (len(treatments) - 1)
    names = depth_names(config, len(depths))
    rows = [
        [
            name,
            _shown(at["pooled"]["mean_apt"]),
            _number(at["pooled"]["mean_apt"]),
            _shown(at["pooled"]["accuracy"]),
            _number(at["pooled"]["accuracy"]),
            *(_shown(at[treatment]["accuracy"]) for treatment in treatments[1:]),
        ]
        for name, at in zip(names, depths, strict=True)
    ]
    other = "" if step in (None, measured_at) else f"; the weights are those of step {step}"
    lines = [f"`{_plain(prefix)}`, step {measured_at}{other}:", ""]
    lines += [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
    sentence = (content.get("ruler") or {}).get("sentence")
    return "\n".join([*lines, *(["", sentence] if sentence else [])])


def _measured(output_dir: Path, step: int | None) -> dict[str, Any]:
    """The newest table of each prefix, or that of `step` where there is one.

    Files that are no tables of `AptCallback` are left out.
    """
    files = StepFiles(output_dir / AptCallback.folder)
    names = sorted(path.name for path in files.folder.glob("*-step-*.json"))
    prefixes = dict.fromkeys(match[1] for name in names if (match := _NAME.fullmatch(name)))
    measured = {}
    for prefix in prefixes:
        steps = files.steps(prefix)
        preferred = [each for each in steps if each == step] + steps[::-1]
        contents = (_content(files.path(prefix, each, "json")) for each in preferred)
        content = next(filter(None, contents), None)
        if content is not None:
            measured[prefix] = content
    return measured


def _content(path: Path) -> dict[str, Any] | None:
    """A table of `AptCallback`; None for a file of somebody else's, and for a broken one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _table("", content, None, None)
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
    return content


def _shown(estimate: Mapping[str, Any]) -> str:
    value, error = estimate["value"], estimate["standard_error"]
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.3f}" if error is None or math.isnan(error) else f"{value:.3f} ± {error:.3f}"


def _number(estimate: Mapping[str, Any]) -> str:
    return f"{estimate['num']:,}"


def _plain(name: str) -> str:
    """A name of data, which a user gave, without what Markdown would read."""
    return re.sub(r"[^\w .-]", "_", name)
