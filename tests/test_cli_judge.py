"""The judge from the command line, end to end, against a real server on loopback that answers or fails as told."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from judged_runs import SLIPS, answer, classifier, opinion, trace, write
from model_server import Answer, Drop, Fail, Garbage, Hang, LengthUnless, ModelServer, completion, rate_limit
from typer.testing import CliRunner, Result

from classifier import cli, terminal
from classifier.diagnosis import DecidedBy, Diagnosis
from classifier.replay import ALWAYS, NEVER, Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# threads that ask first at the same time make an HTTP client each, of which litellm keeps one and drops the others open
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
MODEL = "openai/test-model"
CAUSES = tuple(SLIPS)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests")  # where litellm looks for it


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(answer) as running:
        yield running
    gc.collect()  # while the mark above holds


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Three runs of the system that the index knows, one of each cause, and one of another system."""
    runs = [trace(100 + number, cause) for number, cause in enumerate(CAUSES)]
    return write(tmp_path / "logs", [*runs, trace(200, "P1", "beta")])


@dataclass
class Coroner:
    """The command line with a store of its own. `wrong`: see `judged_runs.classifier`."""

    store: Path
    base: str = ""
    wrong: int = 3

    def run(self, *arguments: object) -> Result:
        tools = terminal.Tools(load=lambda *_: classifier(wrong=self.wrong))
        return CliRunner().invoke(cli.app, [str(each) for each in arguments], obj=tools, catch_exceptions=False)

    def judged(self, *arguments: object, model: str = MODEL) -> Result:
        where = ["--judge-base", self.base] if self.base else []
        return self.run(*arguments, "--judge", model, "--judge-store", self.store, *where)

    def classify(self, *arguments: object, model: str = MODEL) -> list[Diagnosis]:
        result = self.judged("classify", "--json", *arguments, model=model)
        assert result.exit_code == 0, result.stderr
        return [Diagnosis.model_validate_json(line) for line in result.stdout.splitlines()]


@pytest.fixture
def coroner(tmp_path: Path, server: ModelServer) -> Coroner:
    return Coroner(tmp_path / "calls.sqlite3", server.base)


def one(logs: Path, number: int = 101) -> Path:
    return logs / f"alpha-{number}.json"


def stands(diagnosis: Diagnosis) -> bool:
    """Say whether the neighbours' verdict stands, and the diagnosis says so."""
    return (
        diagnosis.decided_by is not DecidedBy.JUDGE
        and diagnosis.opinions is not None
        and diagnosis.opinions.judge is None
        and any("neighbours' verdict stands" in note for note in diagnosis.notes)
    )


def test_a_judge_that_is_right_puts_the_verdict_right_and_both_opinions_are_told(coroner: Coroner, logs: Path) -> None:
    found = {diagnosis.trace_id: diagnosis for diagnosis in coroner.classify(logs)}
    assert [found[f"alpha-{100 + i}"].cause for i in range(3)] == list(CAUSES)
    corrected = found["alpha-101"]
    assert corrected.opinions is not None
    assert corrected.opinions.judge is not None
    assert (corrected.decided_by, corrected.opinions.neighbours.cause) == ("judge", "E1.1")
    assert (corrected.opinions.judge.cause, corrected.opinions.judge.model) == ("P1", MODEL)
    assert corrected.evidence[0].quote == SLIPS["P1"]
    assert (corrected.cost.calls, corrected.cost.recorded, corrected.cost.usd) == (1, 0, None)
    assert corrected.cost.tokens > 1_000
    assert found["alpha-100"].decided_by is DecidedBy.NEIGHBOURS  # it would be the same without the judge
    assert (found["beta-200"].cause, found["beta-200"].decided_by) == ("P1", "judge")


def test_the_same_question_is_never_asked_twice(coroner: Coroner, logs: Path, server: ModelServer) -> None:
    first = coroner.classify(logs)
    assert server.calls == 4
    again = coroner.classify(logs)
    assert server.calls == 4
    assert [each.cost.recorded for each in again] == [1] * 4
    assert [each.cause for each in again] == [each.cause for each in first]


def test_without_a_judge_s_name_nothing_is_sent_and_nothing_of_it_imported(logs: Path, server: ModelServer) -> None:
    script = (
        "import sys; from judged_runs import classifier; from typer.testing import CliRunner\n"
        "from classifier import cli, terminal\n"
        f"done = CliRunner().invoke(cli.app, ['classify', '--json', {str(logs)!r}],"
        " obj=terminal.Tools(load=lambda *_: classifier()))\n"
        "heavy = {'litellm', 'openai', 'detect_secrets', 'tenacity', 'classifier.llm', 'classifier.judge',"
        " 'classifier.consult'}\n"
        "print(done.exit_code, done.stdout.count('trace_id'), sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", script], cwd=Path(__file__).parent, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip().startswith("0 ")
    assert done.stdout.strip().endswith("[]")
    assert server.calls == 0


def test_options_of_a_judge_without_its_name_are_wrong_usage(logs: Path, coroner: Coroner) -> None:
    result = coroner.run("classify", one(logs), "--votes", 3)
    assert result.exit_code == 2
    assert "--judge MODEL" in result.stderr


@pytest.mark.parametrize("limit", ["x", "week=3", "-1", "day=nan"])
def test_a_bound_that_is_none_is_wrong_usage(limit: str, logs: Path, coroner: Coroner) -> None:
    assert coroner.judged("classify", one(logs), f"--budget={limit}").exit_code == 2
    assert coroner.judged("classify", one(logs), f"--calls={limit}").exit_code == 2


def test_a_provider_that_nobody_knows_is_refused_at_once(logs: Path, coroner: Coroner) -> None:
    result = coroner.judged("classify", one(logs), model="nonsense")
    assert result.exit_code == 1
    assert "like openai/gpt-5-mini" in result.stderr


def test_auto_asks_only_where_no_promise_covers_the_run(coroner: Coroner, logs: Path, server: ModelServer) -> None:
    coroner.wrong = 0  # an index without a wrong label: its verdicts can be promised
    result = coroner.judged("classify", "--json", logs)
    assert "at most 10% of the verdicts are wrong, 95% sure" in result.stderr
    asked = [each for each in map(Diagnosis.model_validate_json, result.stdout.splitlines()) if each.opinions]
    assert [each.trace_id for each in asked] == ["beta-200"]  # of the new system
    assert server.calls == 1
    assert len([each for each in coroner.classify(logs, "--ask", "always") if each.opinions]) == 4
    assert not any(each.opinions for each in coroner.classify(logs, "--ask", "never"))


def test_an_answer_in_bad_form_is_corrected_once(coroner: Coroner, logs: Path, server: ModelServer) -> None:
    server.script = [Answer("It is P1, I am quite sure.")]
    (found,) = coroner.classify(one(logs))
    assert found.opinions is not None
    assert found.opinions.judge is not None
    assert (found.cause, found.opinions.judge.repaired, found.cost.calls) == ("P1", True, 2)


@pytest.mark.parametrize(
    "said",
    [
        Answer("It is P1, I am quite sure."),
        Answer(None, refusal="I would rather not."),
        Answer(opinion("P1", quotes=["Nobody ever said this."])),
        Answer(opinion("P1", step=77)),
        Answer(opinion("P1").replace('"P1"', '"Z9"')),
    ],
    ids=["no JSON", "refused", "an invented quote", "no such step", "no such cause"],
)
def test_an_opinion_faulty_twice_is_discarded(said: Answer, coroner: Coroner, logs: Path, server: ModelServer) -> None:
    server.script = [said, said]
    (found,) = coroner.classify(one(logs))
    assert stands(found)
    assert found.cause == "E1.1"
    assert found.notes[0].startswith("The judge's opinion was discarded")
    assert found.cost.calls == server.calls == 2


@pytest.mark.parametrize("trouble", [rate_limit(0), Fail(503), Drop(), Garbage()], ids=["429", "503", "drop", "no API"])
def test_trouble_that_passes_is_sat_out(
    trouble: Fail | Drop | Garbage, coroner: Coroner, logs: Path, server: ModelServer
) -> None:
    server.script = [trouble]
    (found,) = coroner.classify(one(logs))
    assert (found.cause, server.calls) == ("P1", 2)


def test_a_provider_that_hangs_is_given_up_in_time(coroner: Coroner, logs: Path, server: ModelServer) -> None:
    server.script = [Hang(), Hang()]
    (found,) = coroner.classify(one(logs), "--judge-timeout", 0.5, "--calls", "trace=1")
    assert stands(found)
    assert server.calls == 1


def test_a_bad_key_is_not_tried_again_and_soon_nobody_is_asked(
    coroner: Coroner, tmp_path: Path, server: ModelServer
) -> None:
    logs = write(tmp_path / "many", [trace(300 + number, "P1") for number in range(7)])
    server.script = [Fail(401, "bad key")] * 7
    found = coroner.classify(logs, "--asked-at-once", 1)
    assert all(stands(each) for each in found)
    assert server.calls == 5
    assert sum("not asked: the last 5 calls failed" in " ".join(each.notes) for each in found) == 2


def test_a_model_that_thinks_past_its_room_gets_more(coroner: Coroner, logs: Path, server: ModelServer) -> None:
    server.script = [LengthUnless(8_000, opinion("P1")), LengthUnless(8_000, opinion("P1"))]
    (found,) = coroner.classify(one(logs))
    assert (found.cause, found.cost.calls) == ("P1", 2)
    server.script = [Answer("", "length"), Answer("", "length")]
    (found,) = coroner.classify(one(logs, 100))
    assert stands(found)
    assert "said nothing" in found.notes[0]
    assert found.cost.calls == 2


def test_a_budget_that_ends_in_mid_batch_ends_no_batch(coroner: Coroner, logs: Path, server: ModelServer) -> None:
    found = coroner.classify(logs, "--calls", 2, "--asked-at-once", 1)
    assert [each.opinions is not None and each.opinions.judge is not None for each in found] == [
        True,
        True,
        False,
        False,
    ]
    assert all(stands(each) and "all 2 calls are used" in each.notes[0] for each in found[2:])
    assert server.calls == 2
    assert sum(each.cost.recorded for each in coroner.classify(logs)) == 2  # what was paid for is not lost
    assert server.calls == 4


def test_a_budget_in_dollars_sends_nothing_that_might_break_it(
    coroner: Coroner, logs: Path, server: ModelServer
) -> None:
    (found,) = coroner.classify(one(logs), "--budget", "0.0001", model="openai/gpt-4o-mini")
    assert stands(found)
    assert server.calls == 0
    (found,) = coroner.classify(one(logs), "--budget", "day=1", model="openai/gpt-4o-mini")
    assert found.cost.usd is not None
    assert 0 < found.cost.usd < 0.01
    assert (
        "asked openai/gpt-4o-mini 0 times for 0.0000 USD"
        in coroner.judged("classify", one(logs), model="openai/gpt-4o-mini").stderr
    )


def test_votes_are_counted(coroner: Coroner, logs: Path, server: ModelServer) -> None:
    server.script = [Answer(opinion("P1")), Answer(opinion("E2.2", quotes=[SLIPS["P1"]])), Answer(opinion("P1"))]
    (found,) = coroner.classify(one(logs), "--votes", 3)
    assert found.opinions is not None
    assert found.opinions.judge is not None
    judge = found.opinions.judge
    assert (judge.cause, judge.votes, judge.stability, found.cost.calls) == ("P1", 3, pytest.approx(2 / 3), 3)
    assert "67% of 3 votes" in coroner.judged("classify", one(logs), "--votes", 3).stdout


def two_have_asked(server: ModelServer) -> Callable[[], None]:
    """Return a gate that holds the first answer back until there is a second question."""
    second = threading.Event()

    def gate() -> None:
        if server.calls > 1:
            second.set()
        assert second.wait(30), "one after the other"

    return gate


def test_runs_are_asked_about_at_once(coroner: Coroner, logs: Path, server: ModelServer) -> None:
    server.gate = two_have_asked(server)
    assert [each.trace_id for each in coroner.classify(logs, "--asked-at-once", 2)] == [
        "alpha-100", "alpha-101", "alpha-102", "beta-200",
    ]  # fmt: skip


def test_runs_of_one_file_are_asked_about_at_once(coroner: Coroner, tmp_path: Path, server: ModelServer) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text("".join(trace(400 + i, "P1").model_dump_json() + "\n" for i in range(4)), encoding="utf-8")
    server.gate = two_have_asked(server)
    assert [each.cause for each in coroner.classify(path, "--asked-at-once", 2)] == ["P1"] * 4


def test_examples_are_shown_where_a_folder_of_them_is_named(
    coroner: Coroner, tmp_path: Path, server: ModelServer
) -> None:
    runs = [trace(101, "P1"), trace(500, "E2.2"), trace(501, "P1")]  # the first is the run itself
    folder = write(tmp_path / "labelled", runs)
    notes = [
        {
            "trace": run.id,
            "file": f"{run.id}.json",
            "annotator": "ann",
            "provenance": "human",
            "cause": cause,
            "step": 2,
        }
        for run, cause in zip(runs, ("P1", "E2.2", "P1"), strict=True)
    ]
    (folder / "annotations.jsonl").write_text("".join(json.dumps(note) + "\n" for note in notes), encoding="utf-8")
    coroner.classify(one(write(tmp_path / "logs", [trace(101, "P1")])), "--judge-examples", folder)
    prompt = server.seen[0]["messages"][1]["content"]
    examples = prompt.split("<<<BEGIN UNTRUSTED EXAMPLES")[1].split("<<<END")[0]
    assert examples.count("by human]") == 2
    assert f"[labelled P1 by human]\n| coder: {SLIPS['P1']}" in examples


def test_secrets_stay_at_home_and_come_back_in_the_report(
    coroner: Coroner, tmp_path: Path, server: ModelServer
) -> None:
    run = trace(600, "P1")
    secret = "ghp_" + "a1B2c3D4" * 5
    steps = [*run.steps[:3], run.steps[3].model_copy(update={"content": f"Done with token {secret} in hand: 7."})]
    path = write(tmp_path / "logs", [run.model_copy(update={"steps": tuple(steps)})])

    def quoting(body: dict[str, Any]) -> str:
        log = body["messages"][1]["content"]
        hidden = next(word for word in log.split() if word.startswith("[SECRET-1:github"))
        return opinion("P1", quotes=[f"token {hidden} in hand"], step=3, reason=f"It used {hidden} for nothing.")

    server.answer = quoting
    (found,) = coroner.classify(path)
    assert secret not in json.dumps(server.seen)
    assert found.opinions is not None
    assert found.opinions.judge is not None
    assert found.opinions.judge.quotes[0].quote == f"token {secret} in hand"
    assert found.opinions.judge.reason == f"It used {secret} for nothing."


def results(requests: Path, answers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Answer a batch file by hand; `answers` by custom_id, the honest judge's otherwise."""
    lines = []
    for line in requests.read_text(encoding="utf-8").splitlines():
        asked = json.loads(line)
        said = (answers or {}).get(asked["custom_id"]) or answer(asked["body"])
        response = {"status_code": 200, "request_id": "r", "body": completion(Answer(said), asked["body"])}
        lines.append({"id": "b", "custom_id": asked["custom_id"], "response": response, "error": None})
    return lines


def write_lines(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_export_answer_by_hand_import_classify(
    coroner: Coroner, logs: Path, tmp_path: Path, server: ModelServer
) -> None:
    out = tmp_path / "requests.jsonl"
    exported = coroner.judged("judge", "export", logs, "--out", out)
    assert "4 of 4 runs are to be asked about; 0 of them have their answers" in exported.stderr
    done = results(out)
    assert len(done) == 4
    assert all(stands(each) for each in coroner.classify(logs, "--recorded"))
    partial = write_lines(tmp_path / "part.jsonl", done[:1:-1])  # half of it, the last first
    imported = coroner.run("judge", "import", partial, "--judge-store", coroner.store)
    assert (imported.exit_code, "2 answers recorded, 0 known; 2 still wait" in imported.stderr) == (0, True)
    failed = [{**done[0], "response": None, "error": {"message": "expired"}}, *done[1:]]
    imported = coroner.run("judge", "import", write_lines(tmp_path / "f.jsonl", failed), "--judge-store", coroner.store)
    assert imported.exit_code == 3
    assert "line 1: expired" in imported.stderr
    again = coroner.judged("judge", "export", logs, "--out", out)
    assert "3 of them have their answers" in again.stderr
    assert coroner.run(
        "judge", "import", write_lines(partial, results(out)), "--judge-store", coroner.store
    ).exit_code == 0  # fmt: skip
    found = coroner.classify(logs, "--recorded")
    assert [each.cause for each in found] == [*CAUSES, "P1"]
    assert all(each.cost.recorded == 1 for each in found)
    assert server.calls == 0


def test_an_answer_by_hand_that_is_faulty_is_asked_for_again_by_the_next_export(
    coroner: Coroner, logs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "requests.jsonl"
    coroner.judged("judge", "export", one(logs), "--out", out, "--votes", 2)
    first, second = (json.loads(line)["custom_id"] for line in out.read_text(encoding="utf-8").splitlines())
    faulty = write_lines(tmp_path / "results.jsonl", results(out, {first: opinion("P1", step=40)}))
    coroner.run("judge", "import", faulty, "--judge-store", coroner.store)
    coroner.judged("judge", "export", one(logs), "--out", out, "--votes", 2)
    (correction,) = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert correction["custom_id"] not in {first, second}
    assert "step 40 is not in the log" in correction["body"]["messages"][-1]["content"]
    coroner.run("judge", "import", write_lines(faulty, results(out)), "--judge-store", coroner.store)
    (found,) = coroner.classify(one(logs), "--recorded", "--votes", 2)
    assert found.opinions is not None
    assert found.opinions.judge is not None
    assert (found.cause, found.opinions.judge.repaired, found.opinions.judge.stability) == ("P1", True, 1.0)


def test_a_results_file_with_nothing_of_use_fails(coroner: Coroner, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"custom_id": "nobody asked", "response": {}}\n{"custom_id": "cut', encoding="utf-8")
    result = coroner.run("judge", "import", path, "--judge-store", coroner.store)
    assert result.exit_code == 1
    assert "its last line is cut off" in result.stderr
    assert coroner.run("judge", "import", tmp_path / "none.jsonl", "--judge-store", coroner.store).exit_code == 1


def test_a_store_that_is_none_is_said_to_be(logs: Path, coroner: Coroner) -> None:
    coroner.store.write_text("This is a diary, no database. " * 40, encoding="utf-8")
    result = coroner.judged("classify", one(logs))
    assert result.exit_code == 1
    assert "move it away" in result.stderr


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Twelve labelled runs that the index has not seen."""
    runs = [trace(700 + number, CAUSES[number % 3]) for number in range(12)]
    folder = write(tmp_path / "labelled", runs)
    notes = [
        {"trace": run.id, "annotator": "ann", "provenance": "human", "file": f"{run.id}.json", "step": 2,
         "cause": CAUSES[number % 3]}
        for number, run in enumerate(runs)
    ]  # fmt: skip
    (folder / "annotations.jsonl").write_text("".join(json.dumps(note) + "\n" for note in notes), encoding="utf-8")
    return folder


def points(result: Result) -> list[Point]:
    assert result.exit_code == 0, result.stderr
    return [Point.model_validate_json(line) for line in result.stdout.splitlines()]


def test_replay_tells_for_nothing_what_every_threshold_is_worth_and_costs(
    coroner: Coroner, labelled: Path, server: ModelServer
) -> None:
    coroner.classify(labelled, "--ask", "always", model="openai/gpt-4o-mini")
    asked = server.calls
    assert asked == 12
    found = points(coroner.judged("judge", "replay", labelled, "--json", model="openai/gpt-4o-mini"))
    assert server.calls == asked
    never, always = found[0], found[-1]
    assert (never.threshold, never.asked, never.cost.usd) == (NEVER, 0, 0)
    assert (always.threshold, always.asked, always.heard, always.cost.calls) == (ALWAYS, 12, 12, 12)
    assert [point.asked for point in found] == sorted(point.asked for point in found)
    assert never.kappa is not None
    assert always.kappa is not None
    assert always.kappa.value == 1
    assert (never.kappa.value or 0) < 1
    assert never.frontier
    assert not always.frontier or all(((point.kappa and point.kappa.value) or 0) < 1 for point in found[:-1])
    assert always.cost.usd is not None
    assert 0 < always.cost.usd < 0.1
    page = coroner.judged("judge", "replay", labelled, model="openai/gpt-4o-mini").stdout
    assert "always" in page
    assert " best\n" in page


def test_replay_under_a_threshold_and_a_combination_of_one_s_own(coroner: Coroner, labelled: Path) -> None:
    coroner.classify(labelled, "--ask", "always")
    chosen = points(coroner.judged("judge", "replay", labelled, "--json", "--threshold", 0.65))
    assert [point.threshold for point in chosen] == [NEVER, 0.65, ALWAYS]
    assert 0 < chosen[1].asked < 12
    for combination in ("judge", "fitted"):
        found = points(coroner.judged("judge", "replay", labelled, "--json", "--combine", combination))
        assert found[-1].accuracy is not None
        assert found[-1].accuracy.value == 1
    assert coroner.judged("judge", "replay", labelled, "--combine", "dice").exit_code == 2


def test_replay_of_what_was_never_asked_says_so(coroner: Coroner, labelled: Path) -> None:
    found = points(coroner.judged("judge", "replay", labelled, "--json"))
    assert (found[-1].asked, found[-1].heard, found[-1].changed) == (12, 0, 0)
    assert coroner.run("judge", "replay", labelled).exit_code == 2  # no model named


def test_replay_and_evaluate_on_runs_of_the_index_say_that_it_flatters(coroner: Coroner, labelled: Path) -> None:
    assert "in the index" not in coroner.judged("judge", "replay", labelled).stderr
    write(labelled, [trace(0, "E2.2")])
    note = {"trace": "alpha-0", "annotator": "ann", "provenance": "human", "file": "alpha-0.json", "cause": "E2.2"}
    with (labelled / "annotations.jsonl").open("a", encoding="utf-8") as notes:
        notes.write(json.dumps(note) + "\n")
    assert "1 of these runs are in the index" in coroner.judged("judge", "replay", labelled).stderr
    assert "1 of these runs are in the index" in coroner.run("evaluate", labelled).stderr


def test_evaluate_tells_what_a_threshold_costs_in_calls(coroner: Coroner, labelled: Path) -> None:
    page = coroner.run("evaluate", labelled).stdout
    assert "calls to a judge" in page
    assert "12 labelled runs are too few" in " ".join(page.split())
    report = json.loads(coroner.run("evaluate", labelled, "--json", "--risk", "0.4").stdout)
    curve = report["overall"]["risk_coverage"]
    assert [row["asked"] for row in curve["rows"]] == [12 - row["runs"] for row in curve["rows"]]
    assert curve["promise"]["risk"] == 0.4


def test_evaluate_tells_at_which_risk_a_judge_is_asked_less(coroner: Coroner, labelled: Path) -> None:
    coroner.wrong = 0
    curve = json.loads(coroner.run("evaluate", labelled, "--json").stdout)["overall"]["risk_coverage"]
    first, *_, last = curve["promises"]
    assert (first["risk"], first["threshold"]) == (0.1, None)  # 12 runs are too few to promise so much
    assert last["threshold"] is not None
    page = " ".join(coroner.run("evaluate", labelled).stdout.split())
    assert "10% no promise 0 100" in page
    assert f"A promise can be made from a risk of {curve['promise']['least']:.0%} on." in page
