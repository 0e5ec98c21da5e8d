"""The names of the artificial corpora, for whoever needs no more of them."""

LANGUAGE_NAMES = (
    *("zipf", "bigram", "dyck", "flat_pairs", "automaton", "noise", "shuffle"),
    *("unigrams", "paradigms"),
)
"""Names of the languages that a run can be asked for."""

BENCHMARK_NAMES = ("planted-8192",)
"""Names of languages whose settings never change, so that figures can be compared."""


def is_artificial(text: str) -> bool:
    """Whether `text` names an artificial corpus, as `dyck` or `dyck:kinds=32` does.

    >>> is_artificial("dyck:kinds=32"), is_artificial("dyck.txt")
    (True, False)
    """
    return text.partition(":")[0] in (*LANGUAGE_NAMES, *BENCHMARK_NAMES)
