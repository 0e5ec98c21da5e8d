"""Pairs of masked tokens read in texts: gaps, joint laws; the truth in a language that is known."""
# D: depths. J: joint laws. N: pairs. R: figures.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from hf_apt.analysis.pairs.head_laws import HeadReadings, head_reading, require_head_of
from hf_apt.analysis.pairs.pair_asker import PairAnswers, PairAsker
from hf_apt.analysis.pairs.pair_config import PairConfig
from hf_apt.analysis.pairs.pair_places import PairPlace, pair_places
from hf_apt.analysis.pairs.pair_truth import KnownLanguage, known_truth, require_known
from hf_apt.data.whole_texts.encoded_texts import EncodedTexts
from hf_apt.depths.causality import is_causal
from hf_apt.depths.trunk import Trunk
from hf_apt.models.loading import num_positions, require_room
from hf_apt.stats.estimates import Estimate, mean_estimate
from hf_apt.stats.pairs.joint_figures import conditional_divergence, order_divergence
from hf_apt.stats.pairs.joints import JOINT_NAMES, JointName, PairLogits, pair_joint
from hf_apt.stats.pairs.nearest_joint import JointNotFoundError
from hf_apt.stats.pairs.pair_gap import divergences
from hf_apt.training.pairs.head_file import WordPairHead

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class PairReadings:
    """What a model says of pairs of masked tokens, one row a pair; all in nats."""

    texts_N: Int[np.ndarray, " pairs"]
    """The number of each pair's text."""

    distances_N: Int[np.ndarray, " pairs"]
    """Tokens from the first masked token to the second."""

    gap_ND2: Float[np.ndarray, "pairs depth 2"]
    """The pair gap, KL(chained joint || product), with the earlier token first, and the later."""

    gain_ND2: Float[np.ndarray, "pairs depth 2"]
    """By how much the chained joint makes the true pair likelier than the product. Its mean is that
    of the gap if the model is right."""

    tail_ND2: Float[np.ndarray, "pairs depth 2"]
    """Probability of the tokens that were not summed over exactly."""

    order_ND: Float[np.ndarray, "pairs depth"]
    """Jensen-Shannon divergence of the two chained joints, within the most probable tokens; 0 where
    one joint law has the model's conditionals and its p(a), p(b)."""

    surprisal_NDJ: Float[np.ndarray, "pairs depth joint"]
    """-log q(true pair) in each joint law of the most probable tokens; NaN, here and below, where a
    law was not found."""

    unfaithful_NDJ: Float[np.ndarray, "pairs depth joint"]
    """Mean divergence of the joint's conditionals from the model's."""

    from_truth_NDJ: Float[np.ndarray, "pairs depth joint"] | None
    """KL(exact || joint law) over the most probable tokens; None where the truth is not known."""

    exact_gap_N: Float[np.ndarray, " pairs"] | None
    """The pair gap of the exact law, a mutual information."""

    exact_gain_N: Float[np.ndarray, " pairs"] | None
    """The gain of the exact law."""

    exact_surprisal_N: Float[np.ndarray, " pairs"] | None
    """-log p(true pair) in the exact law, over the most probable tokens of the last depth."""

    head: HeadReadings | None = None
    """What a trained head over pairs says at the last depth; None without one."""

    def estimate(self, values_N: Any, *, distance: int | None = None) -> Estimate:
        """The mean of values of pairs, with its error over texts; NaN entries are left out.

        Args:
            values_N: a value for each pair.
            distance: of pairs of this distance only; all of a text are averaged if None.

        Returns:
            The mean over texts.
        """
        values_N = np.asarray(values_N, float)
        kept_N = ~np.isnan(values_N)
        if distance is not None:
            kept_N &= self.distances_N == distance
        texts, place_N = np.unique(self.texts_N[kept_N], return_inverse=True)
        sums = np.bincount(place_N, values_N[kept_N], len(texts))
        return mean_estimate(sums / np.bincount(place_N, minlength=len(texts)))

    def not_found(self) -> Int[np.ndarray, "depth joint"]:
        """Pairs of which a joint law was not found, of each law at each depth.

        Returns:
            Numbers of pairs, int64 of shape (D, J), in the order of `JOINT_NAMES`.
        """
        return np.isnan(self.surprisal_NDJ).sum(axis=0)

    def __len__(self) -> int:
        return len(self.texts_N)


def read_pairs(
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    config: PairConfig | None = None,
    *,
    language: KnownLanguage | None = None,
    head: WordPairHead | None = None,
) -> PairReadings:
    """How much two masked tokens say about each other, as a masked language model has it.

    For every pair the model is shown the text with both tokens masked, and with one of them masked
    and the other one replaced by each of its likely tokens: p(a) p(b | a) is a joint law of the
    two, by the chain rule and without a head of its own. At each depth the model's own head
    answers.

    Args:
        model: a loaded masked language model, which stays on its device.
        tokenizer: its tokenizer.
        texts: the texts, none empty.
        config: which pairs, and how many candidates.
        language: the planted or artificial language that the texts are of, whole documents; its
            exact law then stands beside.
        head: a head over pairs that was trained with the model, whose law then stands beside.

    Returns:
        A row for each pair.

    Raises:
        ValueError: before any pair is read, for a causal model, a tokenizer or a head of another
            model, a tokenizer without a mask, texts that are none or too short, and a language that
            is too large, or whose texts are not its own or would be cut; later for logits that are
            not finite and for texts that are no whole documents of the language.
    """
    config = config or PairConfig()
    if is_causal(model):
        raise ValueError(
            f"{type(model).__name__} predicts the next token and fills no masks: the joint law of "
            "its tokens is the chain rule's already."
        )
    if tokenizer.mask_token_id is None:
        raise ValueError("the tokenizer has no mask token: it is not for masked language models.")
    most = num_positions(model.config)
    length = config.sequence_length if most is None else min(config.sequence_length, most)
    encoded = EncodedTexts(tokenizer, texts, length)
    require_room(model, len(tokenizer), encoded.longest)
    if language is not None:
        _require_whole(tokenizer, texts, encoded, most)
        require_known(language, encoded.rows)
    places = pair_places(encoded.own, config.distances, config.seed)
    trunk = Trunk(model)
    if head is not None:
        require_head_of(trunk, head)
    asker = PairAsker(trunk, tokenizer.mask_token_id, config)
    rows = [
        _row(asker, head, encoded.rows[place.text], place, config, language)
        for place in _told(places)
    ]
    *fields, of_head = zip(*rows, strict=True)
    columns = [None if field[0] is None else np.array(field) for field in fields]
    return PairReadings(
        np.array([place.text for place in places]),
        np.array([place.distance for place in places]),
        *columns,  # pyright: ignore[reportArgumentType]
        head=None if head is None else HeadReadings.of(of_head),
    )


def _require_whole(
    tokenizer: Any, texts: Sequence[str], encoded: EncodedTexts, most: int | None
) -> None:
    """Raise ValueError where texts of a language were cut: its law is one of whole documents."""
    whole = tokenizer(list(texts), verbose=False)["input_ids"]
    longest = max(map(len, whole))
    if longest == encoded.longest:
        return
    remedy = f"give --sequence-length {longest}"
    if most is not None and longest > most:
        remedy = f"give documents of at most {most} tokens, for which the model has positions"
    raise ValueError(
        f"texts of {longest} tokens would be cut to {encoded.longest}, and the exact law is of "
        f"whole documents: {remedy}."
    )


def _row(
    asker: PairAsker,
    head: WordPairHead | None,
    ids: list[int],
    place: PairPlace,
    config: PairConfig,
    language: KnownLanguage | None,
) -> tuple[Any, ...]:
    """The fields of a pair, from `gap_ND2` on."""
    # First, since texts that are not of the language then take no pass.
    truth = None if language is None else known_truth(language, ids, place)
    generator = np.random.default_rng((config.seed, place.text, place.distance, 1))
    answers = asker(ids, place.first, place.second, generator)
    if not np.isfinite(answers.gap_D2() + answers.gain_D2()).all():
        raise ValueError(
            "logits are not finite: look for NaN or infinite weights, or an overflow of float16."
        )
    true = _place_of(answers, ids[place.first], ids[place.second])
    exact_AB = None
    if truth is not None:
        exact_AB = truth.restricted(*answers.kept())
    order_D, surprisal_DJ, unfaithful_DJ, from_truth_DJ = [], [], [], []
    for depth in range(len(answers.log_true_D2)):
        logits = answers.logits(depth)
        laws = {name: _law(logits, name) for name in JOINT_NAMES}
        order_D.append(order_divergence(laws["first_chained"], laws["second_chained"]))
        surprisal_DJ.append([-law_AB[true] for law_AB in laws.values()])
        unfaithful_DJ.append([conditional_divergence(logits, law) for law in laws.values()])
        if exact_AB is not None:
            from_truth_DJ.append(
                [float(divergences(exact_AB.ravel(), law.ravel())) for law in laws.values()]
            )
    tail_D2 = np.stack([answers.first.tail_D, answers.second.tail_D], axis=1)
    return (
        *(answers.gap_D2(), answers.gain_D2(), tail_D2),
        *(order_D, surprisal_DJ, unfaithful_DJ, from_truth_DJ or None),
        None if truth is None else truth.gap,
        None if truth is None else truth.gain,
        None if exact_AB is None else -exact_AB[true],
        head and head_reading(head, answers, place.distance, true, exact_AB),
    )


def _law(logits: PairLogits, name: JointName) -> np.ndarray:
    """A joint law, NaN throughout if it was not found."""
    try:
        return pair_joint(logits, name)
    except JointNotFoundError:
        return np.full(logits.first_given_second_AB.shape, np.nan)


def _place_of(answers: PairAnswers, first_id: int, second_id: int) -> tuple[int, int]:
    """Where the true pair stands in the joint laws of the most probable tokens."""
    first_K, second_K = answers.kept()
    return int((first_K == first_id).argmax()), int((second_K == second_id).argmax())


def _told(places: list[PairPlace]) -> Any:
    from tqdm.auto import tqdm

    return tqdm(places, desc="Asking", unit=" pairs")
