"""What a model would answer at every depth where a token of one text is masked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hf_apt.atomic import writing
from hf_apt.ownership import require_new_file
from hf_apt.stats.labels import default_depth_names

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DepthAnswer:
    """The distribution over the vocabulary that one lens reads at one depth."""

    tokens: tuple[str, ...]
    """The most probable tokens, most probable first; a leading space reads ␣."""

    probabilities: tuple[float, ...]
    """Their probabilities, from 0 to 1."""

    entropy: float
    """The entropy of the whole distribution, in bits."""

    true_rank: int | None = None
    """The rank of the true token, 1 for the answer; None where it is not known."""

    true_probability: float | None = None
    """The probability of the true token; None where that is not known."""


@dataclass(frozen=True)
class AskedToken:
    """One token that is asked for, read by one lens at every depth."""

    index: int
    """Index of the token in the sequence that the model is given, special tokens included."""

    shown: str
    """The text around it, with the token that is asked for as [MASK]."""

    true: str | None
    """The true token; None where it is not known."""

    lens: str
    """How the depths are read: `own_head`, `jacobian`, `translator`."""

    depths: tuple[DepthAnswer, ...]
    """The answers by depth, from the embeddings to the last block."""


@dataclass(frozen=True)
class LensAnswers:
    """The answers about one text. A notebook shows them as a grid of depths by answers."""

    model: str
    """The model's name."""

    text: str
    """The text that was given."""

    asked: tuple[AskedToken, ...]
    """Each token that is asked for, by each lens."""

    def __repr__(self) -> str:
        lines = [f"LensAnswers({self.model}, {self.text!r})"]
        for token in self.asked:
            true = "" if token.true is None else f", true: {token.true}"
            lines.append(f"  {token.shown} ({token.lens}{true})")
            names = default_depth_names(len(token.depths))
            for name, at in zip(names, token.depths, strict=True):
                best = zip(at.tokens, at.probabilities, strict=True)
                lines.append(f"    {name:10}  " + ", ".join(f"{t} {p:.3f}" for t, p in best))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return self._rendered("lens.html.jinja")

    def to_pandas(self) -> pd.DataFrame:
        """A row for each answer of each lens at each depth about each token that is asked for.

        Columns: `index`, `shown`, `true`, `lens`, `depth`, `rank` (1 for the most probable),
        `token`, `probability`, and of the whole distribution `entropy` in bits, `true_rank` and
        `true_probability`.
        """
        import pandas as pd

        rows = [
            {
                **{name: getattr(asked, name) for name in ("index", "shown", "true", "lens")},
                "depth": depth,
                "rank": rank,
                "token": token,
                "probability": probability,
                **{
                    name: getattr(at, name) for name in ("entropy", "true_rank", "true_probability")
                },
            }
            for asked in self.asked
            for depth, at in enumerate(asked.depths)
            for rank, (token, probability) in enumerate(
                zip(at.tokens, at.probabilities, strict=True), 1
            )
        ]
        return pd.DataFrame(rows).astype({"true_rank": "Int64", "true_probability": "float64"})

    def save(self, path: Path | str) -> Path:
        """The path of the page of these answers (.html), written whole or not at all.

        It needs nothing else and loads nothing. Raises ValueError for another suffix, and if there
        is a file already.
        """
        path = Path(path)
        require_page(path)
        page = self._rendered("lens_page.html.jinja")
        with writing(path) as file:
            file.write(page)
        return path

    def _rendered(self, template: str) -> str:
        from hf_apt.report import rendered

        names = [default_depth_names(len(asked.depths)) for asked in self.asked]
        return rendered(template, {"answers": asdict(self), "names": names})


def require_page(path: Path) -> None:
    """Raise ValueError unless `path` is the name of a new .html file."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{path} is no .html file, and the answers are saved as a page: name one.")
    require_new_file(path)
