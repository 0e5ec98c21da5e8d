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
        for name in ("cls_norms", "cls_projections"):
            given = getattr(self, name)
            numbers = tuple(given) if isinstance(given, (tuple, list)) else (given,)
            if any(type(number) is not int or number < 1 for number in numbers):
                raise ValueError(f"{name} is {given!r}: give numbers of blocks, from 1 on.")
            if len({*numbers}) < len(numbers):
                raise ValueError(f"{name} is {given!r}: name each block once.")
            setattr(self, name, numbers)
        if not set(self.cls_projections) <= set(self.cls_norms):
            raise ValueError(
                f"cls_projections is {self.cls_projections} and cls_norms is {self.cls_norms}: "
                "name the blocks of the first in the second, too."
            )
        if self.is_decoder:
            raise ValueError("a decoder has no [CLS] that reads its text: leave is_decoder out.")


Bert6ClsConfig.register_for_auto_class("AutoConfig")
