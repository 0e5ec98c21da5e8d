"""A run's page as a static Space: two files, of the records, that load nothing."""

import re
import shutil

import pytest
import yaml

from hf_apt.hub.space import space_publication
from hf_apt.records.run import Run
from hf_apt.report import write_report


@pytest.fixture
def run(finished_run, tmp_path) -> Run:
    shutil.copytree(finished_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def test_it_is_the_page_of_the_run_and_a_readme_for_a_static_space(run) -> None:
    page = write_report(run).read_bytes()
    run.path("report.html").unlink()  # which is not needed
    publication = space_publication(run, "owner/what-it-learnt")
    assert publication.repo_type == "space"
    assert publication.files.keys() == {"README.md", "index.html"}
    assert publication.files["index.html"] == page
    readme = publication.files["README.md"].decode()
    _, matter, body = readme.split("---\n", 2)
    described = yaml.safe_load(matter)
    assert (described["sdk"], described["app_file"]) == ("static", "index.html")
    assert described["title"] == "what-it-learnt"
    assert len(described["title"]) <= 96
    assert "arxiv.org/abs/2509.03407" in body
    loaded = re.findall(rb"<(?:script|link|img)[^>]+(?:src|href)=\"(?!data:)[^\"#]", page)
    assert loaded == []


def test_paths_of_this_machine_do_not_travel(run) -> None:
    summary = run.read_json("summary.json")
    summary["corpus"]["name"] = "/home/somebody/secret-project/text.txt"
    run.write_json("summary.json", summary)
    page = space_publication(run, "owner/page").files["index.html"]
    assert b"/home/somebody" not in page
    assert b"text.txt" in page


def test_a_run_that_is_not_finished_and_an_odd_name_are_refused(run, tmp_path) -> None:
    with pytest.raises(ValueError, match="odd name"):
        space_publication(run, "odd name")
    with pytest.raises(ValueError, match="nothing"):
        space_publication(Run(tmp_path / "nothing"), "owner/page")
