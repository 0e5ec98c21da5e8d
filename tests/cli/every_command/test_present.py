"""A command that names what is not there says so before it imports what takes seconds."""

import subprocess
import sys

CALLS = (
    "run no.txt",
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
