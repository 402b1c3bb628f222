"""Secrets in a text: found by detect-secrets and by patterns for what it does not know.

detect-secrets' plugins are called for their patterns alone; its own scan would also try a key at its provider.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from detect_secrets.plugins.base import BasePlugin

_LONGEST, _OVERLAP = 4_000, 600  # a line is scanned in pieces: some of the patterns are quadratic
_SPREADS = 8  # a found value of this length is hidden wherever it occurs again

_PRIVATE = re.compile(r"-----BEGIN (?P<what>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----")
_KEY_TEXT = re.compile(  # what follows where the key is cut off
    r"(?:(?:[\s\"'>|]|\\[nrt]){1,8}(?:[A-Za-z0-9+/=]{8,}|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,80}))*"
)
_KEY_LONGEST = 16_000

_WORD = (
    r"[\w.-]{0,40}?(?:passw(?:or)?d|passphrase|passwd|pwd|secret|api[_-]?key|apikey|access[_-]?key|auth[_-]?key|"
    r"private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|auth[_-]?token|access[_-]?token|"
    r"refresh[_-]?token|session[_-]?token|id[_-]?token|bot[_-]?token|api[_-]?token|client[_-]?secret|credentials?)"
    r"[\w-]{0,20}"
)
_PATTERNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("anthropic-key", r"\bsk-ant-[A-Za-z0-9_-]{16,}"),
        ("openai-key", r"\bsk-(?!ant-)[A-Za-z0-9_-]{16,}"),
        ("google-key", r"\bAIza[0-9A-Za-z_-]{30,}|\bya29\.[0-9A-Za-z_-]{20,}|\bGOCSPX-[0-9A-Za-z_-]{20,}"),
        ("huggingface-token", r"\bhf_[A-Za-z0-9]{20,}"),
        ("github-token", r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{22,}"),
        ("slack-token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
        ("stripe-key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9]{16,}"),
        ("key", r"\b(?:gsk_|xai-|tvly-|pplx-|nvapi-|r8_|lsv2_[a-z]{2}_|dop_v1_|shpat_|glpat-|dckr_pat_|pk-lf-|sk-lf-)[A-Za-z0-9_-]{16,}"),  # noqa: E501
        ("jwt", r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?"),
        ("aws-secret", r"(?i)(?:aws|secret)[\w .-]{0,30}key[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<v>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"),  # noqa: E501
        ("authorization", r"(?i)\b(?:proxy-)?authorization\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?(?:(?:bearer|basic|token|digest|negotiate)\s{1,3})?(?P<v>[^\s\"',;}\\]{6,})"),  # noqa: E501
        ("bearer-token", r"(?i)\b(?:bearer|basic)\s{1,3}(?P<v>(?=[a-z._~+/-]{0,200}[0-9=])[A-Za-z0-9._~+/-]{12,}={0,2})"),  # noqa: E501
        ("password-in-url", r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,128}:(?P<v>[^\s\"'<>/]{1,256})@(?=[\w\[.-])"),
        ("key-in-url", r"(?i)[?&#](?:[\w-]{0,20}(?:api_?key|token|secret|password|passwd|signature|credential|sig|auth)|key|pwd|code)=(?P<v>[^&\s\"'<>#)\]]{6,})"),  # noqa: E501
        ("cookie", r"(?i)\b(?:set-)?cookie[\"']?\s{0,3}:\s{0,3}[\"']?(?P<v>[\w.-]{1,64}=[^\s\"',;]{6,}(?:; ?[\w.-]{1,64}=[^\s\"',;]{1,500}){0,20})"),  # noqa: E501
        ("password", rf"(?i)\b{_WORD}(?:\\?[\"'\]]){{0,2}}(?P<by>\s{{0,3}}(?::=|=>|==?|:)\s{{0,3}})(?:\\?[\"'`])?(?P<v>[^\s\"'`,;<>()\[\]{{}}\\]{{4,}})"),  # noqa: E501
        ("password", r"(?i)\b(?:password|passphrase|passcode|passwort|mot de passe|contraseña|pin)\s{1,3}(?:is|was|ist|est|es|:)\s{1,3}[\"'`]?(?P<v>[^\s\"'`,;]{4,})"),  # noqa: E501
        ("password", r"(?:^|\s)(?:-p|--password|--token|--api-key|-u\s[\w.@-]{1,64}:)(?:[ =])?(?P<v>(?=\S{0,60}[\d!@#$%^&*])[^\s\"']{6,})"),  # noqa: E501
        ("email-address", r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])"),
    )
)  # fmt: skip
_NO_SECRET = re.compile(
    r"(?i)^(?:<.*>?|\{.*|\$.*|%.*%|\*+|x{3,}|\.{3,}|-+|_+|(?:my|your|the|some|an?|insert|enter|add|set|replace)[-_ ].*|"
    r".*(?:_here|-here|placeholder|redacted|hidden|example_?key)\W*|changeme|none|null|nil|true|false|todo|undefined|"
    r"string|str|int|bytes|optional|required|text|self\..*|os\.(?:environ|getenv).*|getenv.*|process\.env.*|env\..*|"
    r"config\..*|args\..*|request\..*|\[secret-\d.*)$"
)
_HARD = re.compile(r"\d|[^\w\s.,:;!?'\"()\[\]{}-]|[a-z][A-Z]")  # a digit, a symbol or a capital inside: no plain word
_KEYWORDS = re.compile(r"(?i)key|pass|pwd|secret|contrase")
_LONG_WORD = re.compile(r"\w{120,}")  # what the keyword plugin is quadratic in; our own pattern has no such trouble
_MINOR = {"email-address": 1, "keyword": 2, "high-entropy": 2}  # what a more telling kind overrules, as in a URL


class Found(NamedTuple):
    """`text[start:end]` is a secret of this kind."""

    start: int
    end: int
    kind: str


def find(text: str, start: int = 0, end: int | None = None) -> tuple[Found, ...]:
    """Return the secrets in `text[start:end]`, in order, free of overlaps. The lines at both ends are read whole."""
    end = len(text) if end is None else end
    found = [hit for hit in _private_keys(text) if hit.start < end and hit.end > start]
    at = max(text.rfind("\n", 0, start) + 1, start - _LONGEST)
    stop = text.find("\n", end)
    stop = min(len(text) if stop < 0 else stop, end + _LONGEST)
    while at < stop:
        line_end = text.find("\n", at, stop)
        line_end = stop if line_end < 0 else line_end
        for first in range(at, max(at + 1, line_end - _OVERLAP), _LONGEST - _OVERLAP):
            piece = text[first : min(first + _LONGEST, line_end)]
            found += [Found(hit.start + first, hit.end + first, hit.kind) for hit in _in_line(piece)]
        at = line_end + 1
    return _without_overlaps(found)


def spreads(value: str) -> bool:
    """Whether a value that was found once is to be hidden wherever it occurs again: it is no plain word."""
    return len(value) >= _SPREADS and bool(_HARD.search(value))


def _private_keys(text: str) -> Iterator[Found]:
    for begin in _PRIVATE.finditer(text):
        closing = f"-----END {begin['what']}-----"
        at = text.find(closing, begin.end(), begin.end() + _KEY_LONGEST)
        rest = _KEY_TEXT.match(text, begin.end(), min(len(text), begin.end() + _KEY_LONGEST))
        end = at + len(closing) if at >= 0 else rest.end() if rest else begin.end()
        yield Found(begin.start(), end, "private-key")


@lru_cache(maxsize=8_192)  # a trace is fitted several times, and runs of one system share their lines
def _in_line(line: str) -> tuple[Found, ...]:
    found: list[Found] = []
    for kind, pattern in _PATTERNS:
        for hit in pattern.finditer(line):
            name = "v" if "v" in pattern.groupindex else 0
            if _is_secret(kind, hit[name], hit):
                found.append(Found(hit.start(name), hit.end(name), kind))
    for kind, plugin in _plugins():
        if kind == "keyword" and not _KEYWORDS.search(line):
            continue
        for value in _values(kind, plugin, _LONG_WORD.sub("-", line) if kind == "keyword" else line):
            at = line.find(value)
            while value and at >= 0:
                found.append(Found(at, at + len(value), kind))
                at = line.find(value, at + len(value))
    return _without_overlaps(found)


def _is_secret(kind: str, value: str, hit: re.Match[str]) -> bool:
    if kind == "email-address":
        return True
    if _NO_SECRET.match(value):
        return False
    if kind == "password" and not _HARD.search(value):  # a plain word: only where it is assigned as in a .env file
        return hit.groupdict().get("by") == "=" and hit["v"].isalpha() and hit.start("by") > 0
    return kind != "openai-key" or any(letter.isdigit() for letter in value)


def _values(kind: str, plugin: BasePlugin, line: str) -> Iterator[str]:
    from detect_secrets.filters import heuristic  # noqa: PLC0415 - heavy, and seldom needed

    for value in plugin.analyze_string(line):
        if not value.strip() or _NO_SECRET.match(value) or heuristic.is_templated_secret(value):
            continue
        if kind == "keyword" and (" " in value.strip() or not _HARD.search(value) or _is_code(value)):
            continue
        if kind == "high-entropy" and not _is_random(plugin, value, line):
            continue
        yield value


def _is_code(value: str) -> bool:
    """Whether the value names where the secret comes from."""
    return bool(re.match(r"[\w.]+[\[(]", value))


def _is_random(plugin: BasePlugin, value: str, line: str) -> bool:
    from detect_secrets.filters import heuristic  # noqa: PLC0415 - as above
    from detect_secrets.plugins.high_entropy_strings import HighEntropyStringsPlugin  # noqa: PLC0415 - as above

    return (
        isinstance(plugin, HighEntropyStringsPlugin)
        and plugin.calculate_shannon_entropy(value) > plugin.entropy_limit
        and any(letter.isdigit() for letter in value)
        and not heuristic.is_sequential_string(value)
        and not heuristic.is_potential_uuid(value)
        and not heuristic.is_likely_id_string(value, line, plugin)
    )


@lru_cache(maxsize=1)
def _plugins() -> tuple[tuple[str, BasePlugin], ...]:
    """Return detect-secrets' detectors, less public IP addresses, which are no secret."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class  # noqa: PLC0415 - as above

    kinds: list[tuple[str, BasePlugin]] = []
    classes: Mapping[str, type[BasePlugin]] = get_mapping_from_secret_type_to_class()
    for name, plugin in sorted(classes.items()):
        kind = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        if kind != "public-ip-ipv4":
            kind = "high-entropy" if kind.endswith("high-entropy-string") else kind.replace("secret-keyword", "keyword")
            kinds.append((kind, plugin()))
    return tuple(kinds)


def _without_overlaps(found: Iterable[Found]) -> tuple[Found, ...]:
    """Join what overlaps under the kind that says most: a named one before an entropy, then the longer."""
    joined: list[Found] = []
    for hit in sorted(found):
        if joined and hit.start < joined[-1].end:
            before = joined.pop()
            telling = min(before, hit, key=lambda each: (_MINOR.get(each.kind, 0), each.start - each.end))
            joined.append(Found(before.start, max(before.end, hit.end), telling.kind))
        else:
            joined.append(hit)
    return tuple(joined)
