"""The Python of README and docs runs as it stands, one block after the other."""

import ast
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README, DOCS = ROOT / "README.md", ROOT / "docs"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
IN_ORDER = {DOCS / "quickstart.md", *(DOCS / "tutorials").glob("*.md")}
"""Pages whose blocks, of whatever language, are run in order by test_tutorials.py."""


def python_blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture
def tiny_demo(monkeypatch):
    """The demo's recipe with a handful of documents and steps."""
    import hf_apt

    demo = hf_apt.demo_recipe()
    tiny = replace(
        demo,
        corpus=replace(demo.corpus, num_documents=200, num_validation_documents=100),
        pretrain=replace(demo.pretrain, num_steps=4),
        heads=replace(demo.heads, num_steps=2),
        finetune=None,
    )
    monkeypatch.setattr(hf_apt, "demo_recipe", lambda: tiny)


def test_every_python_block_runs(
    tiny_demo, tiny_model, tokenizer, documents, tmp_path, monkeypatch, capsys
):
    # What the README defines is at hand on the other pages.
    pages = [page for page in PAGES if page not in IN_ORDER]
    blocks = [(page, block) for page in pages for block in python_blocks(page)]
    assert len(blocks) == 18
    monkeypatch.chdir(tmp_path)
    # What a reader would have at hand. Sequences of 64 tokens need a model of 64 positions.
    from transformers import AutoModelForMaskedLM

    config = tiny_model.config
    config.max_position_embeddings = 64
    names = {
        "model": AutoModelForMaskedLM.from_config(config).eval(),
        "tokenizer": tokenizer,
        "texts": documents,
    }
    alone: dict[Path, dict] = {}  # pages of methods and studies go on from no other page
    for page, block in blocks:
        of_page = names
        if page.parent.name in ("methods", "analysis"):
            of_page = alone.setdefault(page, dict(names))
        exec(compile(block, str(page), "exec"), of_page)
    printed = capsys.readouterr().out
    assert len(re.findall(r"^6 \{'value'", printed, re.M)) == 1  # the demo's last depth
    assert len(re.findall(r"^6 Estimate", printed, re.M)) == 1  # the reader's own model
    assert (tmp_path / "runs/demo/report.html").stat().st_size > 10_000


def test_the_chain_takes_five_lines():
    lines = [line for line in python_blocks(README)[1].splitlines() if line.strip()]
    assert len(lines) <= 5


def test_commands_of_the_readme_exist():
    from typer.testing import CliRunner

    from hf_apt.cli.app import app

    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    commands = set(re.findall(r"(?:^|`)hf-apt ([a-z][a-z-]*)", text, re.M))
    commands -= {"pretrain"}
    assert commands == {
        *("run", "measure", "finetune", "compare", "committee", "report", "publish"),
        *("lens", "fit-lens", "check", "reference", "rates", "diff", "acquisition", "score"),
        *("similarity", "ls", "env", "bench", "ner", "transfer", "images", "anchors", "cls"),
        *("kernels", "experts", "smoothness", "selection", "rademacher"),
        "pairs",
    }
    for command in commands:
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_the_tree_names_the_rooms():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    tree = text[text.index("```\nhf_apt/") : text.index("trainer_callbacks/  callbacks")]
    rooms = [path.name for path in (ROOT / "hf_apt").iterdir() if (path / "__init__.py").exists()]
    assert sorted(re.findall(r"^  ([a-z]+)/ ", tree, re.M)) == sorted(rooms)


def test_functions_and_tests_of_the_statements_exist():
    text = (DOCS / "papers.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|.*\| `(hf_apt[a-z_.]+)` \| `(tests/[a-z_/]+\.py)` \|$", text, re.M)
    assert len(rows) == 10
    for name, path in rows:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute) or import_module(name)
        assert (ROOT / path).exists()
    for path in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_are_there(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"https?://", target):
            assert (page.parent / target.partition("#")[0]).exists(), target
    assert not re.search(r"@@\w+@@", text)  # a figure that is still to be filled in


def test_the_readme_is_short_and_leads_to_every_page():
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    own = [page for page in DOCS.rglob("*.md") if not page.read_text().startswith("```{include}")]
    assert len(own) > 25
    targets = set(re.findall(r"\]\(([^)\s]+)\)", text))
    for room in ("ideas", "methods", "analysis"):
        index = (DOCS / room / "index.md").read_text(encoding="utf-8")
        listed = set(re.findall(r"\]\(([^)\s]+)\)", index))
        targets |= {f"docs/{room}/{name}" for name in listed}
    assert {str(page.relative_to(ROOT)) for page in own} <= targets


def test_every_page_is_in_the_contents():
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = "\n".join(re.findall(r"^```{toctree}\n.*?:hidden:\n(.*?)^```", text, re.M | re.S))
    pages = {str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.rglob("*.md")}
    assert sorted(listed.split()) == sorted(pages - {"index"})


@pytest.mark.parametrize("page", sorted((DOCS / "ideas").glob("*.md")), ids=lambda page: page.stem)
def test_an_idea_has_its_formula_and_tests_that_exist(page):
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 50
    if page.stem != "index":
        assert "$$" in text
        assert "ours" in text
        assert "**Not known.**" in text
        paths = re.findall(r"`(tests/[\w/.]+)`", text)
        assert paths
        assert all((ROOT / path).exists() for path in paths)
        for name in re.findall(r"`hf_apt\.(\w+)`", text):
            import_of("hf_apt", name)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_its_formulas_become_mathml(page):
    math = pytest.importorskip("docutils.utils.math.latex2mathml", reason="extra docs")
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    text = re.sub(r"`[^`]*`", "", text)
    blocks = re.findall(r"^\$\$(.*?)^\$\$", text, re.M | re.S)
    inline = re.findall(r"\$([^$]+)\$", re.sub(r"^\$\$(.*?)^\$\$", "", text, flags=re.M | re.S))
    for formula in blocks + inline:
        assert "<math" in math.tex2mathml(formula)


def import_of(package: str, name: str) -> None:
    assert hasattr(import_module(package), name) or import_module(f"{package}.{name}")


def test_the_reference_has_every_public_name():
    import hf_apt
    import trainer_callbacks

    text = (DOCS / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\.\. auto(?:class|function):: (\w+)$", text, re.M)
    assert sorted(listed) == sorted(hf_apt.__all__)
    for name in trainer_callbacks.__all__:
        assert getattr(hf_apt, name) is getattr(trainer_callbacks, name)


def test_links_of_the_built_pages_lead_to_pages_or_files():
    """As `docs/conf.py` rewrites them; Sphinx takes one that leads nowhere for an error."""
    conf = ast.parse((DOCS / "conf.py").read_text(encoding="utf-8"))
    (links,) = (
        ast.literal_eval(node.value)
        for node in conf.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LINKS"
    )
    # What `index.md`, `changes.md` and so on include lies in the root, and is shown in docs/.
    included = [README, *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md"))]
    places = [(page, DOCS) for page in included] + [(page, page.parent) for page in PAGES[1:]]
    for page, folder in places:
        text = page.read_text(encoding="utf-8")
        for here, there in links.items():
            text = text.replace(here, there)
        for target in re.findall(r"\]\(([^)\s#]+)", text):
            assert re.match(r"https?://", target) or (folder / target).exists(), (page, target)
