"""Place: where in the run a step stands and who acts there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from classifier.trace import Role

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.features._view import View

#: what an agent is for, read off its name
_TRADES = {
    "verifier": r"verif|valid|review|critic|check|test",
    "planner": r"orchestrat|manager|planner|captain|lead",
    "surfer": r"surf|web|brows|search",
    "coder": r"python|program|code|debug|develop|engineer|script|algorithm",
    "analyst": r"data|analy|statis|math|comput|calcul",
    "filer": r"file|excel|csv|pdf|document",
    "assistant": r"^assistant$|^agent$",
}


def columns(view: View) -> dict[str, NDArray[np.float64]]:
    """Order among the steps that may be at fault, the speaker's own order and share, trade, kind of message."""
    n, may = len(view), view.candidates
    order = np.cumsum(may) - 1.0  # 0 for the first candidate
    last = order[-1] - order
    out: dict[str, NDArray[np.float64]] = {
        "place_log": np.log1p(np.maximum(order, 0)),
        "place_log_end": np.log1p(last),
        "place_share": order / max(order[-1], 1),
        "place_share_2": (order / max(order[-1], 1)) ** 2,
    }
    index = np.array([step.index for step in view.steps])
    out |= {f"index_{k}": (index == k).astype(float) for k in range(9)}
    out |= {f"place_{k}": (order == k).astype(float) for k in range(7)}
    out |= {f"place_end_{k}": (last == k).astype(float) for k in range(4)}
    out |= _speaker(view)
    acts = view.acts.astype(float)
    nth = np.cumsum(acts) - 1
    to_go = nth[-1] - nth
    out |= {f"act_{k}": acts * (nth == k) for k in range(4)}
    out |= {f"act_end_{k}": acts * (to_go == k) for k in range(3)}
    out |= {"act": acts, "act_log": acts * np.log1p(np.maximum(nth, 0)), "act_log_end": acts * np.log1p(to_go)}
    out["last_of_short"] = acts * (to_go == 0) * float(n < 25)
    out["shows"] = view.shows.astype(float)
    after, before = _shifted(view.tool.astype(float))
    out |= {"next_tool": after, "prev_tool": before}
    user = np.array([step.role is Role.USER for step in view.steps], dtype=float)
    out["user"] = user
    out["next_user"], out["prev_user"] = _shifted(user)
    kinds = [(step.kind or "").lower() for step in view.steps]
    for kind in ("thought", "instruction", "plan", "code", "call"):
        out[f"kind_{kind}"] = np.array([float(kind in word) for word in kinds])
    routing = np.array([float(text.startswith("next speaker")) for text in view.lower])
    out["routing_short"] = routing * (view.lengths < 400)
    out["length"] = np.log1p(view.lengths)
    out["length_next"] = np.append(out["length"][1:], 0.0)
    out["short"] = (view.lengths < 120).astype(float)
    out["last_step"] = np.arange(n) == n - 1
    return {name: np.asarray(value, dtype=float) for name, value in out.items()}


def _speaker(view: View) -> dict[str, NDArray[np.float64]]:
    n, who, may = len(view), view.who, view.candidates
    count = np.bincount(who)
    turn, left = np.zeros(n), np.zeros(n)
    seen: dict[int, int] = {}
    for i in range(n):
        turn[i] = seen.get(who[i], 0)
        seen[who[i]] = seen.get(who[i], 0) + 1
        left[i] = count[who[i]] - seen[who[i]]
    same_next = np.append(who[1:] == who[:-1], 0.0)
    same_prev = np.append(0.0, who[1:] == who[:-1])
    newcomer = (turn == 0) & may
    out = {
        "turn_first": (turn == 0),
        "turn_second": (turn == 1),
        "turn_log": np.log1p(turn),
        "turn_last": (left == 0),
        "turn_left": np.log1p(left),
        "share": count[who] / n,
        "alone": (count[who] == 1),
        "same_next": same_next,
        "same_prev": same_prev,
        "newcomer": newcomer & (np.cumsum(newcomer) > 1),
    }
    classes = {name: np.array([bool(re.search(p, s.agent.lower())) for s in view.steps]) for name, p in _TRADES.items()}
    for name, member in classes.items():
        out[f"is_{name}"] = member & may
        out[f"is_{name}_first"] = member & may & (np.cumsum(member & may) == 1)
    out["is_surfer_last"] = _last(classes["surfer"] & may)
    out["is_assistant_only"] = classes["assistant"] & (count[who] <= 3)
    return {name: np.asarray(value, dtype=float) for name, value in out.items()}


def _last(flag: NDArray[np.bool_]) -> NDArray[np.bool_]:
    out = np.zeros(len(flag), dtype=bool)
    out[np.flatnonzero(flag)[-1:]] = True
    return out


def _shifted(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.append(values[1:], 0.0), np.append(0.0, values[:-1])
