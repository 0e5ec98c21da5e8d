"""Secrets in text and files: taken out of a command line, and found in what is to be published.

The table of patterns is ours (source: the prefixes that vendors print in front of their tokens).
detect-secrets is no dependency: it reads lines of source code, not weights, and release 1.5.0 has
no pattern for tokens of the Hub, keys of Google or Anthropic, or `github_pat_`.
"""

from __future__ import annotations

import base64
import mmap
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

REDACTED = "***"
"""What stands in place of a secret."""

_LONGEST = 4096
"""Bytes after an anchor that a secret may take."""
_SMALL = 16 * 2**20
"""Bytes of a file that is also read decoded; a larger one holds weights."""


@dataclass(frozen=True)
class SecretKind:
    """How the secrets of one vendor look."""

    name: str
    """What to call one, with its article."""

    anchors: tuple[str, ...]
    """Strings of which each such secret holds one; none where there is no such string."""

    pattern: str
    """Regular expression; what is secret is its group `secret`, or all of it."""


_HUB = SecretKind("a token of the Hub", ("hf_",), r"hf_(?:[a-z]+_)?[A-Za-z0-9]{20,}")
_START, _END = r"(?<![\w/+-])", r"(?![\w/+-])"

KINDS = (
    _HUB,
    SecretKind(
        "a key of OpenAI or Anthropic",
        ("sk-",),
        _START + r"sk-(?:(?:proj|svcacct|admin|ant|or|lf|None)-[\w-]{16,}"
        r"|(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{20,})",
    ),
    SecretKind(
        "an access key of AWS",
        ("AKIA", "ASIA", "ABIA", "ACCA"),
        r"(?<![A-Za-z0-9/+])A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9/+])",
    ),
    SecretKind(
        "a secret key of AWS",
        (),
        r"(?<![\w/+.-])(?!/)(?=(?:[A-Za-z0-9/+]*?[A-Z]){5})(?=(?:[A-Za-z0-9/+]*?[a-z]){5})"
        r"(?=[A-Za-z0-9/+]*?\d)(?!(?:[A-Za-z0-9+]*/){4})[A-Za-z0-9/+]{40}(?![\w/+=.-])",
    ),
    SecretKind(
        "a token of GitHub",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}",
    ),
    SecretKind(
        "a token of GitLab",
        ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "gloas-", "glagent-"),
        _START + r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|oas|agent)-[\w.-]{20,}",
    ),
    SecretKind("a token of Slack", ("xox",), _START + r"xox[abeoprs](?:\.xox[bp])?-[\w-]{10,}"),
    SecretKind(
        "a webhook of Slack or Discord",
        ("hooks.slack.com/", "/api/webhooks/"),
        r"hooks\.slack\.com/(?:services|workflows)/[\w/]{20,}"
        r"|discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}",
    ),
    SecretKind("a JSON web token", ("eyJ",), r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    SecretKind(
        "a private key",
        ("PRIVATE KEY",),
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[\s\S]*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|[\s\S]*)",
    ),
    SecretKind("a key of Google", ("AIza",), _START + r"AIza[\w-]{35}" + _END),
    SecretKind("a token of Google", ("ya29.",), _START + r"ya29\.[\w-]{20,}"),
    SecretKind(
        "a key of Stripe, npm, PyPI, SendGrid, Groq, xAI, Replicate or W&B",
        ("k_live_", "npm_", "pypi-AgE", "SG.", "gsk_", "xai-", "r8_", "wandb_v1_"),
        r"[rs]k_live_[0-9A-Za-z]{20,}|(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)|pypi-AgE[\w-]{50,}"
        r"|(?<!\w)SG\.[\w-]{22}\.[\w-]{43}|(?<!\w)gsk_[A-Za-z0-9]{40,}"
        r"|(?<![\w-])xai-[A-Za-z0-9]{40,}|(?<!\w)r8_[A-Za-z0-9]{36,}|(?<!\w)wandb_v1_\w{20,}",
    ),
    SecretKind(
        "a password in an address",
        ("://",),
        r"[A-Za-z][A-Za-z0-9+.-]+://(?P<secret>[!-.0-9;=A-Z\[-~]*:[!#-&(-.0-;=?-~]+"
        r"|[\w.~%+-]{16,})@",
    ),
    SecretKind(
        "a key of the environment",
        ("_KEY", "TOKEN", "PASSWORD", "PASSWD", "SECRET"),
        r"(?<!\w)(?:[A-Z][A-Z0-9]*_)+(?:KEY|TOKEN|PASSWORD|PASSWD|SECRET)[\"']?\s?[=:]\s?[\"']?"
        r"(?P<secret>[A-Za-z0-9+/=_.~-]{12,})",
    ),
)
"""A new vendor is an entry here."""

_NAMES = (
    r"(?:api[_-]?key|access[_-]?key(?:[_-]?id)?|account[_-]?key|secret(?:[_-]access)?(?:[_-]?key)?"
    r"|private[_-]?key|token|password|passwd|passphrase|pwd|credentials?|signature|sig)"
)
_ASSIGNED = re.compile(
    rf"(?<![A-Za-z0-9])(?:[\w.-]*[_.-])?{_NAMES}[\"']?\s*[=:]\s*(?P<secret>.+)", re.I | re.S
)
_OPTION = re.compile(rf"--?(?:[\w-]*-)?{_NAMES}", re.I)
_AUTHORISATION = re.compile(r"\b(?:bearer|basic)\s+(?P<secret>[\w.~+/=-]{8,})", re.I)

_ESCAPE = re.compile(
    rb"\\+u\{?0*([0-9a-f]{2})(?![0-9a-f])\}?|\\+u00([0-9a-f]{2})|\\+x([0-9a-f]{2})"
    rb"|%([0-9a-f]{2})|&#x0*([0-9a-f]{2});|&#0*([0-9]{2,3});",
    re.I,
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{27,}")


def redacted(text: str) -> str:
    """The command line `text` with `***` in place of every secret; without one it is unchanged.

    Secrets are what looks like a token, key or password of a vendor, what is assigned to a name
    such as `WANDB_API_KEY` or `password`, and what follows an option such as `--token`.
    """
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if shlex.join(words) == text:
        clean = list(_words(words))
        return text if clean == words else " ".join(map(_quoted, clean))
    parts = re.split(r"(\s+)", _without_vendors(text))
    return "".join(map("".join, zip(_words(parts[::2]), [*parts[1::2], ""], strict=True)))


def secrets_in(content: bytes | mmap.mmap, tokens: Iterable[str] = ()) -> list[str]:
    r"""The kinds of secrets that `content` holds, in words; each of `tokens` is one in any case.

    Read as it is and as UTF-16 and UTF-32; up to 16 MiB also with escapes (`\u0068`, `%68`,
    `&#104;`) resolved and, for tokens of the Hub and `tokens`, out of base64.
    """
    in_use = [token.encode() for token in tokens if token]
    kinds = [kind.name for kind in KINDS if kind.anchors and _holds(content, kind)]
    if any(_holds_token(content, token) for token in in_use):
        kinds.append("a token of the Hub, the one in use")
    if len(content) <= _SMALL:
        plain = bytes(content)
        kinds += [kind.name for kind in KINDS if not kind.anchors and _pattern(kind).search(plain)]
        for decoded in _decoded(plain):
            kinds += [kind.name for kind in KINDS if kind.anchors and _holds(decoded, kind)]
            kinds += ["a token of the Hub, the one in use"] * any(t in decoded for t in in_use)
        if any(_pattern(_HUB).search(decoded) for decoded in _out_of_base64(plain)):
            kinds.append(_HUB.name)
    return list(dict.fromkeys(kinds))


def _words(words: Iterable[str]) -> Iterator[str]:
    """The words of a command line, redacted."""
    is_secret = False
    for word in words:
        if is_secret and not word.startswith("--"):
            yield REDACTED
        else:
            clean = _without_secrets(word)
            yield REDACTED if secrets_in(clean.encode(errors="replace")) else clean
        is_secret = _OPTION.fullmatch(word) is not None


def _without_secrets(word: str) -> str:
    return _AUTHORISATION.sub(_redact, _ASSIGNED.sub(_redact, _without_vendors(word)))


def _without_vendors(text: str) -> str:
    for kind in KINDS:
        text = _text_pattern(kind).sub(_redact, text)
    return text


def _redact(match: re.Match[str]) -> str:
    if "secret" not in match.re.groupindex or match["secret"] is None:
        return REDACTED
    start, end = (place - match.start() for place in match.span("secret"))
    return match[0][:start] + REDACTED + match[0][end:]


def _quoted(word: str) -> str:
    return word if word == REDACTED else shlex.quote(word).replace(f"'{REDACTED}'", REDACTED)


def _holds(content: bytes | mmap.mmap, kind: SecretKind) -> bool:
    pattern = _pattern(kind)
    for anchor in kind.anchors:
        for place in _places(content, anchor.encode()):
            if pattern.search(content, max(0, place - 128), place + _LONGEST):
                return True
        for gap in (b"\0", b"\0\0\0"):
            spaced = gap.join(bytes([letter]) for letter in anchor.encode())
            for place in _places(content, spaced):
                wide = content[max(0, place - 4 * 128) : place + 4 * _LONGEST]
                if pattern.search(wide.replace(b"\0", b"")):
                    return True
    return False


def _holds_token(content: bytes | mmap.mmap, token: bytes) -> bool:
    wide = [gap.join(bytes([letter]) for letter in token) for gap in (b"", b"\0", b"\0\0\0")]
    coded = []
    for shift in range(3 if len(token) >= 8 else 0):  # of the three letters that become four
        text = base64.b64encode(b"\0" * shift + token)
        inner = text[
            -(-shift * 4 // 3) : len(text) // 4 * 4 - (4 if (shift + len(token)) % 3 else 0)
        ]
        coded += [inner, inner.replace(b"+", b"-").replace(b"/", b"_")]
    return any(content.find(written) >= 0 for written in wide + coded)


def _places(content: bytes | mmap.mmap, part: bytes) -> Iterator[int]:
    place = content.find(part)
    while place >= 0:
        yield place
        place = content.find(part, place + 1)


def _decoded(content: bytes) -> Iterator[bytes]:
    """`content` with escapes resolved, once, twice and thrice."""
    for _ in range(3):
        resolved = _ESCAPE.sub(_character, content)
        if resolved == content:
            return
        yield resolved
        content = resolved


def _character(match: re.Match[bytes]) -> bytes:
    *in_hex, in_decimal = match.groups()
    number = int(in_decimal) if in_decimal else int(next(filter(None, in_hex)), 16)
    return bytes([number]) if number < 128 else match[0]


def _out_of_base64(content: bytes) -> Iterator[bytes]:
    for run in _BASE64.finditer(content):
        text = run[0].replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            part = text[start:]
            yield base64.b64decode(part[: len(part) // 4 * 4])


@cache
def _pattern(kind: SecretKind) -> re.Pattern[bytes]:
    return re.compile(kind.pattern.encode())


@cache
def _text_pattern(kind: SecretKind) -> re.Pattern[str]:
    return re.compile(kind.pattern, re.A)
