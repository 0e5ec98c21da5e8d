"""BERT-6 in which [CLS] has weights of its own."""

# This file travels with every saved checkpoint, so that it opens without hf_apt by
# `trust_remote_code=True`: it may import transformers only.

from transformers import BertConfig


class Bert6ClsConfig(BertConfig):
    """Configuration of BERT-6 in which [CLS] is normalised and projected by weights of its own.

    After arXiv 2602.08626, which does it in vision transformers. Numbers of blocks begin at 1;
    those of blocks that a model does not have, as one cut after a block, name nothing.

    Raises:
        ValueError: for what are no numbers of blocks, for projections in a block without
            normalisations, and for a decoder.
    """

    model_type = "bert6_cls"
    num_hidden_layers: int = 6

    cls_norms: tuple[int, ...] | list[int] = ()
    """Numbers of the blocks that normalise [CLS] by weights of its own."""

    cls_projections: tuple[int, ...] | list[int] = ()
    """Numbers of those among them that also make its query, key and value by weights of its own."""

    def __post_init__(self, **kwargs):
        super().__post_init__(**kwargs)
        self.cls_norms = tuple(self.cls_norms)
        self.cls_projections = tuple(self.cls_projections)
        for name in ("cls_norms", "cls_projections"):
            if any(number < 1 for number in getattr(self, name)):
                raise ValueError(
                    f"{name} is {getattr(self, name)}: give numbers of blocks, from 1 on."
                )
        if not set(self.cls_projections) <= set(self.cls_norms):
            raise ValueError(
                f"cls_projections is {self.cls_projections} and cls_norms is {self.cls_norms}: "
                "name the blocks of the first in the second, too."
            )
        if self.is_decoder:
            raise ValueError("a decoder has no [CLS] that reads its text: leave is_decoder out.")


Bert6ClsConfig.register_for_auto_class("AutoConfig")
