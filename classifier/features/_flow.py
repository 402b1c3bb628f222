"""Flow: what a step brings into the run, what comes of it, and whether it goes in circles."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from classifier.features._view import facts, without_code

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
    return _results(view) | _novelty(view) | _support(view) | _answer(view) | _circles(view) | _ledgers(view)


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
    opening = (np.cumsum(view.candidates) == 1) * view.candidates
    out["opening_code"] = opening * view.coded
    out["opening_ran"] = opening * np.maximum(got["ok"], got["empty"])
    out["opening_failed"] = opening * got["failed"]
    out["repaired_next"] = bad * _next_run(view)
    fails = np.cumsum(view.failed)
    out["fails_before"] = np.log1p(fails - view.failed)
    out["fails_after"] = np.log1p(fails[-1] - fails)
    out["fails_none_yet"] = (fails - view.failed == 0).astype(float)
    out["no_code_yet"] = (np.cumsum(code) == 0).astype(float)
    out["no_tool_yet"] = (np.cumsum(view.tool) == 0).astype(float)
    return out


def _next_run(view: View) -> NDArray[np.float64]:
    """1 where the next step after this one that ran something ran it well."""
    ran = view.outcome["ok"] + view.outcome["empty"] + view.outcome["failed"]
    out, well = np.zeros(len(view)), 0.0
    for i in range(len(view) - 1, -1, -1):
        out[i] = well
        if ran[i]:
            well = view.outcome["ok"][i]
    return out


def _novelty(view: View) -> dict[str, NDArray[np.float64]]:
    """Names and numbers that this step brings in, and how often later steps and the answer use them."""
    n = len(view)
    times = Counter(fact for held in view.facts for fact in held)
    new, used, recalled = np.zeros(n), np.zeros(n), np.zeros(n)
    seen: set[str] = set()
    for i, held in enumerate(view.facts):
        fresh = held - seen
        new[i] = len(fresh)
        used[i] = sum(times[fact] - 1 for fact in fresh)
        recalled[i] = len(held) - len(fresh)
        seen |= held
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


def _support(view: View) -> dict[str, NDArray[np.float64]]:
    """Names and numbers that an agent states without any tool or page having shown them, in prose and in code."""
    n = len(view)
    names = ("unshown", "unshown_code", "shown", "unshown_used", "restated")
    out = {name: np.zeros(n) for name in names}
    shown, stated = facts(view.trace.task), set[str]()
    times = Counter(fact for held in view.facts for fact in held)
    for i, text in enumerate(view.texts):
        if view.shows[i]:
            shown |= view.facts[i]
            continue
        if not view.candidates[i]:
            continue
        prose = facts(without_code(text))
        loose = prose - shown - stated
        out["unshown"][i] = len(loose)
        out["unshown_used"][i] = sum(times[fact] - 1 for fact in loose)
        out["unshown_code"][i] = len(view.facts[i] - prose - shown - stated)
        out["shown"][i] = len(prose & shown)
        out["restated"][i] = len(prose & stated)
        stated |= prose | view.facts[i]
    result = {name: np.log1p(values) for name, values in out.items()}
    many = (out["unshown"] >= 8).astype(float)
    result["unshown_first"] = many * (np.cumsum(many) == 1)
    result["unshown_share"] = out["unshown"] / np.maximum(out["unshown"] + out["shown"] + out["restated"], 1)
    result["unshown_after_tool"] = result["unshown"] * (np.cumsum(view.shows) > 0)
    result["unshown_bare"] = result["unshown"] * (1 - view.coded)
    result["unshown_most"] = (out["unshown"] == out["unshown"].max()) * np.sign(out["unshown"])
    return result


def _answer(view: View) -> dict[str, NDArray[np.float64]]:
    """Where the final answer comes from."""
    return _traced(view, view.answer, "answer")


def _traced(view: View, tokens: frozenset[str], name: str) -> dict[str, NDArray[np.float64]]:
    n = len(view)
    held = np.zeros(n)
    if tokens:
        either = [held_ | words for held_, words in zip(view.facts, view.words, strict=True)]
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
    scrolled = np.array([float("scrolled" in act) for act in acts])
    part = (out["viewport"] > 0) & (out["viewport"] < 0.35)
    out["left_unread"] = part * (
        1 - np.convolve(np.append(scrolled, np.zeros(5)), np.ones(5), "full")[5 : 5 + len(view)].clip(0, 1)
    )
    out["scrolled"] = scrolled
    site = np.array([float(bool(page) and "bing.com/search" not in page) for page in pages])
    out["site"] = site
    out["site_first"] = site * (np.cumsum(site) == 1)
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
