"""What the README says, held against what is there."""

from __future__ import annotations

import json
import re
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fake_classifier import FakeClassifier
from typer.main import get_command
from typer.testing import CliRunner

from classifier import annotation, cli, formats, llm, report, taxonomy, terminal
from classifier.diagnosis import Diagnosis
from service.app import create
from service.hub import Hub
from service.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md"))]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    return README.split(f"# {title}\n")[1].split("\n#")[0]


def commands() -> dict[str, Any]:
    """Return every command by its name, those of groups as `group name`."""
    top = get_command(cli.whole()).commands  # type: ignore[attr-defined]
    groups = {name: each.commands for name, each in top.items() if hasattr(each, "commands")}
    inner = {f"{group} {name}": each for group, below in groups.items() for name, each in below.items()}
    return {name: each for name, each in top.items() if name not in groups} | inner


def shown() -> list[tuple[str, str]]:
    """Return the commands that the README and its pages show, each with what follows it."""
    known = commands()
    rows = []
    for text in (README, *PAGES):
        inside = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        rows += [row.split("#")[0] for block in inside for row in block.splitlines() if "coroner " in row]
        rows += re.findall(r"`(coroner [^`]+)`", text)
    found = []
    for row in rows:
        words = row.partition("coroner ")[2].split()
        two, one = " ".join(words[:2]), words[0]
        name = two if two in known else one
        if name.startswith("-") or name == "COMMAND" or (len(words) > 1 and words[1] == "--help"):
            continue
        found.append((name, row))
    return found


def test_every_command_that_it_shows_exists_with_its_options() -> None:
    known = commands()
    for name, row in shown():
        assert name in known, row
        options = {option for param in known[name].params for option in (*param.opts, *param.secondary_opts)}
        said = row.partition(" -- ")[0]
        assert set(re.findall(r"(?<![\w-])--[\w-]+", said)) <= options | {"--help"}, row


def test_every_command_is_shown_there_or_on_its_pages() -> None:
    assert {name for name, _ in shown()} == set(commands())


def test_the_limits_without_a_budget_are_those_of_the_judge() -> None:
    text, budget = " ".join(section("The judge").split()), llm.Budget()
    for cap, whose in ((budget.trace, "run"), (budget.run, "command"), (budget.day, "day")):
        usd = f"{cap.usd:.2f}" if cap.usd and cap.usd < 1 else f"{cap.usd:.0f}"
        assert f"{usd} USD and {cap.calls:,} calls per {whose}" in text


def test_every_make_target_in_it_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^make (\w+)", "\n".join(blocks("console")), re.MULTILINE))
    assert targets == {"demo", "test"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_keys_of_the_json_are_those_of_a_diagnosis() -> None:
    first_column = [row.split("|")[1] for row in section("The JSON").splitlines() if row.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(first_column))) == set(Diagnosis.model_fields)


def test_the_exit_codes_are_those_of_the_commands() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d) \|", README, re.MULTILINE)} == set(terminal.Exit)
    assert all(str(int(code)) in terminal.EXIT_CODES for code in terminal.Exit)


def test_the_words_for_confidence_are_those_of_the_report() -> None:
    text = " ".join(section("How to read the confidence").split())
    said = dict(re.findall(r'from (\d+) %(?: on)? "([^"]+)"', text)) | {"0": "little more than a guess"}
    assert len(said) == 4
    for floor, words in said.items():
        assert report.in_words(int(floor) / 100) == words
        assert f'"{words}"' in text


def test_it_names_every_cause_and_every_taxonomy() -> None:
    text = section("The taxonomy")
    for cause in taxonomy.load().causes:
        assert re.search(rf"\b{re.escape(cause.id)} {cause.name}", text, re.IGNORECASE), cause.id
    for name in taxonomy.shipped():
        assert name in text or name == taxonomy.DEFAULT


def test_its_taxonomy_of_your_own_loads(tmp_path: Path) -> None:
    [text] = blocks("toml")
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    assert taxonomy.load(path).name == tomllib.loads(text)["name"]


def test_its_annotation_is_one() -> None:
    [text] = blocks("json")
    assert annotation.parse(text, strict=True).records[0].model_dump(exclude_defaults=True) == json.loads(text)


def test_the_paths_of_the_service_are_there(tmp_path: Path) -> None:
    said = "\n".join([README, *PAGES])
    paths = set(re.findall(r"127\.0\.0\.1:8080(/\w+)", said)) | set(re.findall(r"`(?:GET|POST|DELETE) (/\w+)`", said))
    assert {"/classify", "/batches"} <= paths
    hub = Hub.open(Settings(folder=tmp_path), FakeClassifier(), lambda _: FakeClassifier())
    assert paths <= set(create(hub).openapi()["paths"])
    hub.close()


def test_the_files_that_it_links_are_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_its_report_is_the_one_that_the_shipped_index_gives() -> None:
    from classifier.pipeline import SHIPPED  # noqa: PLC0415 - numpy is slow to import, and the index may be missing

    if not SHIPPED.is_file():
        pytest.skip("no index is built yet: coroner train --from LABELLED --out labeled_logs/index.npz")
    printed = CliRunner().invoke(cli.app, ["classify", str(ROOT / "examples/failed_run.json")]).stdout
    [shown] = blocks("text")

    def gist(page: str) -> list[str]:
        """Keep what does not hang on the last digit of a float: headings, verdict, place, advice."""
        rows = [re.sub(r"\(\d+%\).*", "", row).rstrip() for row in page.splitlines()[1:]]
        headed = [row for row in rows if row and not row.startswith(" ")]
        return [row for row in headed if not row.startswith(("coroner ", "minilm", "Confidence"))]

    assert gist(printed) == gist(shown)


def test_the_index_that_its_report_names_is_the_shipped_one() -> None:
    [shown] = blocks("text")
    shipped = sha256((ROOT / "labeled_logs" / "index.npz").read_bytes()).hexdigest()
    assert re.findall(r"index (\w{12})", shown) == [shipped[:12]]


@pytest.mark.parametrize("name", ["failed_run.json", "succeeded_run.json"])
def test_the_examples_are_readable_runs(name: str) -> None:
    [trace] = formats.read((ROOT / "examples" / name).read_bytes(), name=name)
    assert 8 <= len(trace.steps) <= 14
    assert trace.succeeded is (True if name.startswith("succeeded") else None)
