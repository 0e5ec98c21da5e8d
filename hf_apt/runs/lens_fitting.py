"""A lens fitted to a checkpoint on a corpus, written to a file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from hf_apt.data.corpora import open_corpus
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.sequences import Layout
from hf_apt.data.tokenizer import load_tokenizer
from hf_apt.data.tokens import write_tokens
from hf_apt.depths.head_config import HeadConfig
from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.depths.lenses.jacobian import fit_jacobian
from hf_apt.depths.lenses.jacobian_config import JacobianConfig
from hf_apt.depths.lenses.jacobian_cost import JacobianCost, jacobian_cost
from hf_apt.depths.lenses.lens_kind import LensKind
from hf_apt.depths.trunk import Trunk
from hf_apt.models.devices import to_device
from hf_apt.models.loading import load_masked_lm, require_room
from hf_apt.ownership import MARKER, require_new_file
from hf_apt.records.checkpoints import pinned
from hf_apt.runs.natural_layout import layout_of
from hf_apt.stats.config_checks import require_one_of, require_whole
from hf_apt.training.translator_training import train_translator


@dataclass(frozen=True, kw_only=True)
class LensConfig:
    """Which lens is fitted, and how.

    Raises ValueError for an unknown kind and for sequences of fewer than 8 tokens.
    """

    kind: LensKind = "jacobian"
    """The kind of lens."""

    sequence_length: int = 128
    """Tokens in a sequence, special ones included."""

    layout: Layout | None = None
    """How documents become sequences; None for the first tokens of each where most are shorter than
    a sequence, else packed, as `measure` reads them."""

    jacobian: JacobianConfig = field(default_factory=JacobianConfig)
    """Positions at which a Jacobian lens is fitted."""

    translator: HeadConfig = field(default_factory=HeadConfig)
    """How a translator is trained."""

    def __post_init__(self) -> None:
        require_one_of(self, "kind", get_args(LensKind))
        require_whole(self, "sequence_length", least=8)
        if self.layout is not None:
            require_one_of(self, "layout", get_args(Layout))


def fit_lens(
    checkpoint: str,
    source: CorpusSource,
    path: Path,
    config: LensConfig | None = None,
    *,
    told: Callable[[JacobianCost], None] = lambda cost: None,
) -> DepthMaps:
    """The lens of a masked-LM `checkpoint`, fitted on the training side of a text and saved.

    A Jacobian lens reads no more documents than it needs; before it is fitted, `told` is called
    with what it costs.

    Raises ValueError, before anything is computed, for a `path` that is no .safetensors file, a
    checkpoint or text that cannot be read, a causal model, and sequences that the model does not
    take.
    """
    config = config or LensConfig()
    require_lens_file(path)
    checkpoint = pinned(checkpoint)
    tokenizer = load_tokenizer(checkpoint)
    model = to_device(load_masked_lm(checkpoint))
    require_room(model, len(tokenizer), config.sequence_length)
    trunk = Trunk(model)
    documents = open_corpus(source).train
    with tempfile.TemporaryDirectory() as aside:
        tokens = write_tokens(
            Path(aside) / "tokens",
            documents,
            tokenizer,
            sequence_length=config.sequence_length,
            layout=config.layout or layout_of(documents, tokenizer, config.sequence_length),
            num_sequences=config.jacobian.num_sequences if config.kind == "jacobian" else None,
        )
        if config.kind == "jacobian":
            told(jacobian_cost(trunk, config.sequence_length, config.jacobian))
            maps = fit_jacobian(trunk, tokens, config.jacobian)
        else:
            maps = train_translator(trunk, tokens, config.translator)
    maps.save(path)
    return maps


def require_lens_file(path: Path) -> None:
    """Raise ValueError unless `path` is the name of a new .safetensors file, outside of a run."""
    if path.suffix != ".safetensors":
        raise ValueError(f"{path} is no .safetensors file, and a lens is saved as one: name one.")
    folder = path.absolute().parent
    if folder.name == "heads" and (folder.parent / MARKER).exists():
        raise ValueError(f"{folder} is where a run keeps its own lenses: name a file elsewhere.")
    require_new_file(path)
