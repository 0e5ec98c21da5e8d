"""BERT-6: BERT-base with six transformer blocks."""

# This file travels with every saved checkpoint, so that it opens without hf_apt by
# `trust_remote_code=True`: it may import transformers only.

from transformers import BertConfig


class Bert6Config(BertConfig):
    """Configuration of BERT-6 (arXiv 2509.03407): BERT-base with 6 blocks.

    It adds no field to `BertConfig`, so a BERT-6 checkpoint also opens as a plain BERT.
    """

    model_type = "bert6"
    num_hidden_layers: int = 6


Bert6Config.register_for_auto_class("AutoConfig")
