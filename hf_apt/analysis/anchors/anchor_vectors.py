"""The anchor vector of a language model at every depth, beside twins with random weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hf_apt.analysis.anchors.anchor_config import AnchorConfig
from hf_apt.analysis.anchors.anchor_reader import AnchorReader, require_word_vectors
from hf_apt.data.measurement_batches import AskedBatch
from hf_apt.data.whole_texts.encoded_texts import EncodedTexts, TextBatch
from hf_apt.depths.causality import is_causal
from hf_apt.depths.depth_pass import read
from hf_apt.depths.own_head import OwnHead
from hf_apt.depths.trunk import Trunk
from hf_apt.models.fresh import untrained_twin
from hf_apt.models.loading import num_positions, require_room
from hf_apt.stats.anchors.anchor_fit import AnchorFit
from hf_apt.stats.anchors.anchor_sums import covariance
from hf_apt.stats.anchors.bulk import AnchorBulk
from hf_apt.stats.anchors.products import PrincipalProducts, principal_products

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_STATES_PER_WIDTH = 4
"""States a direction that principal components are taken of."""


@dataclass(frozen=True)
class AnchorVectors:
    """The fits of a model at every depth, and those of its twins with random weights."""

    fits_D: list[AnchorFit]
    """For each depth the fit, 0 = embeddings, m = after block m."""

    twins: list[list[AnchorFit]]
    """For each twin with random weights the fit at every depth."""

    is_causal: bool
    """Whether the model predicts the next token."""

    positions: str
    """Where it was read, in words."""

    num_documents: int
    """Texts that were read."""


def anchor_vectors(
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    config: AnchorConfig | None = None,
) -> AnchorVectors:
    """How well one vector predicts the log bulk partition of a language model, at every depth.

    Each depth's state is passed through the model's own head, up to its output layer; the
    log-partition of what comes out is fitted by an affine function of it (`hf_apt.anchor_fit`).
    Masks are the same for the model and its twins.

    Memory: beside the model, the square of the width of the states in float64, for each depth and
    each of up to 20 groups of texts: 18 MB for 7 depths of 128.

    Args:
        model: a loaded masked or causal language model, which stays on its device.
        tokenizer: its tokenizer.
        texts: the texts, none empty; each counts as one document.
        config: where the model is read, which words are the bulk, and how many twins there are.

    Returns:
        The fits at every depth, and those of twins.

    Raises:
        ValueError: before any pass, for texts that are none, fewer than two, a tokenizer of another
            model, a word that is not one token, a head without word vectors, and where memory does
            not suffice; later for states that are not finite.
    """
    config = config or AnchorConfig()
    most = num_positions(model.config)
    length = config.sequence_length if most is None else min(config.sequence_length, most)
    encoded = EncodedTexts(tokenizer, texts, length)
    require_room(model, len(tokenizer), encoded.longest)
    causal = is_causal(model)
    asked = _AskedTexts(encoded, config, _mask_id(tokenizer, config, causal), causal)
    bulk = config.bulk_of(word_ids(tokenizer, config.words))
    fits = _fits(model, asked, bulk, config)
    twins = (untrained_twin(model, seed=config.seed + at) for at in range(config.num_twins))
    others = [_fits(twin.to(model.device), asked, bulk, config) for twin in twins]
    return AnchorVectors(fits, others, causal, asked.said(), len(encoded))


def word_ids(tokenizer: Any, words: Sequence[str]) -> tuple[int, ...]:
    """The id of each word. Raises ValueError for a word that is not one known token."""
    ids = []
    for word in words:
        own = tokenizer(word, add_special_tokens=False)["input_ids"]
        if len(own) != 1 or own[0] == tokenizer.unk_token_id:
            raise ValueError(f"the word {word!r} is not one token of the tokenizer: leave it out.")
        ids.append(own[0])
    return tuple(ids)


def _mask_id(tokenizer: Any, config: AnchorConfig, causal: bool) -> int | None:
    """What is shown at masked positions; None where nothing is masked."""
    if causal or config.positions == "all":
        return None
    if tokenizer.mask_token_id is None:
        raise ValueError("the tokenizer has no mask token: read all positions (positions='all').")
    return tokenizer.mask_token_id


class _AskedTexts:
    """Encoded texts, and where states are read in them."""

    def __init__(
        self, encoded: EncodedTexts, config: AnchorConfig, mask_id: int | None, causal: bool
    ):
        self.encoded, self._config = encoded, config
        self._mask_id, self._causal = mask_id, causal

    def said(self) -> str:
        """Where states are read, in words."""
        if self._causal:
            return "before every next token"
        if self._mask_id is None:
            return "at every token of unmasked text"
        return f"at the {self._config.masking_rate:.0%} of the tokens that show the mask token"

    @property
    def num_states(self) -> int:
        """About how many states are read."""
        share = 1.0 if self._mask_id is None else self._config.masking_rate
        return round(share * self.encoded.num_own)

    def batches(self, numbers: Sequence[int] | None = None) -> Iterator[AskedBatch]:
        for batch in self.encoded.batches(self._config.batch_size, numbers):
            yield self._asked(batch)

    def _asked(self, batch: TextBatch) -> AskedBatch:
        asked_BT, ids_BT = batch.own_BT.clone(), batch.ids_BT.clone()
        if self._causal:  # before each token of the text's own that has one before it
            asked_BT = torch.cat([asked_BT[:, 1:], torch.zeros_like(asked_BT[:, :1])], dim=1)
        elif self._mask_id is not None:
            for row, number in enumerate(batch.numbers_B):
                asked_BT[row] = self._masked(asked_BT[row], int(number))
            ids_BT[asked_BT] = self._mask_id
        return AskedBatch(
            inputs={"input_ids": ids_BT, "attention_mask": batch.present_BT},
            asked_BT=asked_BT,
            references_N=batch.ids_BT[asked_BT].numpy(),
            sequences_N=batch.numbers_B[asked_BT.nonzero()[:, 0].numpy()],
            treatments_N=np.zeros(int(asked_BT.sum()), np.uint8),
        )

    def _masked(self, own_T: torch.Tensor, number: int) -> torch.Tensor:
        """The masked ones of a text's own tokens, one at least, the same in every pass."""
        positions = own_T.nonzero()[:, 0].numpy()
        num = max(1, round(self._config.masking_rate * len(positions)))
        draw = np.random.default_rng((self._config.seed, number))
        chosen_T = torch.zeros_like(own_T)
        chosen_T[draw.choice(positions, num, replace=False)] = True
        return chosen_T


def _fits(
    model: PreTrainedModel, asked: _AskedTexts, bulk: AnchorBulk, config: AnchorConfig
) -> list[AnchorFit]:
    head, products = OwnHead(Trunk(model)), None
    require_word_vectors(head)
    if config.num_components:
        products = _products(head, asked, config.num_components)
    reader = AnchorReader(head, bulk, len(asked.encoded), products)
    read(head.trunk, _told(asked, range(len(asked.encoded))), [reader])
    return reader.fits(ridge=config.ridge)


def _products(head: OwnHead, asked: _AskedTexts, num_components: int) -> list[PrincipalProducts]:
    """Principal components at each depth, of the states of some of the texts."""
    decoder = head.decoder
    assert decoder is not None
    moments = _Moments(head)
    stride = asked.num_states // (_STATES_PER_WIDTH * decoder.weight.shape[1])
    read(head.trunk, asked.batches(range(0, len(asked.encoded), max(stride, 1))), [moments])
    return [
        principal_products(*covariance(gram_XX, range(len(gram_XX) - 1)), num_components)
        for gram_XX in moments.total
    ]


class _Moments:
    """A reader that adds up the products of states, and of 1 in the last column."""

    def __init__(self, head: OwnHead):
        self._head = head
        self.total: Any = [0.0] * head.trunk.num_depths

    def update(self, batch: AskedBatch, hidden_DNH: torch.Tensor) -> None:
        for depth, hidden_NH in enumerate(hidden_DNH):
            states_NE = self._head.features(hidden_NH).double().cpu().numpy()
            columns_NX = np.concatenate([states_NE, np.ones((len(states_NE), 1))], axis=1)
            self.total[depth] = self.total[depth] + columns_NX.T @ columns_NX


def _told(asked: _AskedTexts, numbers: Sequence[int]) -> Iterator[AskedBatch]:
    from tqdm.auto import tqdm

    num = -(-len(numbers) // asked._config.batch_size)
    yield from tqdm(asked.batches(numbers), desc="Fitting", total=num, unit=" batches")
