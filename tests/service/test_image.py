"""The service's image, run for real as docs/service.md says: `make image` builds it, `make image-check` runs this.

Needs a docker engine that can make a network. The inputs are invented, and all that was started goes in the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from invented_traces import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMAGE = os.environ.get("CORONER_IMAGE", "")
if not IMAGE:
    pytest.skip("CORONER_IMAGE names no image: make image, then make image-check", allow_module_level=True)
OURS = 10001
WITHIN = 180.0  # seconds


def docker(*arguments: str) -> str:
    """Return what a docker command says."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607 - ours
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def until(true: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + WITHIN
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.2)


@dataclass(frozen=True)
class Container:
    """A container of the service."""

    name: str

    @property
    def url(self) -> str:
        """Its address: a port of this machine, which another start changes."""
        return f"http://{docker('port', self.name, '8080')}"

    def ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError, AssertionError):
            return httpx.get(f"{self.url}/readyz", timeout=5).is_success
        return False

    def state(self, what: str) -> str:
        return docker("inspect", "--format", "{{.State." + what + "}}", self.name)

    def inside(self, *command: str) -> str:
        return docker("exec", self.name, *command)

    def client(self) -> httpx.Client:
        key = self.inside("coroner", "keys", "issue", "ann", "--role", "admin")
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=60)


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    name = f"coroner-check-{uuid.uuid4().hex[:8]}"
    docker("network", "create", name)
    try:
        options = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--init", "--publish", "127.0.0.1::8080")  # noqa: S108 - inside
        where = ("--name", name, "--network", name, "--volume", f"{name}:/var/lib/coroner")
        docker("run", "--detach", *where, *options, IMAGE)
        made = Container(name)
        until(made.ready, "it did not become ready")
        yield made
    finally:
        for command in (("rm", "--force", name), ("volume", "rm", "--force", name), ("network", "rm", name)):
            docker(*command)


def post(http: httpx.Client, *numbers: int) -> str:
    body = "\n".join(trace(number, steps=30).model_dump_json() for number in numbers)
    answer = http.post("/batches?name=night", content=body, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["uid"])


def names(http: httpx.Client, uid: str) -> list[str]:
    """Wait for a batch; return the runs that have a verdict, as often as they have one."""
    until(lambda: http.get(f"/batches/{uid}").json()["state"] == "done", "the batch did not end")
    rows = [json.loads(line) for line in http.get(f"/batches/{uid}/results").text.splitlines()]
    return sorted(row["diagnosis"]["trace_id"] for row in rows)


def test_it_becomes_healthy_without_rights_and_tells_no_secret(container: Container) -> None:
    until(lambda: container.state("Health.Status") == "healthy", "it did not become healthy")
    assert container.inside("sh", "-c", "id -u; grep CapEff /proc/1/status; touch /x 2>&1 || true").splitlines() == [
        str(OURS),
        "CapEff:\t0000000000000000",
        "touch: cannot touch '/x': Read-only file system",
    ]
    told = docker("logs", container.name)
    assert "Traceback" not in told
    secret = container.inside("cat", "/var/lib/coroner/session.secret")
    assert secret not in told


def test_whoever_has_no_key_is_sent_away(container: Container) -> None:
    with httpx.Client(base_url=container.url) as http:
        assert http.get("/healthz").is_success
        for path in ("/traces", "/batches", "/annotations", "/agreement", "/index", "/audit", "/metrics", "/export"):
            assert http.get(path).status_code == 401, path
        for path in ("/classify", "/traces", "/batches", "/annotations", "/annotations/import", "/index/train"):
            assert http.post(path, content="{}").status_code == 401, path
        for page in ("/queue", "/runs", "/import", "/disagreements"):
            assert http.get(page, headers={"accept": "text/html"}).headers["location"] == "/signin", page


def test_a_batch_survives_a_kill(container: Container) -> None:
    with container.client() as http:
        assert http.post("/classify", content=trace(1).model_dump_json()).json()["cause"]
        uid = post(http, *range(100, 120))
        until(lambda: http.get(f"/batches/{uid}").json()["done"] >= 2, "nothing was done")
    docker("kill", container.name)
    docker("start", container.name)
    until(container.ready, "it did not come back")
    with container.client() as http:
        assert names(http, uid) == sorted(trace(number).id for number in range(100, 120))


def test_it_stops_in_order_and_goes_on_after_that(container: Container) -> None:
    with container.client() as http:
        uid = post(http, *range(200, 260))
        until(lambda: http.get(f"/batches/{uid}").json()["done"] >= 1, "nothing was done")
    docker("stop", "--time", "30", container.name)
    assert container.state("ExitCode") == "0"
    assert "Traceback" not in docker("logs", container.name)
    docker("start", container.name)
    until(container.ready, "it did not come back")
    with container.client() as http:
        assert (
            http.get(f"/batches/{uid}").json()["running"] <= 1
        )  # what was begun was finished: nobody waits for a lease
        assert names(http, uid) == sorted(trace(number).id for number in range(200, 260))


LEFT = r"""
find / -xdev \( -name .git -o -name .env -o -name 'wheels' -o -name pip.conf -o -name .netrc -o -name tests \
    -path '/opt/coroner/lib/*/site-packages/tests' \) -not -path '/proc/*' 2>/dev/null
find /src /root /home /tmp -type f -not -name .bashrc -not -name .profile 2>/dev/null
ls -d /opt/coroner/lib/python3*/site-packages/torch /opt/coroner/bin/pip 2>/dev/null || true
"""


def test_nothing_of_the_house_or_of_the_build_is_left_in_it() -> None:
    found = docker("run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "sh", IMAGE, "-c", LEFT)
    assert found == ""
    (told,) = json.loads(docker("image", "inspect", IMAGE))
    assert told["Config"]["User"] == f"{OURS}:{OURS}"
    assert not [each for each in told["Config"]["Env"] if "PASSWORD" in each or "SECRET" in each or "://" in each]
    assert "://" not in docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE).replace(
        "http://127.0.0.1", ""
    )
