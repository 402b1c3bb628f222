"""What machines say when something is wrong: tools, terminals, frameworks, servers and error pages.

Every pattern is linear: no repetition of a repetition, and each open end is bounded or stops at the line's end. A
pattern is tried only where one of its literals occurs, for that costs next to nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from classifier.signals._signal import SignalKind


class Fact(NamedTuple):
    """A pattern, the literals (lower case) of which one must occur, and what it shows.

    `detail` is what the signal then says; where it is None, the pattern's first group that matched.
    """

    kind: SignalKind
    literals: tuple[str, ...]
    pattern: re.Pattern[str]
    detail: str | None


def _fact(kind: SignalKind, literals: str, *alternatives: str, detail: str | None = None) -> Fact:
    return Fact(kind, tuple(literals.split("|")), re.compile("(?im)" + "|".join(alternatives)), detail)


_K = SignalKind
_STATUS = r"\bstatus(?:[ _]?code)?['\"]?[ :=]{1,3}"

# In the voice of a machine.
REPORTS = (
    _fact(
        _K.SYNTAX_ERROR,
        "syntaxerror|indentationerror|taberror",
        r"^[ \t]{0,8}(SyntaxError|IndentationError|TabError)\b.*",
    ),
    _fact(_K.SYNTAX_ERROR, "syntax error", r"^\S{0,200}sh: [^\n]{0,200}syntax error.*", detail="shell"),
    _fact(
        _K.SYNTAX_ERROR,
        "syntax",
        r"\bsyntax error at or near.*",
        r"\berror in your SQL syntax.*",
        r"\bnear \"[^\"\n]{0,80}\": syntax error",
        detail="sql",
    ),
    _fact(
        _K.SYNTAX_ERROR,
        "call|arguments|action",
        r"\b(?:invalid|malformed|(?:could not|cannot|failed to) (?:parse|decode)|error (?:parsing|decoding))\b"
        r"[^.\n]{0,40}\b(?:tool call|function call|JSON arguments|action)\b.*",
        detail="call",
    ),
    _fact(_K.MISSING_MODULE, "no module named", r"\bNo module named '?([\w.]+)'?"),
    _fact(
        _K.MISSING_MODULE,
        "importerror",
        r"^[ \t]{0,8}ImportError: cannot import name '?(\w+)",
        r"^[ \t]{0,8}ImportError: Missing optional dependency '?([\w-]+)",
    ),
    _fact(
        _K.MISSING_MODULE,
        "not found",
        r"^(?:\S{0,80}: )?(?:line \d+: )?([\w./+-]{1,60}): command not found",
        r"^\S[^\n]{0,200}: \d+: ([\w./+-]{1,60}): not found$",  # dash
        r"\"([\w./+-]{1,60})\": executable file not found in \$PATH",
        r"\b(?:WARNING|ERROR): (ffmpeg|ffprobe)\b[^\n.]{0,40}\bnot found",
    ),
    _fact(_K.MISSING_MODULE, "is not recognized", r"'([^'\n]{1,60})' is not recognized as an internal or external"),
    _fact(_K.MISSING_MODULE, "in your path", r"(?<![\w./-])([\w./+-]{1,60}) is not installed or it's not in your PATH"),
    _fact(_K.MISSING_MODULE, "cannot find module", r"\bCannot find module '([^'\n]{1,120})'"),
    _fact(_K.MISSING_MODULE, "no package called", r"\bthere is no package called \W?([\w.]+)"),
    _fact(
        _K.MISSING_FILE,
        "file",
        r"\bno such file(?: or directory)?(?:: ?['\"]?([^'\"\n]{1,200}))?",
        r"^File not found(?:: ([^\n]{1,200})|\.?$)",
        r"\bcannot find the (?:file|path) specified",
        r"\bfile\b[^.\n]{0,60}\b(?:does not exist|was not found|could not be found)\b",
    ),
    _fact(_K.MISSING_FILE, "directory", r"\bdirectory\b[^.\n]{0,60}\b(?:does not exist|was not found)\b"),
    _fact(
        _K.HTTP_ERROR,
        "error|http|status|<response [",
        r"\b([45]\d\d) (?:Client|Server) Error\b",
        r"\bHTTP(?:/\d(?:\.\d)?)?(?: ?Error)?(?: status(?: code)?)?[ :]{1,3}([45]\d\d)\b",
        rf"{_STATUS}([45]\d\d)\b",
        r"\berror code: ([45]\d\d)\b",
        r"<Response \[([45]\d\d)\]>",
    ),
    _fact(
        _K.BLOCKED,
        "content_filter|responsibleai|content management policy",
        r"\bcontent_filter\b",
        r"\bResponsibleAIPolicyViolation\b",
        r"\bcontent management policy\b",
        detail="content filter",
    ),
    _fact(
        _K.BLOCKED,
        "api key|api_key|subscribed|authenticat|authoriz|permissiondenied",
        r"\b(?:invalid|incorrect|missing|no) (?:API[ _]key|authentication (?:token|credentials))\b",
        r"\binvalid_api_key\b",
        r"\bAPI[ _]key (?:is )?(?:missing|required|invalid|not valid)\b",
        r"\bnot subscribed to this API\b",
        r"\b\w{1,20}-invalid-authorization\b",
        r"\b401 (?:Client Error|Unauthorized)\b",
        r"\bPermissionDenied\b",
        r"\bauthentication(?: failed|Failed|Error)\b",
        detail="credentials",
    ),
    _fact(
        _K.BLOCKED,
        "403|access denied",
        r"\b403 (?:Client Error|Forbidden)\b",
        rf"{_STATUS}403\b",
        r"\bHTTP(?: Error)?[ :]{1,3}403\b",
        r"^[ \t]{0,8}access denied\b",
        detail="forbidden",
    ),
    _fact(
        _K.TIMEOUT,
        "timed out|timeout|etimedout|timed_out|deadline|time-out|exitcode: 124",
        r"\b(?:TimeoutError|TimeoutExpired|(?:Read|Connect|Write|Pool)Timeout(?:Error)?)\b",
        r"\b(?:ETIMEDOUT|ERR_\w{0,20}TIMED_OUT)\b",
        r"\b(?:Gateway Time-?out|deadline exceeded|DeadlineExceeded|Timeout \d+ ?ms exceeded|timed out after)\b",
        r"\b(?:connection|operation|request|execution|command|process|query|read|handshake)[\w ]{0,20} timed out\b",
        r"^Timeout\.?$",
        r"^exitcode: 124\b",
    ),
    _fact(
        _K.CONTEXT_OVERFLOW,
        "context|too long|length of the messages|token",
        r"\bcontext_length_exceeded\b",
        r"\bmaximum context length\b",
        r"\bcontext (?:window|length|limit)[\w ]{0,20} exceeded\b",
        r"\bexceed(?:s|ed)? (?:the |its )?(?:model's )?(?:maximum )?context\b",
        r"\b(?:prompt|input) is too long\b",
        r"\breduce the length of the messages\b",
        r"\btoken limit exceeded\b",
        detail="overflow",
    ),
    _fact(
        _K.CONTEXT_OVERFLOW,
        "truncated|clipped|omitted",
        r"[\[(<][. ]{0,5}(?:[\w ]{1,30} )?(?:truncated|clipped)\b[^\n\])>]{0,80}[\])>]",
        r"\btruncated (?:for length|to \d|due to (?:length|size))",
        r"\boutput (?:was |is |has been )?truncated\b",
        r"\.\.\. ?\[?\d+ (?:more )?(?:characters|chars|lines|tokens) (?:omitted|truncated)",
        detail="truncated",
    ),
)

# In the voice of a machine, or at the beginning of what a framework lets its agent say.
_COUNTED = r"(?:rounds?|turns?|steps?|iterations?|time|messages?|retries|replans?)"
LIMITS = (
    _fact(
        _K.LIMIT_REACHED,
        "max",
        r"^[^\w\n]{0,4}(?:(?:error|warning|info)\W{1,3})?(?:the )?max(?:imum)?(?: number of)?[ _-]"
        rf"(?:\w{{1,20}} )?{_COUNTED}\b"
        r"[^\n.]{0,30}?(?:\((\d+)\w?\) ?)?(?:has been |have been |was |were |is )?(?:reached|exceeded|hit)\b",
        rf"\bmax_(?:consecutive_auto_reply|{_COUNTED}) (?:reached|exceeded)\b",
        rf"\breached the max(?:imum)? (?:number of )?{_COUNTED}\b",
        r"\bTERMINATING RUN [^\n]{0,80}maximum[^\n]{0,60}",
    ),
    _fact(_K.LIMIT_REACHED, "counter exceeded", r"^[^\w\n]{0,4}re-?plan counter exceeded\b"),
    _fact(
        _K.LIMIT_REACHED,
        "limit",
        r"\bagent stopped due to (?:iteration|time|step|max)[\w ]{0,20} limit\b",
        r"\brecursion limit of (\d+) reached\b",
        r"\b(?:iteration|step|turn|round|cost|budget) limit (?:of \S{1,12} )?"
        r"(?:has been |was |is )?(?:reached|exceeded)\b",
    ),
)

# The whole title of a page: a page that is an error says so there, one that mentions an error does not.
TITLES = (
    _fact(
        _K.HTTP_ERROR,
        "4|5",
        r"^(?:error )?([45]\d\d)(?:\W{1,4}(?:error|page|bad request|unauthorized|forbidden|not found|gone"
        r"|too many requests|internal server error|bad gateway|service unavailable|gateway time-?out)\b.{0,60})?$",
    ),
    _fact(
        _K.BLOCKED,
        "captcha|moment|interruption|attention|robot|human|check|verification",
        r"^(?:just a moment|pardon our interruption|attention required)\b.{0,40}$",
        r"^.{0,40}\bcaptcha\b.{0,20}$",
        r"^are you a (?:robot|human)\b.{0,10}$",
        r"^(?:robot|security|human) (?:check|verification)\b.{0,20}$",
        detail="captcha",
    ),
    _fact(
        _K.BLOCKED,
        "access|forbidden",
        r"^access (?:to this page )?(?:has been |is )?denied\b.{0,40}$",
        r"^(?:403 )?forbidden$",
        detail="forbidden",
    ),
    _fact(
        _K.BLOCKED,
        "log|sign",
        r"^(?:please )?(?:log ?in|sign ?in)(?: (?:or|to|\||-|\u2013|\u00b7) .{1,60})?$",
        r"^.{1,40} (?:\||-|\u2013|\u00b7) (?:log ?in|sign ?in)$",
        detail="login",
    ),
)

# Anywhere in a page: words of a challenge or of the reader that made the page's text, which no article uses.
ON_PAGES = (
    _fact(
        _K.BLOCKED,
        "human|robot|captcha|unusual traffic|checking",
        r"\b(?:verify|confirm) (?:that )?you(?: are|'re|\u2019re) (?:a )?human\b",
        r"\b(?:you(?: are|'re|\u2019re)|I'm) not a robot\b",
        r"\b(?:complete|solve|completing) the captcha\b",
        r"\bunusual traffic from your\b",
        r"\bpx-captcha\b",
        r"\bchecking (?:if the site connection is secure|your browser before accessing)\b",
        detail="captcha",
    ),
    _fact(
        _K.BLOCKED,
        "log in|sign in|logged in|subscribe",
        r"\byou (?:must|need to|have to) (?:be logged in|log ?in|sign ?in)\b",
        r"\bplease (?:log ?in|sign ?in) to (?:continue|view|access|proceed)\b",
        r"\b(?:log ?in|sign ?in|subscribe) to (?:continue reading|read the full|view this content)\b",
        detail="login",
    ),
    _fact(_K.CONTEXT_OVERFLOW, "truncated for length", r"\(truncated for length\b", detail="truncated"),
)

# A tool's plain failure.
FAILED = re.compile(
    r"(?m)^exitcode: -?[1-9]\d{0,5}[^\n]{0,40}"
    r"|^[^\n]{0,40}\bError executing (?:tool|code|function|command)\b[^\n]{0,160}"
    r"|^(?:Result: ?)?(?:Error|ERROR|Failed)(?: \w{1,40})?: ?[^\n]{1,160}"
    r"|^[ \t{\[]{0,12}\"?error\"?: ?\"[^\n]{1,160}"
)
