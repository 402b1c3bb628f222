"""Every real file is read, by the right format, with every message of the source in its place."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from classifier import formats
from classifier.formats import Source
from classifier.trace import Role, Trace

if TYPE_CHECKING:
    from pathlib import Path

REAL = {  # folder -> format, framework
    "who_and_when": ("who_and_when", None),
    "agentrx_magentic_one": ("magentic_one", "magentic-one"),
    "agentrx_tau_retail": ("tau_bench", "tau-bench"),
    "agent_error_bench_gaia": ("agent_error_bench", "agent-error-bench"),
}
NATIVE = {  # file -> format, steps of each run
    "autogen/agentchat_MathChat.cell10.log": ("autogen_console", [4]),
    "autogen/agentchat_auto_feedback_from_code_execution.cell14.log": ("autogen_console", [6]),
    "autogen/agentchat_function_call_code_writing.cell13.log": ("autogen_console", [38]),
    "autogen/agentchat_groupchat.cell6.log": ("autogen_console", [7]),
    "autogen/agentchat_groupchat_research.cell7.log": ("autogen_console", [10]),
    "autogen/autogen_chat_result_sample.json": ("autogen_history", [4]),
    "autogen/autogen_console_plain.txt": ("autogen_console", [4]),
    "autogen/autogen_console_stream.txt": ("autogen_console", [4]),
    "autogen/autogen_filelogger_sample.log": ("autogen_filelog", [4]),
    "autogen/autogen_logs_sample.db": ("autogen_sqlite", [4]),
    "autogen/autogen_sqlite_sample.txt": ("autogen_sqlite", [3]),  # a listing that shows one event of 17
    "metagpt/metagpt_console.txt": ("metagpt_log", [9]),
    "metagpt/metagpt_di_result_sample.json": ("metagpt_di", [7]),
    "metagpt/metagpt_logs_txt_sample.txt": ("metagpt_log", [6, 6]),
    "metagpt/metagpt_react_console.txt": ("metagpt_log", [4]),
    "metagpt/real_20241009.txt": ("metagpt_log", [19, 21]),
    "taskweaver/experience_doc_cli_transcript.md": ("taskweaver_console", [9, 14]),
    "taskweaver/raw_exp_test-session-1.json": ("taskweaver", [16]),
    "taskweaver/raw_exp_test-session-1.yaml": ("taskweaver", [20]),
    "taskweaver/taskweaver_console.txt": ("taskweaver_console", [5]),
    "taskweaver/taskweaver_events_sample.jsonl": ("taskweaver_events", [8]),
    "taskweaver/taskweaver_log_sample.log": ("taskweaver_log", [8]),
    "taskweaver/taskweaver_round_sample.json": ("taskweaver", [9]),
}


def read(path: Path) -> Trace:
    (trace,) = formats.read(path.read_bytes(), name=path.name)
    return trace


def messages(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else value.get("history") or value.get("messages") or value["traj"]


def test_every_real_trace_is_claimed_by_one_format_and_keeps_every_message_in_place(shared: Path) -> None:
    for folder, (format_, framework) in REAL.items():
        paths = sorted((shared / "real_traces" / folder).glob("*.json"))
        assert paths
        for path in paths:
            assert formats.claims(Source(path.read_bytes())) == (format_,)
            trace = read(path)
            source = messages(json.loads(path.read_bytes()))
            assert [step.index for step in trace.steps] == list(range(len(source)))
            assert trace.id == path.stem
            assert trace.task
            assert framework in (None, trace.framework)


def test_real_who_and_when_runs_are_told_apart_by_content(shared: Path) -> None:
    for path in (shared / "real_traces" / "who_and_when").glob("*.json"):
        assert read(path).framework == ("magentic-one" if path.name.startswith("hc-") else "autogen")


def test_real_contents_are_kept_whole_except_the_repeated_prompts(shared: Path) -> None:
    for folder in ("who_and_when", "agentrx_magentic_one", "agentrx_tau_retail"):
        for path in (shared / "real_traces" / folder).glob("*.json"):
            source = messages(json.loads(path.read_bytes()))
            assert [step.content for step in read(path).steps] == [m.get("content") or "" for m in source]


def test_of_a_real_repeated_prompt_exactly_the_newest_observation_is_kept(shared: Path) -> None:
    """The source repeats each observation in the next prompts' history, so what was cut out can be checked there."""
    checked = 0
    for path in (shared / "real_traces" / "agent_error_bench_gaia").glob("*.json"):
        prompts = [m["content"] for m in messages(json.loads(path.read_bytes()))]
        for step in read(path).steps:
            if step.role is Role.TOOL:
                number = step.index // 2
                history = prompts[step.index].split(f"[Observation {number}: '", 1)[1]
                seen = history.split(f"', Action {number}: '", 1)[0].strip()
                assert step.content.split("\nYou must provide your final answer")[0].strip() == seen
                checked += 1
    assert checked == 385


def test_the_agent_at_the_annotated_step_is_the_annotated_agent(shared: Path) -> None:
    """Annotations are noisy, so a few may differ; a systematic shift of indices or names would show."""
    lines = (shared / "real_traces" / "annotations.jsonl").read_text("utf-8").splitlines()
    same: Counter[bool] = Counter()
    for annotation in map(json.loads, lines):
        if annotation["provenance"] != "human" or annotation["trace"].startswith(
            "aeb"
        ):  # aeb names modules, not agents
            continue
        trace = read(shared / "real_traces" / annotation["file"])
        same[trace.steps[annotation["step"]].agent.lower() == annotation["agent"].lower()] += 1
    assert same == {True: 152, False: 3}


def test_every_native_log_is_read_with_the_right_format_and_steps(shared: Path) -> None:
    found = sorted(p for p in (shared / "native_logs").glob("*/*") if p.is_file())
    assert {f"{p.parent.name}/{p.name}" for p in found} == set(NATIVE)
    for path in found:
        format_, steps = NATIVE[f"{path.parent.name}/{path.name}"]
        assert formats.claims(Source(path.read_bytes())) == (format_,)
        traces = formats.read(path.read_bytes(), name=path.name)
        assert [len(trace.steps) for trace in traces] == steps
        assert {trace.framework for trace in traces} == {path.parent.name}


def test_a_native_console_has_a_step_for_every_message_that_a_dashed_line_closes(shared: Path) -> None:
    for path in (shared / "native_logs" / "autogen").glob("*.log"):
        text = path.read_text("utf-8")
        if "(to " in text and "event_name" not in text:
            assert len(read(path).steps) == text.count("\n" + "-" * 80)


def test_a_native_run_reads_the_same_from_the_file_log_the_database_and_the_history(shared: Path) -> None:
    folder = shared / "native_logs" / "autogen"
    runs = [
        [(step.agent, step.role, step.content.strip()) for step in read(folder / name).steps]
        for name in (
            "autogen_chat_result_sample.json",
            "autogen_logs_sample.db",
            "autogen_filelogger_sample.log",
            "autogen_console_plain.txt",
            "autogen_console_stream.txt",
        )
    ]
    assert all(run == runs[0] for run in runs)


def test_a_native_taskweaver_round_and_its_events_have_the_same_steps_at_the_same_indices(shared: Path) -> None:
    folder = shared / "native_logs" / "taskweaver"
    whole = read(folder / "taskweaver_round_sample.json").steps
    assert read(folder / "taskweaver_events_sample.jsonl").steps == whole[1:]
