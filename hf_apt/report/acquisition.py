"""When tokens are learnt, as tables of text for terminal and page, and as a record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_apt.report.formats import NOTHING, counted, estimate, number, shown_token
from hf_apt.report.section import TextTable
from hf_apt.report.tables_file import write_tables
from hf_apt.stats.acquisition.measured_steps import Ages, MeasuredSteps
from hf_apt.stats.acquisition.step_confusions import TakenFor
from hf_apt.stats.estimates import plain
from hf_apt.stats.labels import default_depth_names

if TYPE_CHECKING:
    import pandas as pd

ACQUISITION = "hf_apt.acquisition/1"
"""The schema of the record."""


@dataclass(frozen=True)
class Acquisition:
    """When each token is learnt at each depth. A notebook shows it as tables."""

    name: str
    """The training's folder, or the first that was measured."""

    words: tuple[str, ...] | None
    """The tokens as text, by id; None if they are not known."""

    min_support: int
    """Tokens that were asked less often are left out."""

    measured: MeasuredSteps
    """What was measured, by step, depth and token."""

    ages: Ages
    """Ages of the tokens at every depth."""

    confusions: tuple[list[list[TakenFor]] | None, ...] = ()
    """What tokens are taken for at each step and depth; None at steps where it was not kept."""

    command: str | None = None
    """The command that made this; None where Python did."""

    @property
    def sentence(self) -> str:
        """How many tokens are learnt after the last block, and by which step half of them are."""
        ages_V = self.ages.apt_ages_DV[-1]
        known_V = ages_V[~np.isnan(ages_V)]
        asked = int((self.measured.support_V >= self.min_support).sum())
        often = f"{counted(asked, 'tokens')} asked at least {counted(self.min_support, 'times')}"
        told = f"{len(known_V):,} of {often}"
        if not len(known_V):
            return f"None of {often} is learnt."
        are = "is" if len(known_V) == 1 else "are"
        return f"{told} {are} learnt, half of them by step {np.median(known_V):,.0f}."

    def to_pandas(self) -> pd.DataFrame:
        """A row for each token that was asked often enough at each depth.

        Columns: `token`, `text`, `depth`, `support`, `learnt`, `apt_age` and `surprisal_age` in
        steps, `final_apt` and `forgetting` in [0, 1]; NaN where there is no figure.
        """
        import pandas as pd

        tokens = self._tokens()
        frames = []
        for depth in range(len(self.ages.apt_ages_DV)):
            surprisal = self.ages.surprisal_ages_DV
            frames.append(
                pd.DataFrame(
                    {
                        "token": tokens,
                        "text": [self._word(token) for token in tokens],
                        "depth": depth,
                        "support": self.measured.support_V[tokens],
                        "learnt": self.ages.learnt_DV[depth, tokens],
                        "apt_age": self.ages.apt_ages_DV[depth, tokens],
                        "surprisal_age": (
                            np.nan if surprisal is None else surprisal[depth, tokens]
                        ),
                        "final_apt": self.ages.final_apt_DV[depth, tokens],
                        "forgetting": self.ages.forgetting_DV[depth, tokens],
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)

    @property
    def record(self) -> dict[str, Any]:
        """All figures as JSON has them: lists by depth, in the order of `tokens`."""
        tokens, ages = self._tokens(), self.ages
        figures = {
            "apt_age": ages.apt_ages_DV,
            "surprisal_age": ages.surprisal_ages_DV,
            "final_apt": ages.final_apt_DV,
            "forgetting": ages.forgetting_DV,
        }
        return {
            "schema": ACQUISITION,
            "name": self.name,
            "command": self.command,
            "steps": self.measured.steps_S.tolist(),
            "min_support": self.min_support,
            "tokens": tokens.tolist(),
            "texts": [self._word(token) for token in tokens],
            "support": self.measured.support_V[tokens].tolist(),
            **{
                name: None if values_DV is None else plain(values_DV[:, tokens].tolist())
                for name, values_DV in figures.items()
            },
            "order_between_depths": plain(ages.order_between_depths),
            "order_with_support": plain(ages.order_with_support),
        }

    def tables(self) -> list[TextTable]:
        """The tables that terminal and page show."""
        made = [self._by_depth(), self._words_in_order("learnt first", 1)]
        return [*made, self._words_in_order("learnt last", -1), self._forgotten()]

    def notes(self) -> list[str]:
        """What the tables leave unsaid."""
        steps_S = self.measured.steps_S
        return [
            f"{len(steps_S)} measurements, steps {steps_S[0]:,} to {steps_S[-1]:,}",
            "by APT: the first measured step from which APT stays above half its final value; "
            "only tokens whose final APT is two binomial errors above 0",
            "by surprisal: the step at which a fitted sigmoid is half-way from chance to the least "
            "surprisal (arXiv 2110.02406)"
            + ("; not kept, or less than four steps" if self._no_surprisal else ""),
            "order: Spearman's correlation of ages by APT with those after the last block, and "
            "with how often a token was asked",
        ]

    def save(self, path: Path | str) -> Path:
        """The path of these figures as a page (.html) or a record (.json), whole or not at all.

        Raises ValueError for another suffix, and if there is a file.
        """
        return write_tables(path, self.record, self._rendered_page)

    def __repr__(self) -> str:
        return f"Acquisition({self.name!r}): {self.sentence}"

    def _repr_html_(self) -> str:
        from hf_apt.report import rendered

        content = {"sentence": self.sentence, "tables": self.tables(), "notes": self.notes()}
        return rendered("tables.html.jinja", content)

    def _rendered_page(self) -> str:
        from hf_apt.report.results.acquisition_page import acquisition_page
        from hf_apt.report.results.steps import MeasuredTraining

        return acquisition_page(
            self.name,
            MeasuredTraining(self.measured, self.ages, self.confusions, self._word),
            answer=self.sentence,
            tables=self.tables(),
            notes=self.notes(),
            command=self.command,
        ).rendered()

    @property
    def _no_surprisal(self) -> bool:
        return self.ages.surprisal_ages_DV is None

    def _tokens(self) -> np.ndarray:
        return np.flatnonzero(self.measured.support_V >= self.min_support)

    def _by_depth(self) -> TextTable:
        ages, rows = self.ages, []
        for depth, name in enumerate(default_depth_names(len(ages.apt_ages_DV))):
            surprisal = ages.surprisal_ages_DV
            rows.append(
                [
                    name,
                    number(int(ages.learnt_DV[depth].sum()), 0),
                    _median(ages.apt_ages_DV[depth]),
                    NOTHING if surprisal is None else _median(surprisal[depth]),
                    estimate(plain(ages.order_between_depths[depth][-1]), decimals=2),
                    estimate(plain(ages.order_with_support[depth]), decimals=2),
                ]
            )
        header = ["depth", "learnt", "by APT", "by surprisal", "order as last", "order as asked"]
        return TextTable("Median step at which tokens are learnt", header, rows)

    def _words_in_order(self, title: str, sign: int, most: int = 10) -> TextTable:
        ages_V, support_V = self.ages.apt_ages_DV[-1], self.measured.support_V
        known = np.flatnonzero(~np.isnan(ages_V))
        order = known[np.lexsort((-support_V[known], sign * ages_V[known]))][:most]
        rows = [
            [self._word(token), f"{ages_V[token]:,.0f}", *self._of_token(token)] for token in order
        ]
        return TextTable(f"Tokens {title}", ["token", "step", "asked", "final APT"], rows)

    def _forgotten(self, most: int = 10) -> TextTable:
        lost_V = np.nan_to_num(self.ages.forgetting_DV[-1], nan=-1.0)
        order = np.argsort(-lost_V, kind="stable")[:most]
        rows = [
            [self._word(token), number(float(lost_V[token])), *self._of_token(token)]
            for token in order
            if lost_V[token] > 0
        ]
        title = "Tokens forgotten most"
        return TextTable(title, ["token", "from best to final", "asked", "final APT"], rows)

    def _of_token(self, token: int) -> list[str]:
        final = float(self.ages.final_apt_DV[-1, token])
        return [number(int(self.measured.support_V[token]), 0), number(final)]

    def _word(self, token: int) -> str:
        return f"<{token}>" if self.words is None else shown_token(self.words[token])


def _median(ages_V: np.ndarray) -> str:
    known_V = ages_V[~np.isnan(ages_V)]
    return f"{np.median(known_V):,.0f}" if len(known_V) else NOTHING
