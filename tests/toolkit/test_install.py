"""The steps of an installation, with a real pip and small wheels that are made here."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rkmend.errors import EnvironmentFailure
from rkmend.toolkit import install
from rkmend.toolkit.pins import pins_for
from rkmend.toolkit.pip import Pip

HERE = ".".join(map(str, sys.version_info[:2]))


def make_wheel(folder: Path, name: str, version: str, requires: tuple[str, ...] = ()) -> Path:
    """A wheel with one empty module."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", "\n".join(["Metadata-Version: 2.1", *metadata, ""]))
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(
            f"{info}/RECORD", "".join(f"{one},,\n" for one in [*wheel.namelist(), f"{info}/RECORD"])
        )
    return path


@pytest.fixture(scope="module")
def environment(tmp_path_factory, toolkit) -> Path:
    """A virtual environment with the pip of a toolkit's, and a place for temporary files."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (folder / "tmp").mkdir()
    (theirs,) = toolkit.python.parent.parent.glob("lib/python3*/site-packages")
    for part in theirs.glob("pip*"):
        shutil.copytree(part, install.site_packages(folder, HERE) / part.name)
    return folder


@pytest.fixture
def offline(monkeypatch, tmp_path) -> Path:
    """pip is configured for a folder of wheels alone."""
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "wheels"


def quiet(_text: str, _fraction: float) -> None:
    pass


@pytest.mark.toolkit
def test_the_users_pip_configuration_counts_and_dependencies_do_not(environment, offline):
    make_wheel(offline, "pinned", "1.0", ("not-there-at-all",))
    pip = Pip(environment)
    told = []
    pip.install(["pinned==1.0"], on_progress=lambda text, fraction: told.append(text))
    assert told[0] == "fetching pinned" and told[-1] == "unpacking"
    assert (install.site_packages(environment, HERE) / "pinned.py").exists()
    assert pip.look("pinned==1.0") == []


@pytest.mark.toolkit
def test_what_is_not_there_is_a_failure_with_a_hint(environment, offline):
    make_wheel(offline, "other", "1.0")
    with pytest.raises(EnvironmentFailure, match="other==2") as caught:
        Pip(environment).install(["other==2.0"], on_progress=quiet)
    assert "no such wheel" in caught.value.hint


@pytest.mark.toolkit
def test_an_installation_that_was_cut_short_is_done_again(environment, offline):
    make_wheel(offline, "cut", "1.0")
    site = install.site_packages(environment, HERE)
    pip = Pip(environment)
    pip.install(["cut==1.0"], on_progress=quiet)
    (site / "cut-1.0.dist-info" / "RECORD").unlink()
    (site / "cut.py").unlink()
    (site / "~ut").mkdir()
    assert pip.look("cut==1.0") == []  # so pip takes it for complete

    install.remove_half_installed(site)
    assert not (site / "~ut").exists()
    pip.install(["cut==1.0"], on_progress=quiet)
    assert (site / "cut.py").exists()
    assert (site / "cut-1.0.dist-info" / "RECORD").exists()


@pytest.mark.toolkit
def test_a_gpu_build_of_torch_is_refused(environment, offline, monkeypatch):
    requires = ("filelock", "nvidia-cudnn-cu13==9.20.0.48; platform_system == 'Linux'", "triton==3.7.1")
    wheel = make_wheel(offline, "torch", "2.13.0", requires)
    for setting in ("", str(wheel)):
        monkeypatch.setenv(install.TORCH, setting)
        with pytest.raises(EnvironmentFailure, match=r"build for GPUs .*nvidia-cudnn-cu13, triton") as caught:
            install._install_torch(Pip(environment), pins_for(), quiet)
        assert "RKMEND_TORCH" in caught.value.hint
    assert not (install.site_packages(environment, HERE) / "torch.py").exists()


@pytest.mark.toolkit
def test_the_setting_for_torch_wins(environment, offline, monkeypatch):
    make_wheel(offline, "torch", "2.13.0", ("cuda-toolkit==13.0.3",))
    make_wheel(offline, "torch", "2.1.0", ("filelock",))
    monkeypatch.setenv(install.TORCH, "torch==2.1.0")
    install._install_torch(Pip(environment), pins_for(), quiet)
    assert (install.site_packages(environment, HERE) / "torch-2.1.0.dist-info").is_dir()


def test_gpu_packages_are_those_this_machine_would_need(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    requires = [
        "nvidia-nccl-cu12==2.19.3; platform_system == 'Linux' and platform_machine == 'x86_64'",
        "triton==2.2.0; extra == 'gpu'",
        "cuda-bindings<14,>=13.0.3; platform_system == 'Linux'",
        "sympy",
    ]
    assert install.gpu_packages({"requires_dist": requires}) == ["cuda-bindings"]
    assert install.gpu_packages({}) == []


def test_disk_space_is_looked_at_first(tmp_path):
    install.check_disk(tmp_path / "not" / "yet" / "there", 1)
    with pytest.raises(
        EnvironmentFailure, match=r"(?s)1000000000 MB are needed, \d+ MB are free.*RKMEND_CACHE"
    ):
        install.check_disk(tmp_path, 10**9)


def test_what_is_there_already_counts(tmp_path):
    (tmp_path / "half").write_bytes(bytes(2_000_000))
    assert install.size_mb(tmp_path) == 2.0
    with pytest.raises(EnvironmentFailure, match="999999998 MB are needed"):
        install.check_disk(tmp_path, 10**9)
