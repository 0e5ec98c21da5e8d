"""Resources are found in a checkout and in an installed package, and nowhere else."""

from pathlib import Path

import pytest

from hf_apt.hub import resources
from hf_apt.hub.resources import resource

ROOT = Path(__file__).parents[2]


def test_a_checkout_has_them_beside_the_package(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    assert resource("metrics/apt") == ROOT / "metrics" / "apt"
    assert resource("metrics/apt/README.md").is_file()


@pytest.fixture
def installed(monkeypatch, tmp_path) -> Path:
    """An empty site-packages with the package in it."""
    (tmp_path / "hf_apt").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "hf_apt")
    return tmp_path


def test_an_installed_package_has_them_inside(installed) -> None:
    (installed / "hf_apt/metrics/apt").mkdir(parents=True)
    assert resource("metrics/apt") == installed / "hf_apt/metrics/apt"


def test_what_others_installed_under_the_same_name_is_not_ours(installed) -> None:
    (installed / "metrics/apt").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"hf_apt has no metrics/apt: looked in .*hf_apt\.$"):
        resource("metrics/apt")


def test_what_is_inside_comes_first(installed) -> None:
    (installed / "pyproject.toml").touch()
    (installed / "metrics/apt").mkdir(parents=True)
    assert resource("metrics/apt") == installed / "metrics/apt"
    (installed / "hf_apt/metrics/apt").mkdir(parents=True)
    assert resource("metrics/apt") == installed / "hf_apt/metrics/apt"
    with pytest.raises(ValueError, match=r"no metrics/none: looked in .* and in .*\.$"):
        resource("metrics/none")
