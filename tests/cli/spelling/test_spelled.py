"""What `name:key=value` is read as, whatever the kinds of the values, and what is no such."""

import re
from dataclasses import dataclass, field
from typing import Literal

import pytest

from hf_apt.cli.spelling.spelled import spelled


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """A field of every kind."""

    name: str = field(default="kinds", init=False)
    share: float
    num: int
    choice: Literal["even", "odd"] = "even"
    told: str = ""
    is_on: bool = False
    other: float | None = None


@dataclass(frozen=True, kw_only=True)
class Free:
    """With nothing that has to be given."""

    name: str = field(default="free", init=False)
    num: int = 3


@dataclass(frozen=True, kw_only=True)
class Bare:
    """Without settings."""

    name: str = field(default="bare", init=False)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """With one or more whole numbers."""

    name: str = field(default="sizes", init=False)
    sizes: int | tuple[int, ...]


KNOWN: dict[str, type] = {"kinds": Kinds, "free": Free, "bare": Bare, "sizes": Sizes}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kinds:share=1e-1,num=2", Kinds(share=0.1, num=2)),
        (
            "kinds:num=-3,share=2,choice=odd,told=a=b:c,is_on=true,other=4",
            Kinds(share=2.0, num=-3, choice="odd", told="a=b:c", is_on=True, other=4.0),
        ),
        ("kinds:share=1,num=2,is_on=false", Kinds(share=1.0, num=2)),
        ("free", Free()),
        ("free:", Free()),
        ("free:num=4", Free(num=4)),
        ("bare", Bare()),
        ("sizes:sizes=8", Sizes(sizes=8)),
        ("sizes:sizes=8/16/8", Sizes(sizes=(8, 16, 8))),
    ],
)
def test_values_are_read_by_the_types_of_their_fields(text, expected) -> None:
    made = spelled(text, KNOWN, "thing")
    assert made == expected
    assert [type(each) for each in vars(made).values()] == [
        type(each) for each in vars(expected).values()
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("odd", "there is no thing 'odd': there are kinds, free, bare, sizes."),
        ("kinds", "'kinds' has no share: write kinds:share=1,num=8."),
        ("kinds:share=2", "'kinds:share=2' has no num: write kinds:share=1,num=8."),
        (
            "kinds:name=x",
            "'name=x' in 'kinds:name=x' is no setting of kinds: there are share, num, choice, "
            "told, is_on, other, each once, as in kinds:share=1,num=8.",
        ),
        (
            "free:much=2",
            "'much=2' in 'free:much=2' is no setting of free: there are num, each once, as in "
            "free:num=8.",
        ),
        ("bare:much=2", "'much=2' in 'bare:much=2' is no setting of bare: it has none."),
        ("free:num=2.5", "the num of free is '2.5': give a whole number, as in free:num=8."),
        ("kinds:share=x", "the share of kinds is 'x': give a number, as in kinds:share=1,num=8."),
        ("kinds:other=x", "the other of kinds is 'x': give a number, as in kinds:share=1,num=8."),
        (
            "sizes:sizes=8/x",
            "the sizes of sizes is '8/x': give a whole number, or several as 8/16, as in "
            "sizes:sizes=8.",
        ),
        ("kinds:choice=x", "the choice of kinds is 'x': give one of even, odd."),
        ("kinds:is_on=1", "the is_on of kinds is '1': give true or false."),
    ],
)
def test_what_is_none_is_answered_with_what_there_is(text, sentence) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$") as refused:
        spelled(text, KNOWN, "thing")
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
