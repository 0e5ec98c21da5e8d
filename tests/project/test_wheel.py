"""What is installed from the wheel works without the checkout, and holds nothing else."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("hf_apt/", "trainer_callbacks/")
PACKED = (*PACKAGES, "benchmarks/apt-bench/", "metrics/", "model_cards/")
"""The last three are data: the wheel holds them inside hf_apt."""

# The site-packages hold the checkout's path for the editable install: it is taken out again.
_OUTSIDE = """
import sys
target, checkout = sys.argv[1:3]
sys.path[:] = [target] + [path for path in sys.path if path not in ("", checkout)]
del sys.argv[1:3]
sys.argv[0] = "hf-apt"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", str(ROOT), "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(folder)),
        ],
        check=True,
        capture_output=True,
    )
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", str(wheel), "--quiet", "--no-deps"),
            *("--no-index", "--target", str(folder)),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def outside(installed, tmp_path):
    """Run Python on the installed package, in another folder, with the checkout out of sight."""

    def run(code: str, *arguments: object) -> str:
        done = subprocess.run(
            [
                *(sys.executable, "-P", "-c", _OUTSIDE + code),
                *(str(installed), str(ROOT), *map(str, arguments)),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


def test_every_file_of_the_packages_is_in_the_wheel_and_nothing_else(wheel) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *PACKED],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    tracked = [name for name in tracked if (ROOT / name).exists()]
    inside = {name if name.startswith(PACKAGES) else f"hf_apt/{name}" for name in tracked}
    assert len(names) > 70
    assert names == inside
    assert {"hf_apt/py.typed", "hf_apt/report/templates/page.html.jinja"} <= names
    assert {"trainer_callbacks/apt.py", "hf_apt/metrics/apt/apt.py"} <= names


def test_the_version_is_the_packages(wheel) -> None:
    version = re.search(r'__version__ = "(.+)"', (ROOT / "hf_apt/__init__.py").read_text())[1]
    assert wheel.name.startswith(f"hf_apt-{version}-py3-none-any")
    (metadata,) = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("/METADATA"))
    text = zipfile.ZipFile(wheel).read(metadata).decode()
    assert f"\nVersion: {version}\n" in text
    assert "\nLicense-Expression: Apache-2.0\n" in text


def test_links_of_its_readme_lead_out_of_the_wheel(wheel) -> None:
    (metadata,) = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("/METADATA"))
    text = zipfile.ZipFile(wheel).read(metadata).decode()
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(links) > 10
    assert all(re.match(r"https://|#", link) for link in links)
    (picture,) = re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", text)
    assert picture.startswith("https://raw.githubusercontent.com/")
    assert (ROOT / picture.split("/", 6)[-1]).exists()


def test_the_package_comes_from_the_wheel_and_no_other_does(outside, installed) -> None:
    out = outside(
        "import importlib.util as util\n"
        "import hf_apt\n"
        "print(hf_apt.__file__)\n"
        "print([n for n in ('metrics', 'tests', 'model_cards', 'oracles') if util.find_spec(n)])\n"
    )
    here, others = out.splitlines()
    assert Path(here).is_relative_to(installed)
    assert others == "[]"


def test_the_command_is_declared_and_answers(outside, installed) -> None:
    (entry,) = installed.glob("*.dist-info/entry_points.txt")
    assert "hf-apt = hf_apt.cli:main" in entry.read_text()
    out = outside("from hf_apt.cli import main; main()", "--help")
    assert all(command in out for command in ("run", "pretrain", "measure", "report"))


@pytest.mark.slow
def test_metrics_and_callbacks_come_with_it(outside) -> None:
    out = outside(
        "import evaluate\n"
        "from hf_apt.hub.resources import resource\n"
        "from trainer_callbacks import AptCallback\n"
        "apt = evaluate.load(str(resource('metrics/apt')))\n"
        "print(apt.compute(predictions=[1, 2], references=[1, 1])['mean_apt'])\n"
        "print(AptCallback().folder)\n"
    )
    assert out.split() == ["0.5", "apt"]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["quickstart.md", "tutorials/checkpoint.md"])
def test_its_pages_run_from_the_wheel(installed, tmp_path, page) -> None:
    """Bash and Python blocks in order, by the installed command, away from the checkout."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(bash|python)\n(.*?)^```", text, re.M | re.S)
    path = os.pathsep.join([str(installed / "bin"), str(Path(sys.executable).parent)])
    where = "import hf_apt\nprint(hf_apt.__file__)\n"
    before = ""  # what a block uses of the ones above it
    for language, block in [("python", where), *blocks]:
        call = ["bash", "-euc"] if language == "bash" else [sys.executable, "-c"]
        if language == "python":
            block = before = before + block
        done = subprocess.run(
            [*call, block],
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": str(installed), "HF_HUB_OFFLINE": "1"}
            | {"PATH": os.pathsep.join([path, os.environ["PATH"]])},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        if language == "python":
            assert Path(done.stdout.splitlines()[0]).is_relative_to(installed)
    assert list(tmp_path.rglob("report.html"))


@pytest.mark.slow
def test_a_whole_run_needs_nothing_of_the_checkout(outside, tmp_path) -> None:
    (tmp_path / "texts.txt").write_text(
        "\n\n".join(" ".join(f"w{n * k % 499 % 50}" for k in range(20)) for n in range(499))
    )
    outside(
        "from hf_apt.cli import main; main()",
        *("run", "texts.txt", "--steps=2", "--batch-size=4", "--hidden-size=16", "--num-heads=2"),
        *("--num-blocks=1", "--heads=none", "--no-untrained", "--measure-sequences=8"),
        *("--sequence-length=16", "--vocab-size=100", "--output=run"),
    )
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<style>" in page
    assert (tmp_path / "run" / "checkpoint" / "model.safetensors").exists()
