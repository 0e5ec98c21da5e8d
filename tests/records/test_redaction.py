"""Secrets of every vendor are taken out of a command line and found in files; nothing else is."""

import base64
import shlex
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from hf_apt.records.redaction import redacted, secrets_in

ROOT = Path(__file__).parents[2]
A, D = "aB3dE6gH9kL2mN5pQ8sT1vW4xY7zA0cF", "0123456789"
HUB = "hf_" + "aB3dE6gH9" * 4
JWT = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{A}"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{A}\n{A}\n-----END RSA PRIVATE KEY-----"
SECRETS = {
    "hub": HUB,
    "hub-oauth": f"hf_oauth_{A}",
    "hub-jwt": f"hf_jwt_{A}",
    "openai": f"sk-{A}{A}",
    "openai-project": f"sk-proj-{A}_{A}-{A}",
    "anthropic": f"sk-ant-api03-{A}-{A}",
    "openrouter": "sk-or-v1-" + "0a1b2c3d" * 8,
    "aws-id": "AKIA" + "IOSFODNN7EXAMPLE",
    "aws-secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
    "github": f"ghp_{A}abcd",
    "github-fine": f"github_pat_{A}_{A}",
    "gitlab": "glpat-" + A[:20],
    "slack": f"xoxb-{D}-{D}-{A}",
    "slack-webhook": f"https://hooks.slack.com/services/T{D}/B{D}/{A}",
    "jwt": JWT,
    "pem": PEM,
    "google": "AIza" + f"Sy{A}x",
    "groq": f"gsk_{A}{A}",
    "npm": f"npm_{A}abcd",
    "wandb": f"WANDB_API_KEY={'0a1b2c3d' * 5}",
}
HIDDEN = {**SECRETS, "wandb": "0a1b2c3d" * 5}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("form", ["{}", "--x={}", "a,{}", "prefix {} suffix"])
def test_no_secret_of_a_vendor_is_stored(kind, form):
    command = shlex.join(["hf-apt", "run", form.format(SECRETS[kind]), "-o", "runs/x"])
    clean = redacted(command)
    assert HIDDEN[kind].splitlines()[-1] not in clean
    assert HIDDEN[kind][-12:] not in clean
    assert clean.startswith("hf-apt run ")
    assert clean.endswith(" -o runs/x")
    assert "***" in clean
    assert redacted(clean) == clean


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["--token", "s3cret"], "--token ***"),
        (["--hub-token", "-s3cret"], "--hub-token ***"),
        (["--api-key=s3cret"], "'--api-key=***'"),
        (["--password", "two words s3cret"], "--password ***"),
        (["PASSWORD=s3cret x"], "'PASSWORD=***'"),
        (["WANDB_API_KEY=s3cret"], "'WANDB_API_KEY=***'"),
        (["AWS_SECRET_ACCESS_KEY=s3cret"], "'AWS_SECRET_ACCESS_KEY=***'"),
        (['{"token": "s3cret"}'], "***"),
        (["https://me:s3cret@host/x.txt"], "https://"),
        (["postgresql+psycopg://me:s3c@s3cret@host/x"], "postgresql+psycopg://"),
        (["https://host/x.txt?rev=1&token=s3cret&more=1"], "https://host/x.txt?rev=1&token="),
        (["https://host/x.txt?X-Amz-Signature=s3cret"], "X-Amz-Signature="),
        (["Authorization: Bearer s3cret-s3cret"], "Authorization: Bearer "),
    ],
)
def test_what_is_named_a_secret_is_not_stored(words, kept):
    clean = redacted(shlex.join(["hf-apt", *words, "-o", "x"]))
    assert "s3c" not in clean
    assert kept.strip("'") in clean
    assert "***" in clean
    assert shlex.split(clean)[-2:] == ["-o", "x"]


def test_a_command_that_is_not_quoted_by_us_is_redacted_too():
    text = f'hf-apt run "x y" --token  s3cret {HUB} PASSWORD=s3cret -o "'
    assert redacted(text) == 'hf-apt run "x y" --token  *** *** PASSWORD=*** -o "'


@pytest.mark.parametrize(
    "command",
    [
        "",
        "hf-apt run planted -o runs/x",
        "hf-apt run '/data/secret/wiki*.parquet' --tokenizer runs/x/checkpoint --max-tokens 100",
        "hf-apt run https://host:8080/a.txt s3://bucket/a hf://datasets/a/b@main --seed 1",
        "hf-apt measure owner/task-dependent-representations-of-sk-learn-2024 --num-tokens 5",
        "hf-apt run x --revision 0123456789abcdef0123456789abcdef01234567",
        "hf-apt run ssh://git@host/x.txt -o /Data/Runs/Experiments12/BertNarrow/Wikipedia",
        "hf-apt run 'it'\"'\"'s here.txt' --sep ' | '",
    ],
)
def test_a_command_without_secrets_is_stored_as_it_is(command):
    assert redacted(command) == command


ENCODINGS = {
    "plain": lambda text: text.encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "utf-32": lambda text: text.encode("utf-32-le"),
    "json": lambda text: "".join(f"\\u{ord(c):04x}" for c in text).encode(),
    "json in json": lambda text: "".join(f"\\\\u{ord(c):04X}" for c in text).encode(),
    "one escape": lambda text: b"\\u0068" + text[1:].encode() if text[0] == "h" else text.encode(),
    "hex": lambda text: "".join(f"\\x{ord(c):02x}" for c in text).encode(),
    "percent": lambda text: "".join(f"%{ord(c):02x}" for c in text).encode(),
    "percent twice": lambda text: quote("".join(f"%{ord(c):02x}" for c in text)).encode(),
    "html": lambda text: "".join(f"&#{ord(c)};" for c in text).encode(),
    "html hex": lambda text: "".join(f"&#x{ord(c):x};" for c in text).encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", [kind for kind in SECRETS if kind != "aws-secret"])
def test_a_secret_is_found_however_it_is_written(kind, encoding, monkeypatch):
    written = ENCODINGS[encoding](SECRETS[kind])
    assert secrets_in(b'{"x": "' + written + b'"}')
    if encoding in ("plain", "utf-16", "utf-32"):
        monkeypatch.setattr("hf_apt.records.redaction._SMALL", 100)
        assert secrets_in(bytes(9000) + b" " + written + b" " + bytes(9000))


def test_a_secret_key_of_aws_is_found():
    assert secrets_in(f"key: '{SECRETS['aws-secret']}'".encode()) == ["a secret key of AWS"]


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("coder", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("length", range(8, 14))
def test_tokens_in_base64_are_found(shift, coder, length, monkeypatch):
    own = "my.own~kind?of"[:length]
    assert secrets_in(coder(b"?" * shift + HUB.encode() + b"..."))
    written = coder(b"user:"[:shift] + own.encode() + b"?>more")
    assert not secrets_in(written)
    assert secrets_in(written, [own]) == ["a token of the Hub, the one in use"]
    monkeypatch.setattr("hf_apt.records.redaction._SMALL", 0)
    assert secrets_in(written, [own])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_token_in_use_is_found_whatever_it_looks_like(encoding):
    written = ENCODINGS[encoding]("my-own-kind")
    assert secrets_in(written) == []
    assert secrets_in(written, ["", "my-own-kind"]) == ["a token of the Hub, the one in use"]


def test_what_we_publish_holds_no_secret():
    names = ("hf_apt/checkpoints_data", "hf_apt/models/bert6", "metrics", "model_cards")
    paths = [path for name in names for path in (ROOT / name).rglob("*") if path.is_file()]
    assert len(paths) > 20
    for path in [*paths, ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        assert secrets_in(path.read_bytes()) == [], path


def test_random_weights_and_hashes_hold_no_secret():
    weights = np.random.default_rng(0).bytes(1_000_000)
    assert secrets_in(weights) == []
    assert secrets_in(base64.b64encode(weights[:300_000])) == []
    assert secrets_in(weights.hex().encode()) == []
    assert secrets_in(b"hf_apt hf_hub_download self_hf_attention_probabilities_dropout") == []
    assert secrets_in(b"") == []
