"""The report: its counts by hand, its intervals by the books, its page by itself."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint
from typer.testing import CliRunner, Result

from classifier import taxonomy
from classifier.terminal import Tools
from classifier.trace import Role, Step, Trace
from runner import cli, runs
from runner.matrix import Cell, Config
from runner.report import causes, page, tables
from runner.report.rates import Rate
from runner.runs import Outcome, Run, Truth, Usage
from runner.task import Category

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_classifier import FakeClassifier

if TYPE_CHECKING:
    from classifier.diagnosis import Diagnosis

LU = taxonomy.load()


def made(
    task: str,
    outcome: str,
    *,
    framework: str = "autogen",
    rounds: int = 10,
    category: Category = Category.DATA,
    fault: str | None = None,
    usage: Usage | None = None,
    stopped_by: str | None = None,
    error: str | None = None,
) -> Run:
    return Run(
        cell=Cell(task=task, framework=framework, model="scripted", rounds=rounds, fault=fault),
        category=category,
        outcome=Outcome(outcome),
        truth=Truth(cause=fault, step=0 if fault == "R3" else 3) if fault else None,
        usage=usage or Usage(),
        stopped_by=stopped_by,
        error=error,
    )


RUNS = (
    made("d1", "succeeded", usage=Usage(calls=4, prompt_tokens=100, completion_tokens=20, usd=0.5, seconds=2)),
    made("d2", "failed", usage=Usage(calls=6, prompt_tokens=300, completion_tokens=80, usd=0.25, seconds=4)),
    made("d3", "failed", stopped_by="time", usage=Usage(calls=8, seconds=9)),
    made("w1", "succeeded", category=Category.WEB),
    made("d1", "succeeded", framework="metagpt", usage=Usage(usd=None)),
    made("d1", "failed", rounds=3),
    made("d2", "failed", rounds=3),
    made("w1", "broken", framework="metagpt", category=Category.WEB, error="Traceback:\nOSError: <b>gone</b>"),
    made("d1", "failed", fault="E2.2"),
    made("d2", "failed", fault="R3"),
    made("d3", "succeeded", fault="R3"),
)


def diagnosed(run: Run, cause: str = "E2.2", task: str = "sum it up") -> Diagnosis:
    return FakeClassifier(blames=cause).classify(trace(run, task))


def trace(run: Run, task: str = "sum it up") -> Trace:
    step = Step(index=0, agent="a", role=Role.USER, content="x")
    return Trace(id=run.id, format="coroner", framework=run.cell.framework, task=task, steps=(step,), succeeded=False)


def report(diagnoses: dict[str, Diagnosis | None] | None = None) -> tables.Report:
    return tables.build(RUNS, diagnoses, LU)


def test_success_is_counted_by_system_and_category_at_the_most_rounds_without_faults_and_broken_runs() -> None:
    told = report()
    assert told.categories == (Category.WEB, Category.DATA)
    assert told.rounds == 10
    autogen, metagpt = told.success
    assert (autogen.system.framework, metagpt.system.framework) == ("autogen", "metagpt")
    assert autogen.by_category == (Rate(hits=1, n=1), Rate(hits=1, n=3))
    assert autogen.overall == Rate(hits=2, n=4)
    assert metagpt.by_category == (Rate(hits=0, n=0), Rate(hits=1, n=1))
    assert [broken.error for broken in told.broken] == ["Traceback:\nOSError: <b>gone</b>"]


def test_success_is_counted_at_each_number_of_rounds() -> None:
    points = [(point.system.framework, point.rounds, point.rate) for point in report().at_rounds]
    assert points == [
        ("autogen", 3, Rate(hits=0, n=2)),
        ("autogen", 10, Rate(hits=2, n=4)),
        ("metagpt", 10, Rate(hits=1, n=1)),
    ]


def test_what_it_took_is_per_run_and_unknown_prices_stay_unknown() -> None:
    autogen, metagpt, faulty = report().took
    assert (autogen.runs, autogen.calls, autogen.tokens) == (6, 3.0, pytest.approx(500 / 6))
    assert (autogen.usd, autogen.seconds, autogen.median_seconds) == (0.75, 2.5, 1.0)
    assert autogen.stopped_by == {"time": 1}
    assert metagpt.usd is None
    assert (faulty.system.faulty, faulty.runs) == (True, 3)


def test_causes_are_counted_over_the_failed_runs_and_those_without_a_trace_are_told() -> None:
    failed = [run for run in RUNS if run.outcome is Outcome.FAILED and not run.cell.fault]
    told = report(
        {
            failed[0].id: diagnosed(failed[0], "E2.2"),
            failed[1].id: diagnosed(failed[1], "P1"),
            failed[2].id: diagnosed(failed[2], task="HARD"),
            failed[3].id: None,
        }
    )
    assert told.causes is not None
    autogen = told.causes[0]
    assert (autogen.failed, autogen.unread) == (4, 1)
    assert autogen.causes == {"E2.2": 1, "P1": 1, tables.UNDECIDED: 1}


def test_faults_are_held_against_what_the_classifier_says() -> None:
    faulty = [run for run in RUNS if run.cell.fault and run.outcome is Outcome.FAILED]
    told = report({run.id: diagnosed(run, "E2.2") for run in faulty})
    by_cause = {fault.cause: fault for fault in told.faults}
    assert by_cause["E2.2"].found == Rate(hits=1, n=1)
    assert by_cause["R3"].failed == Rate(hits=1, n=2)
    assert by_cause["R3"].found == by_cause["R3"].phase == Rate(hits=0, n=1)
    assert by_cause["R3"].step == Rate(hits=1, n=1)
    assert by_cause["E2.2"].step == Rate(hits=0, n=1)
    other = tables.build(RUNS, {run.id: diagnosed(run, "P1") for run in faulty}, LU).faults
    assert [(fault.cause, fault.considered.hits) for fault in other] == [("E2.2", 0), ("R3", 0)]


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3 (score without continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_the_published_ones(hits: int, n: int, low: float, high: float) -> None:
    assert Rate(hits=hits, n=n).interval == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_are_those_of_statsmodels(case: tuple[int, int]) -> None:
    hits, n = case
    assert Rate(hits=hits, n=n).interval == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-12)


def test_nothing_has_no_share_and_more_hits_than_runs_are_refused() -> None:
    assert (Rate(hits=0, n=0).share, Rate(hits=0, n=0).interval, Rate(hits=0, n=0).words()) == (None, None, "-")
    assert Rate(hits=17, n=34).words() == "50 % (17 of 34; 34-66)"
    with pytest.raises(ValueError, match="2 of 1"):
        Rate(hits=2, n=1)


def test_the_page_needs_nothing_but_itself_and_escapes_what_it_shows() -> None:
    html = page.render(report({run.id: diagnosed(run) for run in RUNS if run.outcome is Outcome.FAILED}), LU)
    assert not re.findall(r"""\b(?:src|href|action)\s*=\s*["']?(?!["'#])""", html)
    assert not re.findall(r"@import|url\((?!#)|<(?:script|link|iframe|object|img)", html)
    assert "//" not in html.replace("http://www.w3.org", "")
    assert "<b>gone</b>" not in html
    assert "&lt;b&gt;gone" in html
    assert html.count("<svg") == 3
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert {f"#{name}" for name in re.findall(r'(?:href="|url\()#([^")]+)', html)} <= {f"#{name}" for name in ids}
    assert not re.search(r"#0a0[bc]", html)  # the plots have taken the page's colours


def test_a_page_is_the_same_bytes_each_time() -> None:
    assert page.render(report(), LU) == page.render(report(), LU)


def bench_of(folder: Path, *made_runs: Run) -> Path:
    config = Config(
        frameworks=("autogen",),
        models=("scripted",),
        task_set="own",
        tasks=("d1",),
        fingerprint="",
        rounds=(10,),
        sandbox="unsafe",
    )
    (folder / "bench.json").write_text(config.model_dump_json(), encoding="utf-8")
    for run in made_runs:
        place = folder / "runs" / run.id
        place.mkdir(parents=True)
        (place / "run.json").write_text(run.model_dump_json(), encoding="utf-8")
        if run.outcome is Outcome.FAILED:
            (place / "record.jsonl").write_text(trace(run).model_dump_json(), encoding="utf-8")
    return folder


def told(*arguments: str, classifier: FakeClassifier | None = None) -> Result:
    tools = Tools(load=lambda *_: classifier or FakeClassifier())
    app = typer.Typer()
    cli.mount(app)
    return CliRunner().invoke(app, ["bench", *arguments], obj=tools, catch_exceptions=False)


def test_the_command_gives_json_a_table_and_a_page(tmp_path: Path) -> None:
    folder = bench_of(tmp_path, *RUNS)
    as_json = told("report", str(folder), "--json", "--html", str(tmp_path / "page.html"))
    assert as_json.exit_code == 0
    assert tables.Report.model_validate_json(as_json.stdout).success == report().success
    assert json.loads(as_json.stdout)["study"]["completion"] == 0.5
    assert "<!doctype html>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    table = told("report", str(folder), "--no-causes").stdout
    assert "50 % (2 of 4; 15-85)" in table
    assert "Published, not measured here" in table


def test_runs_are_classified_once_as_long_as_nothing_changes(tmp_path: Path) -> None:
    folder = bench_of(tmp_path, *RUNS)
    asked: list[str] = []

    class Counting(FakeClassifier):
        def classify(self, trace: Trace, file: str | None = None) -> Diagnosis:
            asked.append(trace.id)
            return super().classify(trace, file)

    first = told("report", str(folder), "--json", classifier=Counting())
    failed = sum(run.outcome is Outcome.FAILED for run in RUNS)
    assert len(asked) == failed
    assert told("report", str(folder), "--json", classifier=Counting()).stdout == first.stdout
    assert len(asked) == failed
    kept = (folder / causes.CACHE).read_text(encoding="utf-8")
    (folder / causes.CACHE).write_text(f"{kept}torn", encoding="utf-8")
    changed = next(path for path in runs.folders(folder) if runs.read(path).outcome is Outcome.FAILED)
    (changed / "record.jsonl").write_text(trace(runs.read(changed), "another").model_dump_json(), encoding="utf-8")
    told("report", str(folder), classifier=Counting())
    assert len(asked) == failed + 1


def test_a_folder_that_is_no_bench_is_refused_with_the_reason(tmp_path: Path) -> None:
    refused = told("report", str(tmp_path))
    assert refused.exit_code == 1
    assert "no bench is there" in refused.stderr
    refused = told("report", str(bench_of(tmp_path)))
    assert "no run is done yet" in refused.stderr
