"""Writes docs/models.md: which classes of transformers are measured. `python -m tests.registry`."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "models.md"


def main() -> None:
    """Try every class and write the page; about two minutes on one core."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    warnings.filterwarnings("ignore")

    import transformers
    from model_registry.classes import listed_classes
    from model_registry.table import page
    from model_registry.trial import trial

    from hf_apt.atomic import writing

    transformers.logging.set_verbosity_error()
    trials = [trial(each) for each in listed_classes()]
    PAGE.parent.mkdir(exist_ok=True)
    with writing(PAGE) as file:
        file.write(page(trials))
    print(f"{PAGE}: {sum(each.outcome == 'measured' for each in trials)} of {len(trials)} measured")


if __name__ == "__main__":
    main()
