"""A command that names what is not there says so before it imports what takes seconds."""

import subprocess
import sys

import pytest

from hf_apt.cli.every_command.present import require_present

CALLS = (
    "run no.txt",
    "run --dry-run true",
    "measure bert6-narrow-wikipedia wikitext",
    "measure bert6-narrow-wikipedia no.txt",
    "measure ./no sotu",
    "rates bert6-narrow-wikipedia no.txt",
    "finetune ./no --task sotu",
    "finetune bert6-narrow-wikipedia --task fewrel --data no.csv",
    "committee bert6-narrow-wikipedia ./no --task sotu",
    "lens [MASK] --model ./no",
    "check ./no",
    "score bert6-narrow-wikipedia no.txt",
    "similarity bert6-narrow-wikipedia --text no.txt",
    "fit-lens bert6-narrow-wikipedia no.txt -o lens.safetensors",
    "diff no no",
    "acquisition no",
    "compare no no --task t",
    "report no",
    "publish card no --repo a/b",
)

_ALL = """
import contextlib, io, sys
from hf_apt import cli

for call in sys.argv[1:]:
    said, sys.argv = io.StringIO(), ["hf-apt", *call.split()]
    try:
        with contextlib.redirect_stderr(said):
            cli.main()
        code = 0
    except SystemExit as stop:
        code = stop.code
    heavy = {"torch", "transformers", "datasets", "sklearn"} & sys.modules.keys()
    print(code, ",".join(heavy) or "light", said.getvalue().count("hf-apt: "), call)
"""


def test_what_is_missing_is_said_at_once(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _ALL, *CALLS], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"2 light 1 {call}" for call in CALLS]
    assert not list(tmp_path.iterdir())


def test_a_word_behind_a_flag_is_no_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for known in (None, "planted", "sotu", "owner/name"):
        require_present(text=known)
    (tmp_path / "true").write_text("a text of that name")
    require_present(text="true")
    (tmp_path / "true").unlink()
    with pytest.raises(ValueError, match="no text 'true': .* OWNER/NAME .*--dry-run take no value"):
        require_present(text="true")
