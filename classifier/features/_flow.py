"""Flow: what a step brings into the run, what comes of it, and whether it goes in circles."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from classifier.features._view import answer_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.features._view import View

_LEDGER = re.compile(
    r'"(is_request_satisfied|is_in_loop|is_progress_being_made)"\s*:\s*\{.*?"answer"\s*:\s*"?(true|false)',
    re.DOTALL | re.IGNORECASE,
)
_ACT = re.compile(r"<action>.*?</action>|^\s*I (?:typed|clicked|scrolled|selected|hovered|pressed)[^\n]*", re.DOTALL)
_PAGE = re.compile(r"\]\((https?://[^)\s]+)\)|Address: (\S+)")
_SHARE = re.compile(r"viewport shows (\d+)% of the webpage")


def columns(view: View) -> dict[str, NDArray[np.float64]]:
    """All of the group's columns."""
    return _results(view) | _novelty(view) | _answer(view) | _expected(view) | _circles(view) | _ledgers(view)


def _results(view: View) -> dict[str, NDArray[np.float64]]:
    """Outcome of what the step ran, and where it stands among the failures of the run."""
    n = len(view)
    got = view.outcome
    out = {f"got_{name}": value for name, value in got.items()}
    bad = np.maximum(got["failed"], got["empty"])
    code = view.coded * view.candidates
    out["code_first"] = code * (np.cumsum(code) == 1)
    out["code_bad"] = code * bad
    out["code_bad_first"] = bad * (np.cumsum(bad) == 1)
    out["code_bad_last"] = bad * (np.cumsum(bad[::-1])[::-1] == 1)
    out["code_idle"] = code * got["idle"]
    out["bare_after_bad"] = (1 - code) * np.append(0.0, np.maximum(view.failed, 0)[:-1]) * view.candidates
    out["code"] = code
    ok_after = np.append(np.cumsum(got["ok"][::-1])[::-1][1:], 0.0)
    out["never_repaired"] = bad * (ok_after == 0)
    soon = sum(np.append(got["ok"][k:], np.zeros(min(k, n))) for k in (1, 2, 3, 4))
    out["repaired_soon"] = bad * (soon > 0)
    fails = np.cumsum(view.failed)
    out["fails_before"] = np.log1p(fails - view.failed)
    out["fails_after"] = np.log1p(fails[-1] - fails)
    out["fails_none_yet"] = (fails - view.failed == 0).astype(float)
    out["no_code_yet"] = (np.cumsum(code) == 0).astype(float)
    out["no_tool_yet"] = (np.cumsum(view.tool) == 0).astype(float)
    return out


def _novelty(view: View) -> dict[str, NDArray[np.float64]]:
    """Names and numbers that this step brings in, and how often later steps and the answer use them."""
    n = len(view)
    times = Counter(fact for facts in view.facts for fact in facts)
    new, used, recalled = np.zeros(n), np.zeros(n), np.zeros(n)
    seen: set[str] = set()
    for i, facts in enumerate(view.facts):
        fresh = facts - seen
        new[i] = len(fresh)
        used[i] = sum(times[fact] - 1 for fact in fresh)
        recalled[i] = len(facts) - len(fresh)
        seen |= facts
    bare = (1 - view.coded) * view.candidates
    task = max(len(view.task_words), 1)
    cover = np.array([len(words & view.task_words) / task for words in view.words])
    best = np.maximum.accumulate(cover)
    return {
        "new": np.log1p(new),
        "new_bare": np.log1p(new) * bare,
        "new_share": new / np.maximum(new + recalled, 1),
        "used": np.log1p(used),
        "used_each": used / np.maximum(new, 1) / n,
        "used_bare": np.log1p(used) * bare,
        "task_cover": cover,
        "task_lost": (cover < 0.5).astype(float) * (np.arange(n) == 0),
        "task_cover_gain": cover - np.append(0.0, best[:-1]),
        "derailed": np.full(n, float(best[min(n - 1, 1)] < 0.6)) * (np.cumsum(view.candidates) == 1),
    }


def _answer(view: View) -> dict[str, NDArray[np.float64]]:
    """Where the final answer comes from."""
    return _traced(view, view.answer, "answer")


def _expected(view: View) -> dict[str, NDArray[np.float64]]:
    """Where the reference answer was in view, if the trace has one."""
    wanted = answer_tokens(view.trace.expected or "", view.trace.task)
    return _traced(view, wanted, "expected")


def _traced(view: View, tokens: frozenset[str], name: str) -> dict[str, NDArray[np.float64]]:
    n = len(view)
    held = np.zeros(n)
    if tokens:
        either = [facts | words for facts, words in zip(view.facts, view.words, strict=True)]
        held = np.array([len(tokens & e) / len(tokens) for e in either])
    full = held >= 0.6
    by_agent = full & view.candidates
    first = by_agent & (np.cumsum(by_agent) == 1)
    count = np.cumsum(full, dtype=np.int64)
    gain = held - np.append(0.0, np.maximum.accumulate(held)[:-1])
    return {
        f"{name}_held": held,
        f"{name}_first": first.astype(float),
        f"{name}_first_bare": first * (1 - view.coded),
        f"{name}_gain": np.maximum(gain, 0.0) * view.candidates,
        f"{name}_next": np.append(full[1:], 0.0),
        f"{name}_before": np.asarray(count - full > 0, dtype=float),
        f"{name}_after": np.asarray(count < count[-1], dtype=float),
        f"{name}_none": np.full(n, float(not full.any())),
    }


def _circles(view: View) -> dict[str, NDArray[np.float64]]:
    """Find what comes again (page, act, instruction), and where the repeats begin."""
    pages = [_first(_PAGE, text) for text in view.texts]
    acts = [_act(view, i) for i in range(len(view))]
    out = _repeats(pages, "page") | _repeats(acts, "act")
    out["viewport"] = np.array([float(m[1]) / 100 if (m := _SHARE.search(t)) else 0.0 for t in view.texts])
    same_page = np.array([float(bool(p) and i > 0 and p == _previous(pages, i)) for i, p in enumerate(pages)])
    out["page_stuck"] = same_page
    query_words = [frozenset(re.findall(r"[a-z]{4,}|\d+", act.lower())) for act in acts]
    out["query_cover"] = np.array([len(q & view.task_words) / max(len(view.task_words), 1) for q in query_words])
    return out


def _repeats(keys: Sequence[str], name: str) -> dict[str, NDArray[np.float64]]:
    total = Counter(key for key in keys if key)
    seen: Counter[str] = Counter()
    again, first, later = np.zeros(len(keys)), np.zeros(len(keys)), np.zeros(len(keys))
    for i, key in enumerate(keys):
        if not key:
            continue
        again[i] = float(seen[key] > 0)
        seen[key] += 1
        later[i] = total[key] - seen[key]
        first[i] = float(seen[key] == 1 and total[key] > 1)
    started = np.cumsum(again)
    return {
        f"{name}_again": again,
        f"{name}_again_first": again * (started == 1),
        f"{name}_first_of_many": first,
        f"{name}_later": np.log1p(later),
        f"{name}_repeats_before": np.log1p(started - again),
    }


def _ledgers(view: View) -> dict[str, NDArray[np.float64]]:
    """Read the orchestrator's ledgers: what this step says, and the first one after it."""
    n = len(view)
    names = {"is_request_satisfied": "done", "is_in_loop": "loop", "is_progress_being_made": "progress"}
    out = {f"ledger_{name}": np.zeros(n) for name in names.values()}
    stated = np.zeros(n, dtype=bool)
    for i, text in enumerate(view.texts):
        if "is_in_loop" not in text:
            continue
        for field, value in _LEDGER.findall(text):
            out[f"ledger_{names[field.lower()]}"][i] = 1.0 if value.lower() == "true" else -1.0
            stated[i] = True
    after = {f"{name}_next": np.zeros(n) for name in out}
    ahead: int | None = None
    for i in range(n - 1, -1, -1):
        if ahead is not None and ahead - i <= 4:
            for name, values in out.items():
                after[f"{name}_next"][i] = values[ahead]
        if stated[i]:
            ahead = i
    troubled = ((out["ledger_loop"] > 0) | (out["ledger_progress"] < 0)).astype(float)
    before = np.cumsum(troubled) - troubled
    return (
        out
        | after
        | {
            "trouble_before": np.log1p(before),
            "trouble_first": troubled * (before == 0),
            "trouble_left": np.log1p(before[-1] + troubled[-1] - before),
        }
    )


def _act(view: View, i: int) -> str:
    step = view.steps[i]
    if step.tool_calls:
        return " ".join(f"{call.name} {_squeezed(call.arguments)}" for call in step.tool_calls)
    if found := _ACT.search(view.texts[i][:HEAD_OF_ACT]):
        return found[0].strip()
    return step.content.strip()[:300] if step.kind == "instruction" else ""


HEAD_OF_ACT = 4000


def _squeezed(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return next((group for group in found.groups() if group), "") if found else ""


def _previous(keys: Sequence[str], i: int) -> str:
    return next((keys[j] for j in range(i - 1, max(i - 8, -1), -1) if keys[j]), "")
