"""The images of the docker sandbox. What is built here is small: the Dockerfile is real, lock and wheel are not."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from runner import frameworks, images
from runner.frameworks import Installed
from runner.sandboxes import Bounds, Job, SandboxError, docker

if TYPE_CHECKING:
    from pathlib import Path

needs_docker = pytest.mark.skipif(bool(docker.available()), reason=f"docker: {docker.available()}")
WITH_IMAGE = [framework for framework in frameworks.names() if images.name(framework)]


def test_autogen_and_metagpt_have_images_named_by_what_they_are_made_from() -> None:
    assert {"autogen", "metagpt"} <= set(WITH_IMAGE)
    assert len({images.name(framework).rpartition(":")[2] for framework in WITH_IMAGE}) == len(WITH_IMAGE)
    assert images.name("no-such-framework") == ""


def test_what_has_no_dockerfile_cannot_be_built(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="no-such-framework has no Dockerfile and lock"):
        images.build("no-such-framework", tmp_path)


def test_all_dockerfiles_do_the_same_with_the_wheels() -> None:
    recipes = set()
    for framework in WITH_IMAGE:
        text = (images.HERE / f"{framework}.Dockerfile").read_text(encoding="utf-8")
        recipes.add(text[text.index("ARG") :].replace(framework, "NAME"))
    assert len(recipes) == 1


@needs_docker
def test_a_dockerfile_makes_an_environment_of_the_wheels_without_any_network(tmp_path: Path) -> None:
    framework = "autogen"
    (context := tmp_path / "context").mkdir()
    shutil.copy(images.HERE / f"{framework}.Dockerfile", context)
    (context / f"{framework}.lock").touch()
    (context / "wheels").mkdir()
    with zipfile.ZipFile(context / "wheels" / "invented-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("invented.py", "print('imported from', __file__)\n")
        wheel.writestr("invented-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: invented\nVersion: 1.0\n")
        wheel.writestr("invented-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("invented-1.0.dist-info/RECORD", "")
    image = f"coroner-test-{framework}:latest"
    images.make(context, f"{framework}.Dockerfile", image)
    try:
        inside = images.within(Installed(name=framework, version="1", python=tmp_path / "python", folders=(tmp_path,)))
        (workspace := tmp_path / "workspace").mkdir()
        log = tmp_path / "log"
        job = Job(
            argv=(str(inside.python), "-c", "import invented"),
            workspace=workspace,
            log=log,
            image=image,
            bounds=Bounds(seconds=60),
        )
        assert docker.run(job).code == 0
        assert log.read_text(encoding="utf-8").startswith(f"imported from /opt/{framework}/lib/python3")
        assert inside.folders == ()
    finally:
        engine = docker.client()
        engine.remove_image(image, force=True)
        engine.close()


@needs_docker
def test_an_image_that_nobody_has_built_is_not_found() -> None:
    assert images.find("no-such-framework") == ""


@needs_docker
def test_an_image_that_does_not_build_says_why(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN exit 3\n", encoding="utf-8")
    with pytest.raises(SandboxError, match=r"coroner-test-broken cannot be built: .*exit 3"):
        images.make(tmp_path, "Dockerfile", "coroner-test-broken")
