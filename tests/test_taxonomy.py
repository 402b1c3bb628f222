"""The taxonomies: what the shipped ones hold, and what a user's own is refused for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from classifier import taxonomy
from classifier.taxonomy import TaxonomyError
from classifier.trace import Phase

SHARED = Path(os.environ.get("CORONER_SHARED") or Path(__file__).parents[1] / "../shared")

OWN = """
name = "ours"
[[cause]]
id = "A"
slug = "first"
name = "First"
phase = "planning"
definition = "It went wrong first."
[[cause]]
id = "A.1"
slug = "first_half"
name = "First half"
phase = "planning"
parent = "A"
definition = "It went wrong in the first half."
"""


@pytest.fixture
def lu() -> taxonomy.Taxonomy:
    return taxonomy.load()


def write(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_has_nine_second_tier_and_ten_third_tier_causes(lu: taxonomy.Taxonomy) -> None:
    tiers = [lu.tier(cause_id) for cause_id in lu.ids]
    assert (len(tiers), tiers.count(2), tiers.count(3)) == (19, 9, 10)
    assert "19 = 9 second-tier + 10 third-tier" in lu.note
    assert "ours" in lu.note


def test_a_third_tier_cause_knows_its_parent_and_phase(lu: taxonomy.Taxonomy) -> None:
    assert [cause.id for cause in lu.ancestors("E2.3")] == ["E2"]
    assert [cause.id for cause in lu.children("E3")] == ["E3.1", "E3.2"]
    assert lu.phase_of("E2.3") is Phase.EXECUTION
    assert lu.ancestors("P1") == ()
    assert "E2" not in lu.leaves
    assert "P1" in lu.leaves


def test_every_cause_of_the_default_is_fully_described(lu: taxonomy.Taxonomy) -> None:
    kinds = {"learning_from_feedback", "early_stop", "navigation_replanning", "navigation_tool"}
    for cause in lu.causes:
        assert cause.decide_for, cause.id
        assert cause.example, cause.id
        assert cause.mitigation is not None, cause.id
        assert cause.mitigation.kind in kinds, cause.id
        assert cause.mitigation.advice.endswith("."), cause.id
    assert len({cause.mitigation.advice for cause in lu.causes if cause.mitigation}) == 19


def test_the_default_says_what_the_codebook_says(lu: taxonomy.Taxonomy) -> None:
    codebook = SHARED / "codebook.md"
    if not codebook.is_file():
        pytest.skip("no shared codebook here")
    rows = [line.strip("| ").split("|") for line in codebook.read_text(encoding="utf-8").splitlines() if "|" in line]
    rows = [[cell.strip() for cell in row] for row in rows]
    coded = {row[0]: row for row in rows if row[0] in lu}
    assert set(coded) == set(lu.ids)
    for cause_id, row in coded.items():
        cause = lu.cause(cause_id)
        assert (cause.slug, cause.phase, cause.parent or "") == (row[1], row[2], row[3])
    assert (
        len(lu.close_calls)
        == sum("|" in line for line in codebook.read_text().split("| between |")[1].splitlines()) - 2
    )
    assert len(lu.rules) == 6


@pytest.mark.parametrize(
    ("name", "leaves", "roots"), [("mast", 14, 3), ("agentrx", 10, 10), ("agenterrorbench", 18, 5), ("lu2025", 15, 9)]
)
def test_the_shipped_taxonomies_have_the_published_counts(name: str, leaves: int, roots: int) -> None:
    known = taxonomy.load(name)
    assert known.name == name
    assert len(known.leaves) == leaves
    assert sum(cause.parent is None for cause in known.causes) == roots


@pytest.mark.parametrize("name", ["mast", "agentrx", "agenterrorbench"])
def test_every_foreign_cause_but_inconclusive_crosses_to_the_19(name: str, lu: taxonomy.Taxonomy) -> None:
    known = taxonomy.load(name)
    assert known.crosswalk_to == lu.name
    without = [cause.slug for cause in known.causes if not cause.crosswalk]
    assert without == (["inconclusive"] if name == "agentrx" else [])


def test_together_the_crosswalks_reach_every_one_of_the_19(lu: taxonomy.Taxonomy) -> None:
    reached = {
        own for name in taxonomy.shipped() if name != lu.name for c in taxonomy.load(name).causes for own in c.crosswalk
    }
    assert reached == set(lu.ids)


@pytest.mark.parametrize(
    ("spelling", "cause_id"),
    [
        ("Instruction Adherence Failure", "1"),
        ("Instruction/Plan Adherence Failure", "1"),
        ("Intent Plan Misalignment", "5"),
        ("Intent-Plan Misalignment", "5"),
        ("Intent not supported", "7"),
        ("Invention of new information", "2"),
        ("Misinterpretation of Tool Output", "4"),
        ("9", "9"),
    ],
)
def test_spelling_variants_of_annotations_resolve(spelling: str, cause_id: str) -> None:
    found = taxonomy.load("agentrx").resolve(spelling)
    assert found is not None
    assert found.id == cause_id


def test_a_name_used_in_two_modules_resolves_only_within_one() -> None:
    known = taxonomy.load("agenterrorbench")
    assert known.resolve("hallucination") is None
    within = known.resolve("hallucination", within="reflection")
    assert within is not None
    assert within.id == "reflection.hallucination"
    assert known.resolve("no such thing") is None


def test_every_native_category_of_the_real_annotations_resolves() -> None:
    file = SHARED / "real_traces/annotations.jsonl"
    if not file.is_file():
        pytest.skip("no real traces here")
    known = {"agentrx": taxonomy.load("agentrx"), "agent_error_bench": taxonomy.load("agenterrorbench")}
    seen = 0
    for line in file.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        source = record["annotator"].split("/")[0]
        if record.get("native_category") and source in known:
            seen += 1
            assert known[source].resolve(record["native_category"]), record["native_category"]
    assert seen > 60


def test_an_unknown_id_is_refused_with_the_ids_there_are(lu: taxonomy.Taxonomy) -> None:
    with pytest.raises(TaxonomyError, match=r"lu2025: no cause 'E9'; it has P1, P2"):
        lu.cause("E9")
    assert "E9" not in lu


def test_a_users_own_file_is_read(tmp_path: Path) -> None:
    own = taxonomy.load(write(tmp_path, OWN))
    assert own.name == "ours"
    assert own.ids == ("A", "A.1")
    assert own.tier("A.1") == 3


def test_without_phases_the_tiers_start_at_one(tmp_path: Path) -> None:
    own = taxonomy.load(write(tmp_path, OWN.replace('phase = "planning"\n', "")))
    assert own.phase_of("A") is None
    assert (own.tier("A"), own.tier("A.1")) == (1, 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('parent = "A"', 'parent = "B"', r"cause 'A\.1': unknown parent 'B'"),
        ('slug = "first"', 'slug = "first"\nparent = "A.1"', r"cause 'A': its parents form a cycle"),
        ('id = "A.1"', 'id = "A"', r"cause 'A': this id occurs twice"),
        ('id = "A.1"', 'id = "unknown"', r"'unknown' is the word for abstaining"),
        ('phase = "planning"\nparent', "parent", r"cause 'A\.1': phase is missing"),
        ('phase = "planning"\nparent', 'phase = "response"\nparent', r"its phase is response, that of 'A' above it is"),
        ('phase = "planning"\nparent', 'phase = "thinking"\nparent', r"cause 'A\.1' phase: Input should be"),
        ('id = "A.1"\n', "", r"cause number 2 id: Field required"),
        ('slug = "first"', 'slug = "first"\ncolour = "red"', r"cause 'A' colour: Extra inputs"),
        ('name = "ours"', 'name = "ours"\nversion = 2', r"version: Input should be a valid string"),
        ('name = "ours"', "name = ours", r"not readable as TOML: .*line 2"),
        ('name = "ours"', 'name = "ours"\ncrosswalk_to = "nowhere"', r"nowhere: no such file"),
        (
            'slug = "first"',
            'slug = "first"\ncrosswalk = ["Z9"]',
            r"cause 'A': 'Z9' is no cause of lu2025",
        ),
    ],
)
def test_a_broken_file_is_refused_by_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = OWN.replace(old, new, 1)
    assert text != OWN
    if "crosswalk = " in new:
        text = 'crosswalk_to = "lu2025"\n' + text
    path = write(tmp_path, text)
    with pytest.raises(TaxonomyError, match=message) as caught:
        taxonomy.load(path)
    assert caught.value.file == str(path) or "nowhere" in message


def test_a_close_call_about_an_unknown_cause_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, OWN + '[[close_call]]\nbetween = ["A", "C"]\nrule = "Toss a coin."\n')
    with pytest.raises(TaxonomyError, match=r"close_call 1: 'C' is no cause"):
        taxonomy.load(path)


def test_two_files_that_cross_to_each_other_do_not_recurse(tmp_path: Path) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text(f"crosswalk_to = {json.dumps(str(two))}\n{OWN}", encoding="utf-8")
    two.write_text(f"crosswalk_to = {json.dumps(str(one))}\n{OWN}", encoding="utf-8")
    assert taxonomy.load(one).ids == ("A", "A.1")


def test_a_missing_file_names_what_ships() -> None:
    with pytest.raises(
        TaxonomyError, match=r"nothing\.toml: no such file, and not one of agenterrorbench, agentrx, lu"
    ):
        taxonomy.load("nothing.toml")


def test_the_digest_follows_what_an_index_depends_on_and_not_the_wording(tmp_path: Path) -> None:
    digest = taxonomy.load(write(tmp_path, OWN)).digest
    for wording in ("It went wrong first.", "First half"):
        assert taxonomy.load(write(tmp_path, OWN.replace(wording, "Reworded."))).digest == digest
    for meaning in ('"A.1"', '"ours"', '\nparent = "A"'):
        changed = OWN.replace(meaning, '"A.2"' if "parent" not in meaning else "")
        assert taxonomy.load(write(tmp_path, changed)).digest != digest
    assert taxonomy.load(write(tmp_path, 'version = "2"\n' + OWN)).digest != digest
