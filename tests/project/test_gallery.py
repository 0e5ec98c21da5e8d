"""The gallery's records, which its pages are made of alone, still make pages that keep its word."""

import re
import shutil
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
GALLERY = DOCS / "gallery"
LARGEST_PAGE = 1_000_000
LARGEST_RECORDS = 1_500_000


def test_records_are_small_and_name_no_folder_of_a_computer():
    files = [path for path in GALLERY.rglob("*") if path.is_file()]
    assert files
    assert sum(path.stat().st_size for path in files) < LARGEST_RECORDS
    named = re.compile(rb"[\"' =](/tmp|/home|/work|/root|/Users)/|C:\\\\")
    assert [path for path in files if named.search(path.read_bytes())] == []


def test_every_page_is_made_by_a_command_of_its_section():
    for section in (DOCS / "gallery.md").read_text("utf-8").split("\n## ")[1:]:
        (page,) = re.findall(r"`pages/([\w/.-]+\.html)`", section)
        commands = re.findall(r"^```bash\n(.*?)^```", section, re.M | re.S)
        made = re.findall(r"(?:\s-o|\breport) ([\w/.-]+)", "".join(commands))
        assert page.split("/")[0] in made, page


def test_a_measurement_makes_its_page_again(tmp_path):
    from hf_apt.records.run import Run
    from hf_apt.runs.pipeline import finish

    shutil.copytree(GALLERY / "antiberty", tmp_path / "antiberty")
    run = finish(Run(tmp_path / "antiberty"))
    page = run.path("report.html").read_text(encoding="utf-8")
    assert len(page.encode()) < LARGEST_PAGE
    last = run.read_json("summary.json")["readouts"]["own_head"][-1]
    said = re.search(r"at\s+(0\.\d+) of the positions", (DOCS / "gallery.md").read_text("utf-8"))
    assert said is not None
    assert float(said[1]) == pytest.approx(last["masked_accuracy"]["pooled"]["value"], abs=5e-4)
    assert f"{last['mean_apt']['pooled']['value']:.3f}" in page
    assert "https://" not in re.sub(r'<a [^>]*href="[^"]*"', "", page)
