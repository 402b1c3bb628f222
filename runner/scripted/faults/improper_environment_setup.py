"""E3: the environment refuses: permissions, network, a service, credentials; or a missing thing of either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.scripted.moves import Act, Script
    from runner.scripted.scene import Scene

CAUSE = "E3"
_FOLDERS = ("/usr/share/agent", "/etc/agent.d", "/var/lib/results", "/opt/cache", "/usr/local/lib/tables", "/srv/out")
_HOSTS = ("mirror.example.org", "data.example.com", "api.example.net", "files.example.org", "cdn.example.com")
_NAMES = ("DATA_TOKEN", "API_KEY", "SERVICE_PASSWORD", "ACCESS_TOKEN", "DB_URL", "SITE_LOGIN", "REPORT_USER")
_SERVICES = (("127.0.0.1", 5432), ("127.0.0.1", 6379), ("127.0.0.1", 3306), ("localhost", 9200), ("127.0.0.1", 4444))
_TOOLS = ("tools/convert", "bin/extract", "./scripts/prepare.sh", "vendor/clean_table", "./fetch_all", "./run_step")


def permission(scene: Scene) -> Script:
    """Write where it is not allowed."""
    folders = scene.rng.sample(_FOLDERS, 2)
    name = scene.surface.one(("step.txt", "cache.json", "table.csv", "result.pkl"))
    made = [
        scene.surface.one(
            (
                (
                    f'from pathlib import Path\n\nkeep = Path("{folder}")\nkeep.mkdir(parents=True, exist_ok=True)\n'
                    f'(keep / "{name}").write_text("started")\n'
                ),
                f'import os\n\nos.makedirs("{folder}", exist_ok=True)\nopen("{folder}/{name}", "w").close()\n',
            )
        )
        for folder in folders
    ]
    return _refused(scene, made, f"{folders[0]} cannot be written to")


def network(scene: Scene) -> Script:
    """Fetch something from a network that is not there."""
    hosts = scene.rng.sample(_HOSTS, 2)
    path = scene.surface.one(("input.csv", "v1/records", "latest.json", "export/all.csv", "lookup.tsv"))
    made = [
        scene.surface.one(
            (
                f'import requests\n\ngot = requests.get("https://{host}/{path}", timeout=5)\nprint(got.ok)\n',
                f'from urllib.request import urlopen\n\ngot = urlopen("https://{host}/{path}", timeout=5).read()\n',
                f'import socket\n\nlink = socket.create_connection(("{host}", 443), timeout=5)\n',
            )
        )
        for host in hosts
    ]
    return _refused(scene, made, f"{hosts[0]} cannot be reached: there is no network")


def service(scene: Scene) -> Script:
    """Count on a service that does not run."""
    services = scene.rng.sample(_SERVICES, 2)
    made = [
        f'import socket\n\nconnection = socket.create_connection(("{host}", {port}), timeout=5)\n'
        for host, port in services
    ]
    return _refused(scene, made, f"nothing listens at {services[0][0]}:{services[0][1]}")


def credentials(scene: Scene) -> Script:
    """Count on credentials that nobody has set."""
    names = scene.rng.sample(_NAMES, 2)
    made = [f'import os\n\nsecret = os.environ["{name}"]\n' for name in names]
    return _refused(scene, made, f"the environment holds no {names[0]}")


def helper_missing(scene: Scene) -> Script:
    """Run a program of the project's own that is neither installed nor lies there."""
    tools = scene.rng.sample(_TOOLS, 2)
    made = [
        f'import subprocess\n\nready = subprocess.run(["{tool}"], capture_output=True, text=True, check=True)\n'
        f"print(ready.stdout)\n"
        for tool in tools
    ]
    return _refused(scene, made, f"{tools[0]} is neither installed nor there")


def _refused(scene: Scene, made: Sequence[str], note: str) -> Script:
    """Put code that the environment refuses before a part of the solution; at times a second try of the like."""
    number = scene.rng.randrange(len(scene.parts))
    part, acts = scene.parts[number], scene.walk(stop=number)
    tries: list[Act] = []
    for code in made[: scene.surface.one((1, 1, 2))]:
        tries.append(scene.act(part, code=f"{code}\n{part.code}", after_error=bool(tries), works=False))
    return ended(scene, [*acts, *tries], len(acts) + 1, note)


VARIANTS = {
    "permission": permission,
    "network": network,
    "service": service,
    "credentials": credentials,
    "helper_missing": helper_missing,
}
