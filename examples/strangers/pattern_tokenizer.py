"""Tokenizers whose tokens are the matches of a pattern: residues of a chain, atoms of a SMILES."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

RESIDUE = "."
"""A letter of a protein."""

ATOM = r"\[[^\]]+\]|Br|Cl|>>|%[0-9]{2}|."
"""A bracket atom, a halogen of two letters, an arrow, a ring number of two digits, or a sign."""

BERT = {f"{each}_token": f"[{each.upper()}]" for each in "pad unk cls sep mask".split()}
FAIRSEQ = {
    **{"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"},
    **{"cls_token": "<s>", "sep_token": "</s>"},
}


def pattern_tokenizer(
    tokens: Sequence[str],
    pattern: str,
    special: Mapping[str, str],
    *,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> PreTrainedTokenizerFast:
    """A tokenizer of the tokens given in the order of their ids.

    Args:
        tokens: every token, by its id.
        pattern: what one token is, as a regular expression; blanks are left out.
        special: names of arguments of the tokenizer, such as `mask_token`, and their tokens.
        before: what stands before every text, special tokens or tokens of a condition.
        after: what stands after every text.

    Raises:
        ValueError: if a token is missing that is to be special, or to stand about a text.
    """
    ids = {token: index for index, token in enumerate(tokens)}
    if missing := sorted({*special.values(), *before, *after} - ids.keys()):
        raise ValueError(f"the vocabulary has no {', '.join(missing)}.")
    words = Tokenizer(models.WordLevel(ids, unk_token=special["unk_token"]))
    split = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(pattern), "isolated")]
    words.pre_tokenizer = pre_tokenizers.Sequence(split)
    about = [(token, ids[token]) for token in dict.fromkeys((*before, *after))]
    words.post_processor = processors.TemplateProcessing(
        single=[*before, "$A", *after], special_tokens=about
    )
    conditions = [token for token in before if token not in special.values()]
    return PreTrainedTokenizerFast(
        tokenizer_object=words, additional_special_tokens=conditions, **special
    )
