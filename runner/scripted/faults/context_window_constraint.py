# ruff: noqa: E501 - a phrase stands on one line, so that its alternatives can be read
"""R1: what the answer needs is no longer in view: cut, or pushed out by long output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import straying, through
from runner.scripted.moves import Act, Finish, Script
from runner.scripted.mutate import Edit, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.scripted.mutate import Mutation
    from runner.scripted.scene import Scene

CAUSE = "R1"
_LEAST_OUTPUT = 1500  # characters without which no window is too small for it
_CUT = (
    "{Aim}. <The whole|All of it> <would not fit|is too long> <here|for the context>, so I <keep|take> the <first|beginning> <part|> only.",
    "<Since|As> the <text|input> is <long|too long to take in>, I {aim} from <its beginning|what fits>.",
    "{Aim}, <as far as|with as much as> <the context|my window> <holds|allows>.",
    "<To stay within|Not to exceed> <what I can read|the limit on tokens>, <the input is cut|I cut the input> <after a while|early> and {aim} <then|>.",
    "<Now|Next>: {aim}, but <only of the head|on the head only>; <the tail|what follows> is <left out|dropped> <to save room|for lack of room>.",
    "<There is a lot of it|It is a long one>. I <read in|load> a <piece|portion> and {aim}.",
    "{Aim}. <I cannot hold everything|Not everything can be held> <at once|in mind>, <hence|therefore> the <slice|cut> below.",
    "<The first screenful|An extract> <is|should be> <all I can take|what I can take in>; I {aim} with that.",
)
_GONE = (
    "<The earlier|The first> <part of the conversation|messages|output> <is|are> no longer <in view|available to me>. <From|Going by> what <is left|I still see>, <the answer is|I answer>:\n{answer}",
    "<I only see|What I see is> the <end|tail> of <it|the output>; <from that|on that basis>:\n{answer}",
    "<The output|It> was <too long|cut off>, and <what was asked|the conditions of the task> <is|are> not in front of me <any more|now>. I <give|state> what <is there|I see>:\n{answer}",
    "<I have lost track of|I can no longer see> <the task's wording|the earlier results>. <The last value shown|What I have> is:\n{answer}",
    "<What came before|The beginning> <has dropped out|was cut away>. <As best I can tell|By the look of it>, <this|the thing wanted> is\n{answer}",
    "<Which value was wanted|What exactly was to be found> I <cannot|can not> <look up again|read any more>; <perhaps|possibly>\n{answer}",
    "<So much was printed|This was so much text> that <the question|my instructions> <scrolled away|fell off>. I <settle for|go with>\n{answer}",
    "<There is a mark|It says> that <tokens were cut|something was cut>. <Out of|From> the <remainder|rest>:\n{answer}",
    "<The results of the first steps|The figures from before> are <missing|gone> from <what I am shown|my view>. <Failing that|Without them>:\n{answer}",
)
_DUMPS = ("print({name}.to_string())", "print({name}.to_csv())", "print({name})", "for one in {name}:\n    print(one)")


def own_cut(scene: Scene) -> Script | None:
    """Take only as much of the input as fits, and miss what lies behind."""

    def make(code: str) -> Iterator[Mutation]:
        edits: list[Edit] = []
        n = scene.surface.one((400, 800, 1200, 1500, 2000, 3000))
        rows = scene.surface.one((10, 20, 30, 50, 100))
        edits.extend(
            Edit(match.end(), match.end(), f"[:{n}]", f"only the first {n} characters are kept")
            for match in re.finditer(r"\.text\b(?!\()|\.content\b|\.read_text\([^()]*\)|\.read\(\)", code)
        )
        edits.extend(
            Edit(match.end(), match.end(), f", nrows={rows}", f"only the first {rows} rows are read")
            for match in re.finditer(r"(?<=pd\.read_csv\()([^()\n]+)(?=\))", code)
        )
        for match in re.finditer(r"\.readlines\(\)|\.splitlines\(\)|csv\.DictReader\(\w+\)", code):
            if match[0].startswith("csv"):
                text = f"list({match[0]})[:{rows}]"
                edits.append(Edit(match.start(), match.end(), text, f"only the first {rows} rows are kept"))
            else:
                edits.append(Edit(match.end(), match.end(), f"[:{rows}]", f"only the first {rows} lines are kept"))
        yield from shuffled(edits, scene.rng, code)

    found = straying(scene, make)
    if found is None:
        return None
    return through(scene, found, scene.surface.say(_CUT, aim=scene.parts[found.number].aim))


def pushed_out(scene: Scene) -> Script | None:
    """Print so much that the window, which the proxy makes small, loses what came before."""
    number = scene.rng.randrange(len(scene.parts))
    before = scene.parts[: number + 1]
    for code in _long(scene, number):
        outcome = scene.run(code, parts=before)
        if outcome.error or len(outcome.printed) < _LEAST_OUTPUT:
            continue
        acts = scene.walk(stop=number + 1)
        aim = scene.surface.say(("<Print|Show|Write out> <everything|all of it|the whole> <read so far|there is>",))
        act = Act(aim=aim, thought=scene.surface.thought(aim), code=code, kept=False, closing=scene.surface.closing())
        answer = "\n".join(f"@{one.name}[{{last}}]" for one in scene.task.answers)
        text = scene.surface.say(_GONE, answer=answer)
        blind = scene.surface.say(_GONE, answer=scene.guessed())  # where no number is in view
        moves = [*acts, act, Finish(text=text, otherwise=blind)]
        window = max(400, min(3000, len(outcome.printed) // 8))
        plan = scene.plan([*acts, act])
        note = "long output pushes the task and the earlier results out of the window"
        return Script(moves=(plan, *moves), decisive=len(moves), note=note, window=window)
    return None


def _long(scene: Scene, number: int) -> Iterator[str]:
    names = re.findall(r"^(\w+) = ", scene.parts[number].code, re.MULTILINE)
    scene.rng.shuffle(names)
    for name in names:
        dumps = list(_DUMPS)
        scene.rng.shuffle(dumps)
        yield from (dump.format(name=name) for dump in dumps)
    if match := re.search(r"http://[\w.]+:\d+(?:/[\w./-]*)?", scene.parts[0].code):
        yield f'import requests\n\nprint(requests.get("{match[0]}", timeout=10).text)'
    for path in sorted(scene.lab.files.rglob("*")):
        if path.is_file():
            yield f'print(open("{path.relative_to(scene.lab.files)}", errors="replace").read())'


VARIANTS = {"own_cut": own_cut, "pushed_out": pushed_out}
