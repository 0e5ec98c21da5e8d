"""What tests share: no network, a tiny vocabulary, a tiny BERT-6, a little text."""

import os
import tempfile

# Before anything imports huggingface_hub, which reads them once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="hf_apt-tests-")
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402

WORDS = [f"w{number}" for number in range(60)]


@pytest.fixture(scope="session")
def tokenizer():
    """A BERT tokenizer whose 65 tokens are the five special ones and w0 to w59."""
    from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer

    return vocabulary_tokenizer([*SPECIAL_TOKENS, *WORDS])


@pytest.fixture(scope="session")
def documents() -> list[str]:
    """101 documents of 3 to 40 words, Zipf-like, in which each word is followed by its successor
    half of the time."""
    generator = np.random.default_rng(7)
    texts = []
    for _ in range(101):
        word, words = 0, []
        for _ in range(generator.integers(3, 41)):
            follow = generator.random() < 0.5
            word = (word + 1) % 60 if follow else min(int(generator.zipf(1.4)), 60) - 1
            words.append(WORDS[word])
        texts.append(" ".join(words))
    return texts


@pytest.fixture(scope="session")
def tokens(tokenizer, documents, tmp_path_factory):
    """Those documents as sequences of at most 24 tokens, one a document, some of them short."""
    from hf_apt.data.tokens import write_tokens

    folder = tmp_path_factory.mktemp("tokens") / "first"
    return write_tokens(folder, documents, tokenizer, sequence_length=24, layout="first")


@pytest.fixture(scope="session")
def packed_tokens(tokenizer, documents, tmp_path_factory):
    """Those documents packed into full sequences of 24 tokens."""
    from hf_apt.data.tokens import write_tokens

    folder = tmp_path_factory.mktemp("tokens") / "packed"
    return write_tokens(folder, documents, tokenizer, sequence_length=24, layout="packed")


@pytest.fixture
def tiny_model(tokens):
    """A BERT-6 of two blocks, 16 wide, with fresh weights, in evaluation mode."""
    from hf_apt.models.fresh import new_model
    from hf_apt.models.shapes import ModelShape

    shape = ModelShape(hidden_size=16, num_heads=2, num_blocks=2)
    return new_model(shape, tokens, seed=3).eval()


@pytest.fixture
def checkpoint(tiny_model, tokenizer, tmp_path) -> Path:
    """That model and its tokenizer in a folder."""
    tiny_model.save_pretrained(tmp_path / "checkpoint")
    tokenizer.save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


@pytest.fixture
def quick_pictures(monkeypatch):
    """Matplotlib's pictures are made as ever, and written as a single pixel."""
    from matplotlib.figure import Figure
    from quick_pictures import write_a_pixel

    monkeypatch.setattr(Figure, "savefig", write_a_pixel)


@pytest.fixture(scope="module", autouse=True)
def charts_that_are_looked_at(request):
    """Charts of a page are drawn for a module that says that it `LOOKS_AT_CHARTS`; elsewhere they
    stay empty, since they take most of a page's time."""
    if getattr(request.module, "LOOKS_AT_CHARTS", False):
        yield
        return
    from matplotlib.figure import Figure
    from quick_pictures import without_svg

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", without_svg(Figure.savefig))
        yield


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """A finished run of three blocks on a Hub data set, of random counts; not to be changed."""
    from finished import write_finished_run

    return write_finished_run(tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def hub(monkeypatch):
    """A Hub on the loopback, which this process may reach and has a token for."""
    from hub_double import TOKEN, HubDouble
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    # One for all of transformers' calls, which keeps the Hub of whoever asked first.
    monkeypatch.setattr("transformers.utils.hub._hf_api", None)
    with HubDouble() as double:
        monkeypatch.setenv("HF_ENDPOINT", double.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield double


@pytest.fixture
def call(monkeypatch, capsys):
    """The command line in this process: exit code, standard output, standard error."""
    from hf_apt import cli

    def called(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["hf-apt", *map(str, arguments)])
        capsys.readouterr()
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        else:
            code = 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return called
