"""A tokenizer whose special ids are those of a model's configuration, wherever these are."""

import random
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

_SPECIAL = ("pad", "unk", "bos", "eos", "cls", "sep", "mask")


def fitting_tokenizer(config: Any, *, is_causal: bool, seed: int) -> Any:
    """One of words w<id>, of as many tokens as the model has or of up to ten less.

    Special ids that the configuration does not name are drawn. A causal model's has no mask and
    puts nothing around a text.
    """
    draw = random.Random(seed)
    named = {name: getattr(config, f"{name}_token_id", None) for name in _SPECIAL}
    if is_causal:
        named = {name: named[name] for name in ("pad", "unk", "bos", "eos")}
    known = {name: id for name, id in named.items() if isinstance(id, int)}
    known = {name: id for name, id in known.items() if 0 <= id < config.vocab_size}
    size = config.vocab_size - draw.randrange(11)
    size = max(size, *(id + 1 for id in known.values())) if known else size
    free = [id for id in range(size) if id not in known.values()]
    drawn = dict(zip(named, draw.sample(free, len(named)), strict=True))
    special = {name: f"[{name.upper()}]" for name in named}
    ids = {special[name]: known.get(name, drawn[name]) for name in named}
    words = {f"w{id}": id for id in range(size) if id not in ids.values()}
    tokenizer = Tokenizer(WordLevel(words | ids, unk_token=special["unk"]))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    if not is_causal:
        around = [(special[name], ids[special[name]]) for name in ("cls", "sep")]
        tokenizer.post_processor = TemplateProcessing(
            single=f"{special['cls']} $A {special['sep']}", special_tokens=around
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{name}_token": token for name, token in special.items()}
    )


def words_of(tokenizer: Any, num: int, *, seed: int) -> str:
    """A text of so many of its words."""
    words = sorted(set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens))
    return " ".join(random.Random(seed).choices(words, k=num))
