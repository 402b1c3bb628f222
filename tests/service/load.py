"""A mixed load: people who send runs and batches, read pages and label, all at once; and a check that nothing is lost.

Every request is accounted for, by us and by the service's own count; every run is read back and compared with what was
sent, every verdict and statement is looked for. Bounded: each person asks for what `Mix` says, and no more. Only for a
service on loopback.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

from classifier import annotation
from classifier.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TRIES = 120  # of a request that is turned away
TURNED_AWAY = {429, 503}
AWAY = "turned away"
CAUSES = "E1.1", "E2.2", "P1"
ROOM = 1000  # seeds of each person


@dataclass(frozen=True)
class Mix:
    """How often each person does what. `inputs` is the size of a batch; a statement is made of each shared run."""

    classify: int = 4
    keep: int = 4
    pages: int = 8
    batches: int = 1
    inputs: int = 4
    annotations: int = 6
    agreement: int = 2

    def answers(self, shared: int) -> Counter[str]:
        """Return how many answers each person must get, where `shared` runs are labelled. A batch is sent twice."""
        return Counter(
            {
                "POST /classify": self.classify,
                "POST /traces": self.keep,
                "GET /traces": self.pages,
                "POST /batches": 2 * self.batches,
                "POST /annotations": shared,
                "GET /agreement": self.agreement,
            }
        )


class Asked(NamedTuple):
    """One answer of the service: to what, with which status, after how many seconds."""

    kind: str
    status: int
    seconds: float


@dataclass(frozen=True)
class Told:
    """What came of the load. `seconds` is the time of the load itself, `drained` that until the batches had ended.

    `problems` names all that was lost, stored twice or refused for another reason than haste; it should be empty.
    """

    asked: tuple[Asked, ...]
    seconds: float
    drained: float
    stored: int
    problems: tuple[str, ...]


@dataclass
class Person:
    """One client: asks, waits where it is turned away, and remembers what the service took from it."""

    name: str
    http: httpx.Client
    asked: list[Asked] = field(default_factory=list)
    runs: list[Trace] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)
    batches: dict[str, list[Trace]] = field(default_factory=dict)
    said: list[tuple[str, str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def ask(self, kind: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask until there is an answer that is no "later"."""
        for _ in range(TRIES):
            start = time.perf_counter()
            answer = self.http.request(method, path, **more)
            self.asked.append(Asked(kind, answer.status_code, time.perf_counter() - start))
            if answer.status_code not in TURNED_AWAY:
                break
            time.sleep(float(answer.headers["retry-after"]))
        if not answer.is_success:
            self.problems.append(f"{kind}: {answer.status_code} {answer.text[:200]}")
        return answer

    def classify(self, run: Trace) -> None:
        """Have a run diagnosed, which is kept."""
        if self.ask("POST /classify", "POST", "/classify", content=run.model_dump_json()).is_success:
            self.runs.append(run)
            self.judged.append(run.id)

    def keep(self, run: Trace) -> str | None:
        """Have a run kept; return its uid."""
        answer = self.ask("POST /traces", "POST", "/traces", content=run.model_dump_json())
        if not answer.is_success:
            return None
        self.runs.append(run)
        return str(answer.json()[0]["trace"]["uid"])

    def send(self, runs: list[Trace], token: str) -> None:
        """Send a batch twice, as a client does that was not answered."""
        body = "\n".join(run.model_dump_json() for run in runs)
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": token}
        for _ in range(2):
            answer = self.ask("POST /batches", "POST", f"/batches?name={token}", content=body, headers=headers)
            if answer.is_success:
                self.batches[answer.json()["uid"]] = runs

    def label(self, uid: str, cause: str) -> None:
        """Say what sank a run."""
        posted = {"trace": uid, "cause": cause, "step": 1}
        if self.ask("POST /annotations", "POST", "/annotations", json=posted).is_success:
            self.said.append((self.name, uid, cause))


def drive(
    url: str, keys: Mapping[str, str], make: Callable[[int], Trace], mix: Mix, *, patience: float = 600.0
) -> Told:
    """Let all people (names and their keys) work at once, wait for their batches, and look for what is lost.

    `make` gives a run that differs from all others by seed. `patience`: seconds that the batches may take.
    """
    people = [
        Person(name, httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=120))
        for name, key in keys.items()
    ]
    first = people[0]
    shared = [uid for i in range(mix.annotations) if (uid := first.keep(make(i)))]
    for person in people:
        person.asked.clear()  # to get there is no part of the load
    before, start = _counted(first), time.perf_counter()
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(lambda pair: _work(pair[1], (pair[0] + 1) * ROOM, make, mix, shared), enumerate(people)))
    seconds = time.perf_counter() - start
    asked = tuple(each for person in people for each in person.asked)
    problems = [problem for person in people for problem in person.problems]
    problems += unaccounted(people, mix.answers(len(shared)), _counted(first) - before)
    problems += _unended(first, people, time.monotonic() + patience)
    drained = time.perf_counter() - start
    stored, missing = _lost(first, people)
    for person in people:
        person.http.close()
    return Told(asked, seconds, drained, stored, (*problems, *missing))


def _work(person: Person, seed: int, make: Callable[[int], Trace], mix: Mix, shared: list[str]) -> None:
    chance = random.Random(seed)  # noqa: S311 - the order of a test's requests
    seeds = iter(range(seed, seed + ROOM))
    unlabelled = iter(shared)
    todo = ["classify"] * mix.classify + ["keep"] * mix.keep + ["pages"] * mix.pages + ["batch"] * mix.batches
    todo += ["label"] * len(shared) + ["agreement"] * mix.agreement
    chance.shuffle(todo)
    after: dict[str, str] = {}
    for what in todo:
        if what == "classify":
            person.classify(make(next(seeds)))
        elif what == "keep":
            person.keep(make(next(seeds)))
        elif what == "batch":
            person.send([make(next(seeds)) for _ in range(mix.inputs)], f"{person.name}-{next(seeds)}")
        elif what == "label":
            person.label(next(unlabelled), chance.choice(CAUSES))
        elif what == "agreement":
            person.ask("GET /agreement", "GET", "/agreement")
        else:
            answer = person.ask("GET /traces", "GET", "/traces", params={"limit": 20, **after})
            following = answer.json().get("next") if answer.is_success else None
            after = {"after": following} if following else {}


def _counted(first: Person) -> Counter[tuple[str, int]]:
    """Return how many requests of each kind the service says it has answered, by status."""
    found: Counter[tuple[str, int]] = Counter()
    for family in text_string_to_metric_families(first.http.get("/metrics").text):
        for sample in family.samples:
            if sample.name == "coroner_requests_total":
                method, route, status = (sample.labels[name] for name in ("method", "route", "status"))
                kind = (
                    AWAY if int(status) in TURNED_AWAY else f"{method} {route}"
                )  # who is turned away has no route yet
                found[kind, int(status)] += int(sample.value)
    return found


def unaccounted(people: list[Person], wanted: Counter[str], counted: Counter[tuple[str, int]]) -> Iterator[str]:
    """Say which requests had no answer, and where the service has counted others than were made."""
    for person in people:
        answered = Counter(each.kind for each in person.asked if each.status not in TURNED_AWAY)
        for kind in wanted:
            if answered[kind] != wanted[kind]:
                yield f"{person.name}: {answered[kind]} answers to {kind}, not {wanted[kind]}"
    asked = [each for person in people for each in person.asked]
    made = Counter((AWAY if each.status in TURNED_AWAY else each.kind, each.status) for each in asked)
    for kind, status in sorted({*made, *counted}):
        if kind in {*wanted, AWAY} and made[kind, status] != counted[kind, status]:
            yield f"{kind}: {made[kind, status]} times {status}, of which the service counts {counted[kind, status]}"


def _unended(first: Person, people: list[Person], until: float) -> Iterator[str]:
    for uid in (uid for person in people for uid in person.batches):
        while (batch := first.ask("", "GET", f"/batches/{uid}").json())["state"] not in {"done", "cancelled"}:
            if time.monotonic() > until:
                yield f"the batch {uid} has not ended: {batch}"
                return
            time.sleep(0.2)


def _lost(first: Person, people: list[Person]) -> tuple[int, list[str]]:
    """Compare what the service has with what it took; return how many runs it has, and what is wrong."""
    problems: list[str] = []

    def compare(what: str, wanted: Counter[Any], found: Counter[Any]) -> None:
        problems.extend(f"{what} {each}: lost" for each in wanted - found)
        problems.extend(f"{what} {each}: there {found[each]} times, taken {wanted[each]}" for each in found - wanted)

    found: Counter[str] = Counter()
    stored: dict[str, Trace] = {}
    without: set[str] = set()
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        given = {"limit": "200", **({"after": page["next"]} if page["next"] else {})}
        page = first.ask("", "GET", "/traces", params=given).json()
        found.update(each["trace"]["name"] for each in page["items"])
        without.update(each["trace"]["name"] for each in page["items"] if each["diagnosis"] is None)
        for each in page["items"]:
            answer = first.ask("", "GET", f"/traces/{each['trace']['uid']}")
            stored[each["trace"]["name"]] = Trace.model_validate_json(answer.content)
    sent = Counter(run.id for person in people for run in person.runs)
    judged = {name for person in people for name in person.judged}
    for person in people:
        if len(person.batches) > len({tuple(run.id for run in runs) for runs in person.batches.values()}):
            problems.append(f"{person.name}: a batch that was sent again was made twice")
        for uid, runs in person.batches.items():
            names = [run.id for run in runs]
            sent.update(names)
            judged.update(names)
            rows = first.http.get(f"/batches/{uid}/results").text.splitlines()
            ended = Counter(
                (row["position"], row["diagnosis"] and row["diagnosis"]["trace_id"]) for row in map(json.loads, rows)
            )
            compare(f"batch {uid}, input", Counter(enumerate(names)), ended)
    compare("run", sent, found)
    every = (run for person in people for runs in (person.runs, *person.batches.values()) for run in runs)
    altered = [run.id for run in every if run.id in stored and stored[run.id] != run]
    problems.extend(f"run {name}: what is stored is not what was sent" for name in altered)
    problems.extend(f"run {name}: its verdict is lost" for name in sorted(judged & without))
    records = annotation.parse(first.ask("", "GET", "/annotations").text, strict=True).records
    compare(
        "statement",
        Counter(each for person in people for each in person.said),
        Counter((each.annotator, each.trace, each.cause) for each in records),
    )
    return found.total(), problems
