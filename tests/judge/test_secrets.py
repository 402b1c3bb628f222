from __future__ import annotations

import os
import random
import string
import time
from pathlib import Path

import pytest
from cases import PLACES, case

from classifier import formats
from classifier.judge import Options, prepare
from classifier.judge._secrets import Veil
from classifier.secrets import find

OPTIONS = Options(model="double/obedient")
REAL = Path(os.environ.get("CORONER_SHARED", Path(__file__).parents[3] / "shared")) / "real_traces"


def _random(length: int, letters: str = string.ascii_letters + string.digits) -> str:
    """Made at run time, so that no scanner takes this file for a leak."""
    made = random.Random(length * 7 + len(letters))  # noqa: S311 - nothing is protected by it
    return ("a7f" if letters == HEX else "a7Q") + "".join(made.choice(letters) for _ in range(length - 3))


HEX, UPPER = "0123456789abcdef", string.ascii_uppercase + string.digits
PEM = "\n".join(
    ["-----BEGIN RSA PRIVATE KEY-----", *(_random(64 + i) for i in range(6)), "-----END RSA PRIVATE KEY-----"]
)
S20, S24, S32, S35, S36, S40 = (_random(n) for n in (20, 24, 32, 35, 36, 40))
# kind -> a line of a log, and the value in it that must not leave
KINDS = {
    "e-mail": ("Write to {} soon", "ada.lovelace+x@mail.example.org"),
    "e-mail, accents": ("from <{}>", "jürgen@müller-gmbh.example"),
    "private key": ("{}", PEM),
    "private key in json": ('{{"private_key": "{}\\n"}}', PEM.replace("\n", "\\n")),
    "pgp key": ("{}", PEM.replace("RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK")),
    "private key cut off": ("{}", PEM.rsplit("\n", 1)[0]),
    "bearer": ("curl -H 'Authorization: Bearer {}'", S32),
    "bearer alone": ("sent bearer {} to it", S24),
    "basic": ("Authorization: Basic {}", "dXNlcjpodW50ZXIyaHVudGVyMg=="),
    "header in json": ('{{\\"Authorization\\": \\"token {}\\"}}', S32),
    "x-api-key": ("x-api-key: {}", S24),
    "openai": ("using sk-{} now", "proj-" + S40),
    "anthropic": ("key sk-{}", "ant-api03-" + S40),
    "google": ("?x=1 {} ok", "AIza" + S35),
    "google oauth": ("got {} back", "ya29." + S32),
    "aws id": ("id {} used", "AKIA" + _random(19, UPPER)[3:].upper()),
    "aws secret": ("aws_secret_access_key = {}", S40),
    "aws secret in json": ('"SecretAccessKey": "{}"', _random(40, string.ascii_letters + "/+")),
    "github": ("https://{}@github.com/x/y", "ghp_" + S36),
    "github, fine": ("{}", "github_pat_" + S36),
    "gitlab": ("PRIVATE-TOKEN: {}", "glpat-" + S20),
    "slack": ("{}", "xoxb-123456789012-" + S24),
    "slack hook": ("post to {}", "https://hooks.slack.com/services/T0" + S24),
    "stripe": ("{}", "sk_live_" + S24),
    "hugging face": ("login --token {}", "hf_" + S32),
    "groq": ("key: {}", "gsk_" + S40),
    "jwt": ("cookie {}", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + S32),
    "password": ("password: {}", "hunter2!"),
    "password in json": ('{{"user": "eve", "password": "{}"}}', "Tr0ub4dor&3"),
    "password in escaped json": ('{{\\"password\\": \\"{}\\"}}', "Tr0ub4dor3"),
    "password in code": ("db.connect(password='{}')", "corr3ct-horse"),
    "password in env": ("export DB_PASSWORD={}", "hunterhunter"),
    "password in prose": ("The password is {} by the way", "s3cret-Pa55"),
    "password on a command line": ("mysql -u root --password {} db", "r00t-pw!"),
    "api key in env": ("OPENWEATHER_API_KEY={}", S32),
    "api key in code": ('api_key = "{}"', _random(32, HEX)),
    "client secret": ("client_secret => '{}'", S24),
    "password in url": ("postgres://ada:{}@db.example/x", "p4ss.word"),
    "password in url without user": ("redis://:{}@cache:6379/0", "p4ssword!"),
    "key in url": ("GET https://api.example/v1?q=x&api_key={}&y=2", S24),
    "signature in url": ("https://bucket.example/f?X-Amz-Signature={}", _random(64, HEX)),
    "cookie": ("Set-Cookie: session={}; Path=/", S32),
    "azure": ("AccountKey={}", _random(86) + "=="),
    "two in a line": ("password: first-1pw and api_key={}", S24),
    "hash in quotes": ("'{}'", _random(40, HEX)),
}


@pytest.mark.parametrize(("line", "value"), KINDS.values(), ids=KINDS.keys())
def test_no_secret_is_in_the_prompt_wherever_it_stood(line: str, value: str) -> None:
    prompt = prepare(case(f"ok\n{line.format(value)}\nok", at=tuple(p for p in PLACES if p != "tool name")), OPTIONS)
    sent = prompt.request.model_dump_json()
    assert all(part not in sent for part in value.split("\n") if len(part) > 5)
    assert "[SECRET-1:" in sent


@pytest.mark.parametrize(("line", "value"), KINDS.values(), ids=KINDS.keys())
def test_a_quote_of_hidden_text_leads_back_to_the_words_of_the_log(line: str, value: str) -> None:
    prompt = prepare(case(f"before it\n{line.format(value)}\nafter it"), OPTIONS)
    shown = prompt.shown[2].passage
    assert shown is not None
    start, end = shown.shown.index("before it"), shown.shown.index("after it") + len("after it")
    assert shown.find(shown.shown[start:end]) == f"before it\n{line.format(value)}\nafter it"


def test_a_secret_met_once_is_hidden_wherever_it_occurs_and_under_one_name() -> None:
    key = _random(24, string.ascii_letters + "9")
    prompt = prepare(case(f"it took {key} for granted\nAPI_KEY={key}", at=("content", "arguments", "signal")), OPTIONS)
    sent = prompt.request.messages[1].content
    assert key not in sent
    assert {secret.value for secret in prompt.secrets} == {key}
    assert sent.count(prompt.secrets[0].placeholder) >= 4


def test_different_secrets_have_different_names_and_both_come_back() -> None:
    veil, text = Veil(), "mail a@example.org and b@example.org"
    veil.learn(text, find(text))
    assert veil.restore("to [SECRET-2:email-address] from [SECRET-1:email-address] [SECRET-9:x]") == (
        "to b@example.org from a@example.org [SECRET-9:x]"
    )


def test_a_secret_across_the_cut_is_not_shown_in_half() -> None:
    key = _random(300)
    lines = [f"line {i} of a page of no interest to anyone at all" for i in range(4_000)]
    for at in range(0, 4_000, 7):
        lines[at] = f"API_KEY={key}"
    sent = prepare(case("\n".join(lines)), OPTIONS.model_copy(update={"budget": 1_500})).request.messages[1].content
    assert "characters left out" in sent
    assert not any(key[i : i + 12] in sent for i in range(len(key) - 12))


@pytest.mark.parametrize(
    "line",
    [
        'api_key = "YOUR_API_KEY"',
        "api_key = os.environ['API_KEY']",
        "password: <your password>",
        "password = getpass.getpass()",
        "token = 'xxxxxxxx'",
        "The password is required.",
        "password: required",
        "secret: str",
        "order #W2378156, item 1151293680, user yusuf_rossi_9620",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "request_id='123e4567-e89b-12d3-a456-426614174000'",
        "tokens: 12345 of 128000 used",
        "@app.route('/login')",
        "pip install torch==2.13.0",
        "https://en.wikipedia.org/wiki/Ferry?oldid=123456789&action=history",
        "reader_id 2231 borrowed 'The Salt Orchard' on 13/01/2023",
    ],
)
def test_what_only_looks_like_a_secret_stays(line: str) -> None:
    assert find(line) == ()


def test_a_hundred_kilobytes_are_read_in_under_a_second() -> None:
    text = "\n".join(f"{i} GET /page/{i}?q=ferry 200 {_random(30)} some words on the timetable" for i in range(1_400))
    assert len(text) > 100_000
    start = time.process_time()
    find(text)
    assert time.process_time() - start < 1.0


UNITS = [
    "a",
    "a@",
    "a.",
    "password",
    "key=",
    "'",
    "Bearer",
    "://a:",
    "-----BEGIN",
    "eyJa.",
    "<|",
    '="',
    "%3c",
    "a:b@",
    "[",
    "_-",
    "<think>",
    "\u200b",
]


@pytest.mark.parametrize("unit", UNITS)
def test_no_text_makes_the_reading_slow(unit: str) -> None:
    text = unit * (60_000 // len(unit))
    start = time.process_time()
    prepare(case(text), OPTIONS)
    assert time.process_time() - start < 4.0


@pytest.mark.skipif(not REAL.is_dir(), reason="the real traces are not on this machine")
def test_little_of_real_logs_is_hidden() -> None:
    hidden = total = 0
    for file in sorted(REAL.glob("*/*"))[::9]:
        for trace in formats.read(file.read_bytes(), name=file.name):
            for step in trace.steps:
                text = step.content[:5_000]
                total += len(text)
                hidden += sum(hit.end - hit.start for hit in find(text))
    assert total > 100_000
    assert hidden < 0.01 * total
