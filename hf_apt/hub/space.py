"""A run's page as a static Space: what a browser shows, with nothing that computes behind it."""

from __future__ import annotations

import yaml

from hf_apt.hub.card_section import plain
from hf_apt.hub.client import require_repo_name
from hf_apt.hub.local_paths import recorded_paths, require_no_local_path, without_paths
from hf_apt.hub.publication import Publication
from hf_apt.records.run import Run
from hf_apt.records.run_records import RunRecords
from hf_apt.report import rendered
from hf_apt.report.page_content import page_content

_PAPER = "https://arxiv.org/abs/2509.03407"


def space_publication(run: Run, repo: str) -> Publication:
    """The page of a measured run, with its look-up of tokens, as the files of a static Space.

    The page is made again from the run's records and loads nothing. `repo` is the Space,
    OWNER/NAME.

    Raises ValueError for another name, for a run that is not finished, and for a path of this
    machine that stays in the page.
    """
    require_repo_name(repo)
    records = RunRecords(run)
    others = [
        run.read_json(name)
        for name in ("config.json", "environment.json")
        if run.path(name).exists()
    ]
    page = rendered("page.html.jinja", page_content(records)).encode()
    page = without_paths(page, recorded_paths(records.summary, records.own_tasks, *others))
    require_no_local_path("index.html", page, run.folder)
    readme = _readme(repo, records.summary["model"]["name"])
    return Publication("space", {"README.md": readme.encode(), "index.html": page})


def _readme(repo: str, model: str) -> str:
    matter = {
        "title": repo.partition("/")[2],
        "emoji": "🔎",
        "colorFrom": "blue",
        "colorTo": "yellow",
        "sdk": "static",
        "app_file": "index.html",
        "pinned": False,
        "tags": ["hf_apt", "accuracy-per-token"],
    }
    front = yaml.safe_dump(matter, sort_keys=False, allow_unicode=True)
    return (
        f"---\n{front}---\n\n# What {plain(model)} has learnt, token by token and block by block"
        f"\n\nAccuracy per token ([arXiv 2509.03407]({_PAPER})) at the embeddings and after every "
        "block, what is taken for what, and a look-up of every token. The page is one file, made "
        "by `hf-apt publish space`, and loads nothing.\n"
    )
