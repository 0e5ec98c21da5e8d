"""Numbers and tokens as the page shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hf_apt.records.checkpoints import SHIPPED
from hf_apt.records.summary_record import Summary
from hf_apt.stats.depth_figures import PlainEstimate
from hf_apt.stats.labels import default_depth_names

NOTHING = "–"
"""Shown where there is no number."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def depth_labels(summary: Summary) -> list[str]:
    r"""What stands at each depth: the embeddings, convolutions where there are any, the blocks.

    Summaries of older versions, which knew embeddings and blocks alone, do not say.

    >>> depth_labels({"model": {"depths": ["embeddings", "conv", "block 1"]}, "readouts": {}})
    ['embeddings', 'conv', 'block\xa01']
    >>> depth_labels({"model": None, "readouts": {"own_head": [{}, {}]}})
    ['embeddings', 'block\xa01']
    """
    names = (summary["model"] or {}).get("depths")
    if names is None:
        num_depths = max(map(len, summary["readouts"].values()))
        names = default_depth_names(num_depths)
    return [name.replace(" ", "\xa0") for name in names]


def counted_text(summary: Summary) -> str:
    """The text in which a run's tokens were counted: that of a training, or the one measured.

    >>> counted_text({"corpus": {"num_train_tokens": 0}}), counted_text({"corpus": None})
    ('the measured text', 'the measured text')
    """
    has_training = (summary["corpus"] or {}).get("num_train_tokens")
    return "the training corpus" if has_training else "the measured text"


def counted(num: int, things: str) -> str:
    """A number of `things`, whose first word is a plural that ends with s.

    >>> counted(1, "tokens"), counted(1200, "tokens of it")
    ('1 token', '1,200 tokens of it')
    """
    first, blank, rest = things.partition(" ")
    return f"{num:,} {first.removesuffix('s') if num == 1 else first}{blank}{rest}"


def short_depth(label: str) -> str:
    r"""A depth's label where there is little room.

    >>> short_depth("embeddings"), short_depth("conv"), short_depth("block\xa02")
    ('emb.', 'conv', '2')
    """
    return label.replace("embeddings", "emb.").removeprefix("block\xa0")


def number(value: float | None, decimals: int = 3, *, signed: bool = False) -> str:
    """`value` with a fixed number of decimals, thousands apart; a dash for None.

    >>> number(0.31), number(-0.0042, signed=True), number(None), number(1234567, 0)
    ('0.310', '−0.004', '–', '1,234,567')
    """
    if value is None:
        return NOTHING
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    return text.replace("-", "−")


def percent(share: float | None, decimals: int = 0) -> str:
    r"""A share as a percentage; a dash for None.

    >>> percent(0.154)
    '15\xa0%'
    """
    return NOTHING if share is None else f"{number(share * 100, decimals)}\xa0%"


def estimate(
    value: PlainEstimate | None, *, signed: bool = False, decimals: int | None = None
) -> str:
    r"""A mean with its standard error; a dash for what is not known.

    >>> estimate({"value": 0.31, "standard_error": 0.0031, "num": 300})
    '0.310\xa0±\xa00.003'
    """
    if value is None or value["value"] is None:
        return NOTHING
    if decimals is None:
        decimals = needed_decimals([value])
    mean = number(value["value"], decimals, signed=signed)
    if value["standard_error"] is None:
        return mean
    return f"{mean}\xa0±\xa0{number(value['standard_error'], decimals)}"


def needed_decimals(column: Sequence[PlainEstimate | None]) -> int:
    """Decimals at which no standard error of a table's column is rounded to nothing: 3 or 4."""
    errors = [value["standard_error"] for value in column if value is not None]
    return 4 if any(error and error < 0.0005 for error in errors) else 3


def estimates(column: Sequence[PlainEstimate | None], *, signed: bool = False) -> list[str]:
    """A table's column of estimates, all with the same number of decimals."""
    decimals = needed_decimals(column)
    return [estimate(value, signed=signed, decimals=decimals) for value in column]


def interval(low: float, high: float) -> str:
    """The ends of an interval; a dash where they are not known.

    >>> interval(-0.25, 0.5), interval(float("nan"), float("nan"))
    ('−0.250 to +0.500', '–')
    """
    if not low <= high:
        return NOTHING
    return f"{number(low, signed=True)} to {number(high, signed=True)}"


def large(value: float) -> str:
    r"""A large number in three digits or so.

    >>> large(950), large(1000), large(1234), large(25_000), large(999_999)
    ('950', '1\xa0k', '1.2\xa0k', '25\xa0k', '1\xa0M')
    """
    for size, unit in ((1e9, "\xa0G"), (1e6, "\xa0M"), (1e3, "\xa0k")):
        if value >= 0.9995 * size:  # what is rounded to a thousand is one of the next unit
            scaled = value / size
            digits = f"{scaled:.0f}" if scaled >= 10 else f"{scaled:.1f}".removesuffix(".0")
            return digits + unit
    return f"{value:.0f}"


def short_path(text: str) -> str:
    r"""An absolute path's last part, of a shipped checkpoint its name; any other text as it is.

    >>> short_path("/home/me/runs/a"), short_path("~/a.txt"), short_path("C:\\me\\a")
    ('a', 'a.txt', 'a')
    >>> short_path("runs/a"), short_path("owner/name"), short_path("3 / 4")
    ('runs/a', 'owner/name', '3 / 4')
    """
    if not _ABSOLUTE.match(text):
        return text
    parts = [part for part in re.split(r"[\\/]", text) if part]
    if SHIPPED.name in parts[:-1]:
        return parts[parts.index(SHIPPED.name) + 1]
    return parts[-1] if parts else text


_ABSOLUTE = re.compile(r"(~[\w.-]*|[A-Za-z]:)?[\\/]")


def duration(seconds: float) -> str:
    """A duration in the unit that suits it.

    >>> duration(42), duration(5400), duration(90_000)
    ('42 s', '1 h 30 min', '25 h 0 min')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def shown_token(token: str) -> str:
    r"""A token as given, with characters that no page can show replaced by their pictures.

    >>> shown_token("a\n")
    'a␊'
    """
    return _UNPRINTABLE.sub(_picture, token)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code >= 0xD800:
        return "\ufffd"
    return "\u2421" if code == 0x7F else chr(0x2400 + code)
