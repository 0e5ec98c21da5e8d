"""Every shell line of the README and the quickstart runs in a new environment, in a new folder.

The environment is made of the wheel and the packages that it asks for; the checkout
is out of sight. Lines run in order, word for word, but for what `SHORTENED` adds to them and for
what `NOT_RUN` leaves out. What a reader would have is at hand: a model, files, rows of two tasks,
and a checkpoint of the Hub in the cache.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import hf_apt
from hf_apt.data.corpora import dated_sotu_paragraphs

ROOT = Path(__file__).parents[2]
README, QUICKSTART = ROOT / "README.md", ROOT / "docs" / "quickstart.md"

NOT_RUN = {
    "make demo": "sets up a checkout, which is not here; its commands are lines of their own",
    "make test": "sets up a checkout and runs this",
}
"""Lines that are left out, and why."""

_RUN = (
    "--steps 2 --batch-size 4 --hidden-size 16 --num-heads 2 --head-steps 2 --task none "
    "--sequence-length 16 --vocab-size 300 --measure-sequences 8"
)
_TEXT = f"{_RUN} --validation-share 0.3"
_TUNED = "--train-per-class 4 --test-per-class 2 --epochs 1 --seeds 2 --sequence-length 16"
_NEWS = f"--data news.csv {_TUNED}"
_RELATIONS = f"--data relations.csv --text-column text --label-column label {_TUNED}"
_FEW = "--measure-sequences 20"

SHORTENED = {
    "hf-apt run": f"{_RUN} --no-untrained",
    "hf-apt run 'articles/*.parquet' --column text": _TEXT,
    "hf-apt run 'articles/*.parquet' --dry-run": _TEXT,
    "hf-apt run 'articles/*.parquet' --model bert-1-wide -o runs/wide": _TEXT,
    "hf-apt run 'articles/*.parquet' --start-from google-bert/bert-base-uncased -o runs/mine": (
        "--steps 2 --batch-size 4 --head-steps 2 --sequence-length 16 --measure-sequences 8"
        " --validation-share 0.3"
    ),
    "hf-apt run wikimedia/wikipedia --dataset-config 20231101.en --recipe paper"
    " --max-documents 40000 -o runs/wiki": "--dry-run",  # days, and 20 GB of the Hub
    "hf-apt measure MODEL FILE": _FEW,
    "hf-apt measure bert6-narrow-wikipedia sotu": _FEW,
    "hf-apt measure google-bert/bert-base-uncased sotu": _FEW,
    "hf-apt finetune bert6-narrow-wikipedia --task ag_news": _NEWS,
    "hf-apt finetune runs/wiki --task fewrel --untrained --cut": _RELATIONS,
    "hf-apt finetune runs/wiki --task ag_news --objective smoothness:weight=1": _NEWS,
    "hf-apt ner bert6-narrow-wikipedia names.conll --shots 5": "--draws 1 --epochs 1 --arm tokens"
    " --sequence-length 16",
    "hf-apt committee runs/a runs/b runs/c --task ag_news --against runs/deep": _NEWS.replace(
        " --seeds 2", ""
    ),
    "torchrun --nproc_per_node 2 -m hf_apt.cli run ...": f"{_RUN} --no-untrained -o runs/two",
}
"""What is added to a line so that it takes seconds; its `...`, if it has one, is left out."""

COPIED = {
    "hf-apt run wikimedia/wikipedia --dataset-config 20231101.en --recipe paper"
    " --max-documents 40000 -o runs/wiki": ("runs/articles--.parquet", "runs/wiki"),
    "hf-apt finetune runs/wiki --task fewrel --untrained --cut": (
        *("runs/wiki", "runs/wiki20k", "runs/wiki90k"),
    ),
}
"""After which line the first folder is what later lines call by the other names."""


def shell_lines(page: Path, languages: tuple[str, ...] = ("", "bash")) -> list[str]:
    """The commands of a page's shell blocks, in order, without comments."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    lines = [
        line for language, block in blocks if language in languages for line in block.splitlines()
    ]
    return [line.partition("  # ")[0].rstrip() for line in lines if line.strip()]


def as_run(line: str) -> str:
    """The line with what is added to it."""
    added = SHORTENED.get(line)
    return line if added is None else f"{line.removesuffix(' ...')} {added}"


def test_nothing_is_left_out_or_changed_but_what_is_named() -> None:
    lines = shell_lines(README)
    assert len(lines) == 22
    assert {*NOT_RUN, *SHORTENED, *COPIED} <= set(lines)
    assert all(re.match(r"(hf-apt|torchrun) ?", line) for line in {*lines} - {*NOT_RUN})
    assert all(line.startswith("hf-apt ") for line in shell_lines(QUICKSTART))
    assert as_run("hf-apt lens x") == "hf-apt lens x"
    assert as_run("torchrun --nproc_per_node 2 -m hf_apt.cli run ...").count(" ...") == 0


def test_what_make_demo_does_is_among_the_lines() -> None:
    recipe = re.search(r"^demo:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert recipe
    commands = re.findall(r"(hf-apt \S+ \S+)", recipe[1])
    assert commands == ["hf-apt run planted", "hf-apt measure bert6-narrow-wikipedia"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """The variables of a shell in which the wheel's new environment is active, without a Hub."""
    folder = tmp_path_factory.mktemp("environment")
    wheels, own = folder / "wheels", folder / "venv"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    building = ["wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(wheels)]
    subprocess.run([*pip, *building], check=True, capture_output=True)
    venv.create(own, with_pip=False)
    python = own / "bin" / "python"
    (packages,) = own.glob("lib/python*/site-packages")
    # Paths in such a file are taken as they are: the checkout's own, in files there, is not read.
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(dependencies))
    (wheel,) = wheels.glob("*.whl")
    installing = ["install", str(wheel), "--no-deps", "--no-index", "--ignore-installed"]
    subprocess.run([*pip, "--python", str(python), *installing], check=True, capture_output=True)
    torchrun = own / "bin" / "torchrun"  # torch's own, of this environment's Python
    torchrun.write_text(f"#!{python}\nfrom torch.distributed.run import main\nmain()\n")
    torchrun.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {
        "PATH": os.pathsep.join([str(own / "bin"), kept["PATH"]]),
        "HF_HOME": str(folder / "home"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "80",
    }


@pytest.fixture
def folder(tmp_path, environment) -> Path:
    """A new folder with what a reader would have."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    checkpoint = hf_apt.checkpoint("bert6-narrow-wikipedia")
    documents = [text for _, text in dated_sotu_paragraphs()][:90]
    here = tmp_path / "here"
    for name in ("MODEL", "runs/a", "runs/b", "runs/c", "runs/deep"):
        shutil.copytree(checkpoint, here / name)
    (here / "FILE").mkdir()
    (here / "FILE" / "texts.txt").write_text("\n".join(documents), encoding="utf-8")
    sentence = "john B-person\nlives O\nin O\nparis B-place\n"
    (here / "names.conll").write_text("\n".join([sentence] * 20), encoding="utf-8")
    (here / "articles").mkdir()
    for number in range(2):
        table = pa.table({"text": [f"{text} {number}" for text in documents]})
        pq.write_table(table, here / "articles" / f"{number}.parquet")
    for name, num_classes in (("news", 4), ("relations", 3)):
        with (here / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["label", "text"])
            rows.writerows((number % num_classes, text) for number, text in enumerate(documents))
    commit = "0123456789" * 4
    cached = Path(environment["HF_HOME"], "hub", "models--google-bert--bert-base-uncased")
    shutil.copytree(checkpoint, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    return here


def ran(line: str, folder: Path, environment: dict[str, str]) -> str:
    """What a line prints and says; it must succeed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}"
    return done.stdout


@pytest.mark.slow
def test_the_lines_of_the_readme(folder, environment) -> None:
    where = ran('python -c "import hf_apt; print(hf_apt.__file__)"', folder, environment)
    assert not Path(where.strip()).is_relative_to(ROOT)
    said = []
    for line in shell_lines(README):
        if line in NOT_RUN:
            continue
        said.append(ran(as_run(line), folder, environment))
        if line in COPIED:
            made, *names = COPIED[line]
            for name in names:
                shutil.copytree(folder / made, folder / name)
    assert len(said) == 20
    assert sum("nothing was measured" in each for each in said) == 1  # one line stands there twice
    for run in ("planted", "MODEL-on-FILE", "bert6-narrow-wikipedia-on-sotu", "wide", "two"):
        assert (folder / "runs" / run / "report.html").exists()


@pytest.mark.slow
def test_the_lines_of_the_quickstart(tmp_path, environment) -> None:
    text = QUICKSTART.read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(bash|python)\n(.*?)^```", text, re.M | re.S):
        if language == "python":
            (tmp_path / "block.py").write_text(block, encoding="utf-8")
            block = "python block.py"
        assert ran(block, tmp_path, environment)
    assert list(tmp_path.rglob("report.html"))
