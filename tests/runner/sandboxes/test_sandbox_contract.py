"""What every sandbox does for a job, `unsafe` among them. Each case is a real program that runs inside."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
import time
from pathlib import Path

import pytest
from sandboxed import MIB, Place, serving

from runner.sandboxes import Job, SandboxError, load, names, pick


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def echo(client: socket.socket) -> None:
    while data := client.recv(65536):
        client.sendall(data)


def test_an_exit_code_is_passed_on_and_the_output_collected(place: Place) -> None:
    ended = place.run("sh", "-c", "echo to stdout; echo to stderr >&2; exit 7")
    assert (ended.code, ended.stopped_by, ended.left_out) == (7, None, ())
    assert sorted(place.output.split("\n")) == ["", "to stderr", "to stdout"]


def test_a_signal_that_ends_the_command_is_a_negative_code(place: Place) -> None:
    assert place.run("sh", "-c", "kill -SEGV $$").code == -11


def test_a_command_that_is_not_there_ends_with_127_and_says_so(place: Place) -> None:
    assert place.run("no-such-command").code == 127
    assert "cannot start no-such-command" in place.output


def test_the_environment_is_what_the_job_says_and_nothing_else(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-host")
    env = {"PATH": "/usr/bin:/bin", "ODD": "a b\n'c' é"}
    place.python("import json, os; print(json.dumps(dict(os.environ)))", env=env)
    seen = json.loads(place.output)
    assert {name: value for name, value in seen.items() if name not in {"LC_CTYPE", "PWD"}} == env  # Python's own


def test_the_workspace_comes_in_and_goes_out(place: Place) -> None:
    (place.workspace / "sub").mkdir()
    (place.workspace / "sub" / "in.txt").write_text("in", encoding="utf-8")
    (place.workspace / "gone.txt").touch()
    ended = place.run("sh", "-c", "cat sub/in.txt; rm gone.txt; echo out > sub/out.txt; mkdir -p a/b; echo x > a/b/c é")
    assert (ended.code, place.output) == (0, "in")
    left = {str(p.relative_to(place.workspace)) for p in place.workspace.rglob("*")}
    assert left == {"sub", "sub/in.txt", "sub/out.txt", "a", "a/b", "a/b/c"}
    assert (place.workspace / "sub" / "out.txt").read_text(encoding="utf-8") == "out\n"


def test_the_workspace_comes_home_from_a_run_that_is_out_of_time(place: Place) -> None:
    ended = place.run("sh", "-c", "echo half > half.txt; echo said; sleep 600", seconds=1)
    assert (ended.code, ended.stopped_by) == (None, "time")
    assert (place.workspace / "half.txt").read_text(encoding="utf-8") == "half\n"
    assert place.output == "said\n"


def test_standard_input_is_empty(place: Place) -> None:
    assert place.run("sh", "-c", "cat; echo end").code == 0
    assert place.output == "end\n"


def test_endless_output_ends_the_run_and_what_is_kept_is_bounded(place: Place) -> None:
    ended = place.run("yes", output=MIB)
    assert (ended.code, ended.stopped_by) == (None, "output")
    assert place.log.stat().st_size == MIB


def test_a_folder_of_the_host_is_read_where_the_job_says(place: Place, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.csv").write_text("1,2", encoding="utf-8")
    assert place.run("cat", "/opt/data/x.csv", readable={tmp_path / "data": "/opt/data"}).code == 0
    assert place.output == "1,2"


def test_a_folder_of_the_host_is_read_at_its_own_place_even_in_tmp(place: Place) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name, "below")
        folder.mkdir()
        (folder / "x.csv").write_text("1,2", encoding="utf-8")
        assert place.run("cat", f"{folder}/x.csv", readable={folder: str(folder)}).code == 0
    assert place.output == "1,2"


def test_a_port_leads_to_the_socket_and_each_way_is_closed_by_itself(place: Place) -> None:
    def count(client: socket.socket) -> None:
        total = 0
        while data := client.recv(65536):  # until the other side has said that it is done
            total += len(data)
        client.sendall(str(total).encode())

    port = free_port()
    with serving(count) as path:
        place.python(
            f"""
import socket
with socket.create_connection(("127.0.0.1", {port})) as s:
    s.sendall(b"x" * 30_000_000)
    s.shutdown(socket.SHUT_WR)
    print(s.recv(100).decode())
""",
            ports={port: path},
        )
    assert place.output == "30000000\n"


def test_large_answers_come_whole(place: Place) -> None:
    port = free_port()
    with serving(lambda client: client.sendall(bytes(range(256)) * 100_000)) as path:
        place.python(
            f"""
import socket, hashlib
with socket.create_connection(("127.0.0.1", {port})) as s:
    data = b"".join(iter(lambda: s.recv(65536), b""))
print(data == bytes(range(256)) * 100_000)
""",
            ports={port: path},
        )
    assert place.output == "True\n"


def test_what_is_streamed_comes_as_it_is_sent(place: Place) -> None:
    def stream(client: socket.socket) -> None:
        for _ in range(3):
            client.sendall(b"data: piece\n\n")
            client.recv(1)  # the next piece is only sent once this one has been seen

    port = free_port()
    with serving(stream) as path:
        place.python(
            f"""
import socket
with socket.create_connection(("127.0.0.1", {port}), timeout=20) as s:
    for _ in range(3):
        print(s.recv(100).decode().strip())
        s.sendall(b"!")
""",
            ports={port: path},
        )
    assert place.output == "data: piece\n" * 3


def test_many_connections_at_once_do_not_mix(place: Place) -> None:
    port = free_port()
    with serving(echo) as path:
        place.python(
            f"""
import socket
socks = [socket.create_connection(("127.0.0.1", {port})) for _ in range(150)]
for i, s in enumerate(socks):
    s.sendall(b"%d\\n" % i)
print(sum(int(s.makefile().readline()) == i for i, s in enumerate(socks)))
""",
            ports={port: path},
        )
    assert place.output == "150\n"


def test_a_server_that_does_not_answer_is_a_closed_connection_not_a_hang(place: Place) -> None:
    port = free_port()
    with serving(lambda client: client.close()) as path:
        ended = place.python(
            f"""
import socket
try:
    with socket.create_connection(("127.0.0.1", {port}), timeout=20) as s:
        print(s.recv(10))
except ConnectionError:
    print(b"")
""",
            ports={port: path},
        )
    assert (ended.code, place.output) == (0, "b''\n")


def test_what_is_left_behind_is_dead_when_the_run_returns(place: Place) -> None:
    # The left-behind process, twice forked and in a session of its own, would go on talking to the socket.
    heard: list[float] = []

    def listen(client: socket.socket) -> None:
        while client.recv(100):
            heard.append(time.monotonic())

    port = free_port()
    with serving(listen) as path:
        place.python(
            f"""
import os, socket, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    s = socket.create_connection(("127.0.0.1", {port}))
    while True:
        s.sendall(b"alive")
        time.sleep(0.01)
time.sleep(0.5)
""",
            ports={port: path},
        )
        ended = time.monotonic()
        time.sleep(0.3)
    assert heard
    assert not [at for at in heard if at > ended + 0.1]


def test_parallel_runs_do_not_disturb_each_other(place: Place, tmp_path: Path) -> None:
    results: dict[int, tuple[int | None, str]] = {}

    def one(number: int) -> None:
        (folder := tmp_path / str(number)).mkdir()
        mine = Place(place.name, folder)
        ended = mine.run("sh", "-c", f"echo {number} > mine; sleep 0.3; cat mine; exit {number}")
        results[number] = (ended.code, mine.output)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: (number, f"{number}\n") for number in range(6)}


def test_a_port_without_a_socket_is_refused_before_anything_runs(place: Place, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="which is no socket: start its server first"):
        place.run("true", ports={free_port(): tmp_path / "nothing.sock"})


def test_a_port_that_is_taken_is_said_where_ports_are_the_machines_own(tmp_path: Path) -> None:
    unsafe = Place("unsafe", tmp_path)
    with serving(echo) as path, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"did not start: port {port} cannot be opened"):
            unsafe.run("true", ports={port: path})


def test_a_job_cannot_ask_for_what_would_give_the_host_away(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    for folder, inside in ((tmp_path.parents[-1], "/host"), (tmp_path, "/host"), (tmp_path / "x", "/etc/x")):
        with pytest.raises(ValueError, match=r"must not read all of|is no place for"):
            Job(argv=("true",), workspace=tmp_path / "w", log=tmp_path / "log", readable={folder: inside})
    with pytest.raises(ValueError, match="outside the workspace"):
        Job(argv=("true",), workspace=tmp_path / "w", log=tmp_path / "w" / "log")


def test_the_registry_names_the_files_of_the_folder_and_refuses_others() -> None:
    assert {"bubblewrap", "unsafe"} <= set(names())
    with pytest.raises(SandboxError, match=r"no sandbox named 'moon'; there are: bubblewrap"):
        load("moon")


def test_unsafe_is_only_picked_when_asked_for() -> None:
    assert pick(unsafe=True) == "unsafe"
    try:
        assert pick() in {"docker", "bubblewrap"}
    except SandboxError as error:
        assert "bubblewrap: " in str(error)  # noqa: PT017 - either is right, by what is installed
