"""Training on a language that changes from round to round: by an adversary, by chance, or not.

A round is some steps on documents of one language. Everything that is drawn is a pure function of
seed and step, and the state is written after each round, so that an interrupted training goes on as
if it had not been.
"""
# P parameters.

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from hf_apt.atomic import writing
from hf_apt.data.planted.parameters import LanguageBounds, LanguageParameters
from hf_apt.models.fresh import fresh_model
from hf_apt.models.shapes import ModelShape
from hf_apt.stats.config_checks import (
    require_one_of,
    require_positive,
    require_seed,
    require_share,
    require_whole,
)
from hf_apt.training.languages.language_adversary import AdversaryConfig, moved
from hf_apt.training.languages.regret import (
    FIRST,
    AskedTexts,
    Regret,
    model_answers,
    regret,
)

Choice = Literal["fixed", "uniform", "adversary"]
"""How the language of a round is chosen."""

_UNIFORM, _UNSEEN = 0, 1
"""Streams of drawn languages: those of a training, and those that no training sees."""

_TRAINING, _ADVERSARY, _ZERO_SHOT = 1_000, 2_000, 3_000
"""Added to a seed: seeds of the documents of a training, an adversary, a test."""


def _narrow() -> ModelShape:
    return ModelShape(
        hidden_size=64,
        num_heads=4,
        num_blocks=2,
        dropout=0.0,
        initializer_range=0.05,
        sinusoidal_positions=True,
    )


@dataclass(frozen=True, kw_only=True)
class LanguageTraining:
    """A training on languages within bounds.

    Raises:
        ValueError: for numbers below 1, a choice that there is not, a rate outside (0, 1), a start
            outside the bounds, and a model with dropout, which could not be resumed exactly.
    """

    choice: Choice
    """How the language of a round is chosen: the first one, always; drawn; or by the adversary."""

    bounds: LanguageBounds = field(default_factory=LanguageBounds)
    """Within which languages lie."""

    start: LanguageParameters = field(default_factory=LanguageParameters)
    """The first language; `uniform` leaves it out."""

    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)
    """How the adversary moves; others have none."""

    shape: ModelShape = field(default_factory=_narrow)
    """Size of the model."""

    num_rounds: int = 40
    """Number of rounds."""

    steps_a_round: int = 25
    """Number of steps on one language."""

    batch_size: int = 32
    """Number of documents in a step."""

    learning_rate: float = 2.8e-3
    """Largest learning rate: reached after a twentieth of the steps, and 0 in the end."""

    masking_rate: float = 0.3
    """Share of the positions that is asked in training."""

    evaluate_every: int = 10
    """Number of rounds between two tests on unseen languages."""

    num_unseen: int = 16
    """Number of unseen languages, drawn uniformly within the bounds; the same for all seeds."""

    seed: int = 0
    """Seeds weights, documents, masks and choices."""

    def __post_init__(self) -> None:
        require_one_of(self, "choice", get_args(Choice))
        require_whole(self, "num_rounds", "steps_a_round", "batch_size", "evaluate_every")
        require_whole(self, "num_unseen")
        require_share(self, "masking_rate")
        require_positive(self, "learning_rate")
        require_seed(self)
        if self.choice != "uniform":
            self.bounds.place(self.start)
        if self.shape.dropout:
            raise ValueError(
                f"dropout is {self.shape.dropout}: languages are trained on without it, so that a "
                "training can be resumed exactly."
            )


def unseen_languages(config: LanguageTraining) -> list[LanguageParameters]:
    """The languages of the tests, which depend on their number and the bounds alone."""
    return [config.bounds.at(config.bounds.drawn(_UNSEEN, n)) for n in range(config.num_unseen)]


def zero_shot(model: Any, config: LanguageTraining) -> list[Regret]:
    """The regret of a model on each unseen language, on 32 documents each, without any training.

    The words mean the same in all languages; how probable they are has to be read off the document.
    The exact predictor is told the language, so that no model reaches 0 everywhere.
    """
    answers, texts = model_answers(model), AskedTexts(num_documents=32, seed=_ZERO_SHOT)
    return [regret(answers, each.language(), texts) for each in unseen_languages(config)]


def train_on_languages(
    config: LanguageTraining, folder: Path, *, stop_after: int | None = None
) -> dict[str, Any]:
    """Train, or go on, and leave `state.pt` in `folder` after each round.

    Args:
        config: the training.
        folder: where the state is; it is new, or holds this training.
        stop_after: number of rounds after which to stop, as if interrupted; None for the end.

    Returns:
        `rounds`, the parameters of each round with the regret that the adversary found there, and
        `tests`, figures on unseen languages after some rounds: `mean_nats`, `worst_nats`,
        `accuracy`, `ceiling`.

    Raises:
        ValueError: if the folder holds another training.
    """
    import torch

    path = folder / "state.pt"
    model, optimizer = _fresh(config)
    state: dict[str, Any] = {"config": repr(config), "rounds": [], "tests": []}
    if path.exists():
        state = torch.load(path, weights_only=True)
        if state["config"] != repr(config):
            raise ValueError(f"{folder} holds another training: choose another folder.")
        model.load_state_dict(state.pop("model"))
        optimizer.load_state_dict(state.pop("optimizer"))
    end = config.num_rounds if stop_after is None else min(stop_after, config.num_rounds)
    for number in range(len(state["rounds"]), end):
        chosen, nats = _language_of(config, state["rounds"], number, model)
        _train(config, chosen, number, model, optimizer)
        state["rounds"].append({"parameters": asdict(chosen), "regret": nats})
        if (number + 1) % config.evaluate_every == 0 or number + 1 == config.num_rounds:
            state["tests"].append({"round": number + 1} | _figures(zero_shot(model, config)))
        whole = state | {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        with writing(path, "wb") as file:
            torch.save(whole, file)
    return {"rounds": state["rounds"], "tests": state["tests"]}


def trained_model(config: LanguageTraining, folder: Path) -> Any:
    """The model of a training that is in `folder`, to be asked.

    Raises ValueError if there is none.
    """
    import torch

    path = folder / "state.pt"
    if not path.exists():
        raise ValueError(f"{folder} holds no training: train_on_languages makes one.")
    model, _ = _fresh(config)
    model.load_state_dict(torch.load(path, weights_only=True)["model"])
    return model.eval()


def _fresh(config: LanguageTraining) -> tuple[Any, Any]:
    import torch

    vocab_size = FIRST + config.start.language().num_words
    model = fresh_model(config.shape, vocab_size=vocab_size, num_positions=50, seed=config.seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    return model, optimizer


def _language_of(
    config: LanguageTraining, rounds: list[dict[str, Any]], number: int, model: Any
) -> tuple[LanguageParameters, float | None]:
    """The language of a round, and the regret that the adversary found there."""
    if config.choice == "uniform":
        return config.bounds.at(config.bounds.drawn(_UNIFORM, config.seed, number)), None
    present = LanguageParameters(**rounds[-1]["parameters"]) if rounds else config.start
    if config.choice == "fixed" or number == 0:
        return present, None
    texts = AskedTexts(seed=_ADVERSARY + config.seed, start=64 * number)
    answers = model_answers(model)
    move = moved(
        config.bounds.place(present),
        config.adversary,
        number,
        lambda place_P: regret(answers, config.bounds.at(place_P).language(), texts).nats,
    )
    if config.adversary.step_size == 0:
        return present, float(move.regrets_M[0])
    return config.bounds.at(move.place_P), float(move.regrets_M.max())


def _train(
    config: LanguageTraining,
    parameters: LanguageParameters,
    number: int,
    model: Any,
    optimizer: Any,
) -> None:
    """The steps of one round."""
    import torch

    language, total = parameters.language(), config.num_rounds * config.steps_a_round
    model.train()
    for step in range(number * config.steps_a_round, (number + 1) * config.steps_a_round):
        warm = min((step + 1) / max(total // 20, 1), (total - step) / (total - total // 20))
        optimizer.param_groups[0]["lr"] = config.learning_rate * warm
        texts = AskedTexts(
            num_documents=config.batch_size,
            masking_rate=config.masking_rate,
            seed=_TRAINING + config.seed,
            start=step * config.batch_size,
        )
        batch, _ = texts.read(language)
        output = model(
            input_ids=torch.as_tensor(batch.input_ids_BT).long(),
            labels=torch.as_tensor(batch.labels_BT).long(),
        )
        optimizer.zero_grad()
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def _figures(regrets: list[Regret]) -> dict[str, float]:
    nats = np.array([each.nats for each in regrets])
    return {
        "mean_nats": float(nats.mean()),
        "worst_nats": float(nats.max()),
        "accuracy": float(np.mean([each.accuracy for each in regrets])),
        "ceiling": float(np.mean([each.ceiling for each in regrets])),
    }
