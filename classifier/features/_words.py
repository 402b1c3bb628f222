"""Words: flags of what a step says, each a handful of phrases that mean one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.features._view import without_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.features._view import View

FLAGS: dict[str, tuple[str, ...]] = {
    "assume": ("assum", "hypothetic", "suppose", "presum", "let's consider", "let's say"),
    "hedge": ("likely", "approximat", "estimat", "roughly", "typically", "generally", "might be", "may be"),
    "mock": (
        "simulat", "mock", "sample data", "dummy", "for demonstration", "demonstrate", "example data", "illustrat",
        "sample dataset", "fictional", "for this example",
    ),
    "placeholder": (
        "your_", "path_to", "path/to", "example.com", "placeholder", "api_key", "replace with", "replace '",
    ),
    "memory_fact": ("known", "historical", "based on my", "as of my", "general knowledge", "recall", "it is known"),
    "manual": ("manual",),
    "error": ("traceback", "error", "failed", "exception"),
    "unable": (
        "unable", "cannot", "can't", "could not", "couldn't", "not able", "don't have", "do not have",
        "unfortunately", "not accessible", "did not",
    ),
    "sorry": ("apolog", "sorry"),
    "conclude": (
        "therefore", "thus", "conclu", "final answer", "final result", "the answer is", "in summary", "hence",
    ),
    "terminate": ("terminate",),
    "verify": ("verif", "validat", "double-check", "cross-check", "re-evaluate", "recheck"),
    "confirmed": (
        "is confirmed", "confirmed that", "been verified", "is correct", "are correct", "is accurate", "accurately",
        "successfully", "i've checked", "i have checked", "after reviewing", "upon review", "having reviewed",
    ),
    "plan": ("plan", "### step", "step 1", "steps:"),
    "replan": ("new plan", "replan", "stalled", "alternative", "another approach", "different approach", "instead"),
    "search": ("search", "query"),
    "web_search": ("perform_web_search", "bing.com", "google_search", "web search"),
    "scrape": ("beautifulsoup", "requests.get", "scrape", "selenium"),
    "scroll": ("scrolled", "scroll down", "page down"),
    "click": ("i clicked",),
    "typed": ("i typed",),
    "url": ("http",),
    "block": (
        "captcha", "access denied", "forbidden", "content filter", "responsibleai", "jailbreak", "sign in to",
        "log in to",
    ),
    "missing": (
        "not found", "no results", "404", "does not exist", "no such", "not available", "not provided", "not specif",
    ),
    "import": ("import ",),
    "read_file": ("read_csv", "read_excel", "open(", "load_workbook"),
    "calculate": ("calculat", "sum(", "average", "total", "formula"),
    "ask": ("could you", "please provide", "please confirm", "would you like", "shall we", "can you", "let me know"),
    "promise": ("i will", "i'll", "let me ", "i am going to", "let's"),
    "hand_over": ("expert", "pass this", "hand over", "next speaker"),
    "video": ("video", "youtube", "image", "photo", "picture", "caption"),
    "document": ("pdf", "paper", "article", "document", "file"),
    "based_on": ("based on", "according to", "from the search results", "the search results", "the output"),
    "debug": ("debug", "exit code", "exitcode", "error message", "unknown language", "unit test"),
    "manager": ("suggestions from manager", "general task", "your manager"),
    "limit": ("max time", "max rounds", "limit reached", "exceeded", "token limit", "context length"),
    "contact": ("contact", "email", "call ", "phone", "in person", "visit the"),
    "correct": ("correct code", "corrected", "updated code", "fix", "modify", "adjust", "refine"),
    "continue": ("continue", "proceed", "further"),
    "all": ("all ", "every", "complete list", "full list", "comprehensive"),
    "memory_tag": ("<memory>",),
    "reflection_tag": ("<reflection>",),
    "answer_tag": ("<answer>",),
    "write_call": ("[call modify", "[call cancel", "[call return", "[call exchange", "[call update", "[call transfer"),
    "transfer": ("transfer_to", "transfer you", "human agent"),
    "yes": ("yes,", "sure", "thank"),
    "screenshot": ("here is a screenshot",),
    "top_of_page": ("top of the page",),
    "ledger": ("updated ledger",),
    "satisfied": ("request satisfied", "been satisfied", "fully satisfied"),
    "routing": ("next speaker",),
    "warning": ("userwarning",),
    "crash": ("error processing publish", "traceback (most recent"),
    "think": ("<think>", "wait,", "hmm"),
    "tool_error": ("error fetching", "client error", "tool execution", "not executed", "invalid action"),
}  # fmt: skip

#: flags that also count for the step after (what it brought), for the step before, and as the first of the run
AFTER = (
    "error", "unable", "sorry", "missing", "block", "replan", "verify", "confirmed", "conclude", "terminate",
    "correct", "satisfied", "manual", "assume", "crash", "tool_error", "ask", "yes",
)  # fmt: skip
BEFORE = (
    "yes", "error", "unable", "missing", "block", "verify", "conclude", "replan", "satisfied", "ask", "transfer",
    "crash", "tool_error", "promise",
)  # fmt: skip
FIRST = (
    "assume", "mock", "placeholder", "manual", "unable", "confirmed", "conclude", "terminate", "verify", "search",
    "web_search", "scrape", "import", "read_file", "calculate", "based_on", "replan", "click", "typed", "block",
    "missing", "write_call", "promise", "video", "memory_fact", "hedge", "satisfied", "answer_tag", "contact",
)  # fmt: skip


def columns(view: View) -> dict[str, NDArray[np.float64]]:
    """Return the flags of this step, of its neighbours, and whether it is the first candidate that raises them."""
    here = {name: _raised(view, phrases) for name, phrases in FLAGS.items()}
    out = {f"says_{name}": value for name, value in here.items()}
    out |= {f"next_{name}": np.append(here[name][1:], 0.0) for name in AFTER}
    out |= {f"prev_{name}": np.append(0.0, here[name][:-1]) for name in BEFORE}
    for name in FIRST:
        raised = here[name] * view.candidates
        out[f"first_{name}"] = raised * (np.cumsum(raised) == 1)
    prose = [without_code(text) for text in view.texts]
    items = np.array(
        [text.count("\n- ") + text.count("\n* ") + sum(text.count(f"\n{k}. ") for k in range(1, 10)) for text in prose]
    )
    bold = np.array([text.count("**") for text in prose])
    bare = (1 - view.coded) * ~view.tool
    out["items"] = np.log1p(items)
    out["items_bare"] = np.log1p(items) * bare
    out["bold_bare"] = np.log1p(bold) * bare
    out["question"] = np.array([float(text.rstrip().endswith("?")) for text in view.texts])
    out["made_up"] = np.maximum(here["mock"], here["assume"]) * view.coded * view.outcome["ok"]
    out["made_up_any"] = np.maximum(here["mock"], here["assume"]) * view.candidates
    out["made_up_first"] = out["made_up"] * (np.cumsum(out["made_up"]) == 1)
    out["promise_bare"] = here["promise"] * bare
    out["claim_bare"] = np.maximum(here["confirmed"], here["based_on"]) * bare
    return out


def _raised(view: View, phrases: tuple[str, ...]) -> NDArray[np.float64]:
    return np.array([float(any(phrase in text for phrase in phrases)) for text in view.lower])
