"""How two runs differ, as tables of text for terminal and page, and as a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_apt.report.formats import counted, estimate, interval, number, shown_token
from hf_apt.report.section import TextTable
from hf_apt.report.tables_file import write_tables
from hf_apt.stats.estimates import plain
from hf_apt.stats.labels import READOUT_LABELS
from hf_apt.stats.measures.text_groups import NUM_GROUPS
from hf_apt.stats.paired.comparison import PairedComparison, PartDifference, TokenChange
from hf_apt.stats.paired.differences import PairedDifference

if TYPE_CHECKING:
    import pandas as pd

DIFF = "hf_apt.diff/1"
"""The schema of the record."""


@dataclass(frozen=True)
class RunDiff:
    """How run B differs from run A. A notebook shows it as tables."""

    a: str
    """The folder of run A."""

    b: str
    """The folder of run B."""

    readout: str
    """The head that was asked."""

    rate: float
    """The false-discovery rate of tokens gained and lost."""

    depths: tuple[str, ...]
    """What stands at each depth that is compared."""

    words: tuple[str, ...]
    """The tokens as text, by id."""

    num_named: int | None
    """Number of tokens in the set that was named; None for no set."""

    comparison: PairedComparison
    """Differences of the two runs, and the tokens that changed."""

    against: str | None = None
    """The head that B was asked, where it is another one."""

    command: str | None = None
    """The command that made this; None where Python did."""

    @property
    def record(self) -> dict[str, Any]:
        """All figures as JSON has them; tokens with their text."""
        content = plain(asdict(self.comparison))
        for change in (*content["gained"], *content["lost"]):
            change["text"] = self._word(change["token"])
        for part in content["by_cluster"]:
            part["texts"] = [self._word(token) for token in part["tokens"]]
        return {
            "schema": DIFF,
            **{name: getattr(self, name) for name in ("a", "b", "readout", "rate", "num_named")},
            "against": self.against,
            "command": self.command,
            "depths": list(self.depths),
            **content,
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row for each figure and depth.

        Columns: `figure` (mean_apt, accuracy, named), `depth`, and the fields of
        `PairedDifference`: `a`, `b`, `value` (B less A) with its errors, `num`.
        """
        import pandas as pd

        shown = self.comparison
        kinds = {"mean_apt": shown.mean_apt, "accuracy": shown.accuracy, "named": shown.named or []}
        return pd.DataFrame(
            [
                {"figure": kind, "depth": depth, **asdict(figure)}
                for kind, figures in kinds.items()
                for depth, figure in zip(self.depths, figures, strict=False)
            ]
        )

    @property
    def sentence(self) -> str:
        """The answer: whether B is better after the last block, by mean APT over stretches of text.

        Of two heads, which can be the same there, at how many depths.
        """
        if self.against is not None:
            return self._over_depths()
        last = self.comparison.mean_apt[-1]
        if not last.low <= last.high:  # NaN
            return "Too few sequences to tell the two apart."
        answer = "No difference can be told"
        if last.low > 0 or last.high < 0:
            answer = "B is better" if last.value > 0 else "B is worse"
        gained, lost = len(self.comparison.gained), len(self.comparison.lost)
        return (
            f"{answer}: mean APT {number(last.value, signed=True)}, "
            f"95 % interval {interval(last.low, last.high)}. "
            f"{counted(gained, 'tokens')} gained, {lost:,} lost."
        )

    def tables(self) -> list[TextTable]:
        """The tables that terminal and page show."""
        shown = self.comparison
        made = [self._by_depth("Mean APT", shown.mean_apt, "tokens")]
        made.append(self._by_depth("Accuracy", shown.accuracy, "positions"))
        if shown.named is not None:
            made.append(self._by_depth(f"Mean APT of {self.num_named} named tokens", shown.named))
        made += [self._changes("gained", shown.gained), self._changes("lost", shown.lost)]
        made.append(_parts("Mean APT by treatment, last depth", "treatment", shown.by_treatment))
        by_frequency = "Mean APT by frequency, last depth"
        made.append(_parts(by_frequency, "times in the text", shown.by_frequency))
        if shown.by_cluster:
            named = [(self._cluster(part), part) for part in shown.by_cluster]
            made.append(_part_table("Mean APT by cluster of A, last depth", "cluster", named))
        return made

    def notes(self) -> list[str]:
        """What the tables leave unsaid."""
        return [
            f"A: {self.a}",
            f"B: {self.b}",
            f"{self._asked()}; A and B were asked at the same positions",
            f"B − A: with the standard error over up to {NUM_GROUPS} stretches of the text, for "
            "other text of this kind, and its 95 % interval; over tokens: the error for this text, "
            "tokens drawn independently, as it stands at treatments, frequencies and clusters; "
            "treatments: over the tokens that all of them asked for",
            f"gained, lost: at a false-discovery rate of {self.rate:g}, by exact sign flips of "
            f"stretches; {self.comparison.num_tested:,} tokens changed in groups enough "
            "to be tested",
        ]

    def save(self, path: Path | str) -> Path:
        """The path of these figures as a page (.html) or a record (.json), whole or not at all.

        Raises ValueError for another suffix, and if there is a file.
        """
        return write_tables(path, self.record, self._rendered_page)

    def __repr__(self) -> str:
        return f"RunDiff({self.a!r}, {self.b!r}): {self.sentence}"

    def _repr_html_(self) -> str:
        from hf_apt.report import rendered

        content = {"sentence": self.sentence, "tables": self.tables(), "notes": self.notes()}
        return rendered("tables.html.jinja", content)

    def _rendered_page(self) -> str:
        from hf_apt.report.results.diff_page import diff_page

        heads = None
        if self.against is not None:
            heads = (READOUT_LABELS[self.readout], READOUT_LABELS[self.against])
        return diff_page(
            self.a,
            self.b,
            heads,
            dict(zip(self.depths, self.comparison.mean_apt, strict=True)),
            answer=self.sentence,
            tables=self.tables(),
            notes=self.notes(),
            asked="; ".join(filter(None, (self._asked(), self.command))),
        ).rendered()

    def _over_depths(self) -> str:
        figures = self.comparison.mean_apt
        better = sum(figure.low > 0 for figure in figures)
        worse = sum(figure.high < 0 for figure in figures)
        return (
            f"B is better at {better} of {len(figures)} depths and worse at {worse}, by the 95 % "
            "interval of mean APT at each."
        )

    def _asked(self) -> str:
        label = READOUT_LABELS[self.readout]
        return label if self.against is None else f"A: {label}, B: {READOUT_LABELS[self.against]}"

    def _by_depth(
        self, title: str, figures: Sequence[PairedDifference], over: str = "tokens"
    ) -> TextTable:
        has_token_error = any(figure.token_error is not None for figure in figures)
        rows = [
            [
                name,
                number(_known(figure.a)),
                number(_known(figure.b)),
                estimate(plain(figure), signed=True),
                interval(figure.low, figure.high),
                *([number(_known(figure.token_error), 4)] if has_token_error else []),
            ]
            for name, figure in zip(self.depths, figures, strict=True)
        ]
        header = ["depth", "A", "B", "B − A", "95 % interval"]
        header += ["over tokens"] if has_token_error else []
        return TextTable(f"{title}, over {figures[-1].num:,} {over}", header, rows)

    def _changes(self, what: str, changed: Sequence[TokenChange], most: int = 20) -> TextTable:
        rows = [
            [
                self._word(change.token),
                number(change.support, 0),
                number(change.hits_a / change.support),
                number(change.hits_b / change.support),
                f"{change.p_value:.1e}",
            ]
            for change in changed[:most]
        ]
        of = "" if len(changed) <= most else f", the surest {most}"
        title = f"Tokens {what}: {len(changed):,}{of}"
        return TextTable(title, ["token", "asked", "A", "B", "p"], rows)

    def _cluster(self, part: PartDifference, most: int = 5) -> str:
        words = [self._word(token) for token in part.tokens[:most]]
        return " ".join(words) + (" …" if len(part.tokens) > most else "")

    def _word(self, token: int) -> str:
        known = token < len(self.words)
        return shown_token(self.words[token]) if known else f"<{token}>"


def _parts(title: str, first: str, parts: Sequence[PartDifference]) -> TextTable:
    return _part_table(title, first, [(part.part, part) for part in parts])


def _part_table(title: str, first: str, parts: list[tuple[str, PartDifference]]) -> TextTable:
    rows = [
        [name, estimate(plain(part.difference), signed=True), number(part.difference.num, 0)]
        for name, part in parts
    ]
    return TextTable(title, [first, "B − A", "tokens"], rows)


def _known(value: float | None) -> float | None:
    return plain(value)
