"""Which tokens a masked language model has learnt, at which block, and what it confuses with what.

Importing hf_apt makes BERT-6, also with weights of its own for [CLS], BERT with a convolutional
front-end, a generator with its discriminator, and soft committees known to transformers' Auto
classes. The public names are listed in `__init__.pyi` and imported when they are first used, so
that this takes no time.
"""

import lazy_loader

from hf_apt.models.registration import COMMITTEE, SELECTION, register_lazily

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

register_lazily("bert6", "Bert6", "hf_apt.models.bert6")
register_lazily("bert6_cls", "Bert6Cls", "hf_apt.models.bert6")
register_lazily("bert_conv", "BertConv", "hf_apt.models.bert6")
register_lazily("soft_committee", "SoftCommittee", "hf_apt.models.committee", COMMITTEE)
register_lazily("apt_selection", "Selection", "hf_apt.models.selection", SELECTION)
