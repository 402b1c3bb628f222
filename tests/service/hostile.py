"""Strings that become script where a page forgets to escape them, and what a page must look like if it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bs4 import BeautifulSoup

from classifier.diagnosis import Evidence
from classifier.trace import Role, Step, ToolCall, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.diagnosis import Diagnosis

MARK = "xss7"  # in each of them; `alert` and the title of the page tell the browser's test that one has run
STRINGS = (
    f"<script>alert('{MARK}')</script>",
    f"<img src=x onerror=alert('{MARK}')>",
    f"\"><svg onload=alert('{MARK}')>",
    f"' autofocus onfocus='alert(\"{MARK}\")",
    f"\" onmouseover=\"alert('{MARK}')\" x=\"",
    f"</pre></code></details><iframe srcdoc=\"<script>parent.alert('{MARK}')</script>\"></iframe>",
    f"javascript:alert('{MARK}')",
    f"</title><script>document.title='{MARK}'</script>",
    f"</textarea><script>alert('{MARK}')</script>",
    f"<a href=\"javascript:alert('{MARK}')\">{MARK}</a>",
    f"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert('{MARK}')&gt;\">",
    f"{{{{ '{MARK}'.__class__.__mro__ }}}}{{% raw %}}",
    f"<!--<script>alert('{MARK}')//-->",
    f"<mark class=evidence>{MARK}</mark><form action=https://evil.example><button>{MARK}",
    f"```python\nprint('</code><script>alert(\"{MARK}\")</script>')\n```",
    f'Traceback (most recent call last):\n  File "<img src=x onerror=alert(1)>"\n{MARK}Error: <b onclick=alert(1)>',
    f'{{"a": "</script><script>alert(\'{MARK}\')</script>"}}',
    f"\x1b[31m{MARK}\x00\u202e<script>alert(1)</script>\u2028",
    f"<link rel=stylesheet href=//evil.example/x.css><base href=//evil.example/>{MARK}",
    f"<meta http-equiv=refresh content=\"0;url=javascript:alert('{MARK}')\">",
)  # fmt: skip
OWN = {f"/static/{name}.js" for name in ("coroner", "trace", "label", "queue", "figures")}
FORBIDDEN = {"iframe", "img", "math", "object", "embed", "base", "style", "video", "audio"}


def trace(text: str, name: str) -> Trace:
    """A run that says a string wherever a run can say anything."""
    said = f"{text} and then, quoted: {text}"
    return Trace(
        id=f"{name} {text}",
        format="coroner",
        framework=text,
        task=text,
        expected=text,
        steps=(
            Step(index=0, agent=text, role=Role.USER, content=text, to=text, kind=text),
            Step(
                index=1,
                agent="coder",
                role=Role.ASSISTANT,
                content=said,
                tool_calls=(
                    ToolCall(name=text, arguments=text, id=text),
                    ToolCall(name="f", arguments=f'{{"x": "{text}"}}'),
                ),
                error=text,
            ),
            Step(index=2, agent=text, role=Role.TOOL, content=f"{text}\n" * 60),
        ),
    )  # fmt: skip


def verdict(found: Diagnosis, run: Trace, text: str) -> Diagnosis:
    """A verdict that quotes the run."""
    quotes = (Evidence(step=1, quote=text), Evidence(step=2, quote=text, signal=text), Evidence(step=0, quote=text))
    near = tuple(
        each.model_copy(update={"trace_id": run.id, "system": text, "cause": text}) for each in found.neighbours
    )
    return found.model_copy(update={"evidence": quotes, "agent": text, "neighbours": near, "notes": (text,), "step": 1})


def breaches(page: str) -> Iterator[str]:
    """Say what in a page is not the project's own: elements, handlers, styles and addresses that a string made."""
    for tag in BeautifulSoup(page, "html.parser").find_all(name=True):
        if tag.name in FORBIDDEN:
            yield f"<{tag.name}>"
        if tag.name == "script" and (tag.get("src") not in OWN or tag.get_text()):
            yield f"script {tag}"
        if tag.name == "meta" and tag.get("http-equiv"):
            yield str(tag)
        for name, value in tag.attrs.items():
            if name.startswith("on") or name in {"style", "srcdoc"}:
                yield f"{name} on <{tag.name}>"
            if name in {"href", "src", "action", "formaction"} and not str(value).startswith(("/", "?", "#")):
                yield f"{name}={value}"
            if name in {"href", "src", "action", "formaction"} and str(value).startswith("//"):
                yield f"{name}={value}"
