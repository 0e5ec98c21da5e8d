"""Which tokens a masked language model has learnt, at which block, and what it confuses with what."""

from hf_apt.bert6 import register_lazily

__version__ = "0.1.0"

register_lazily()
