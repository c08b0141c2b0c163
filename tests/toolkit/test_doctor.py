"""The doctor finds what breaks environments, and names what mends it."""

import subprocess
import sys
from pathlib import Path

import pytest

from rkmend.errors import InputError
from rkmend.toolkit.doctor import examine
from rkmend.toolkit.inspection import Facts, Findings, Import, judge
from rkmend.toolkit.pins import pins_for

TAG = f"cp{sys.version_info[0]}{sys.version_info[1]}"
MODULES = (
    "pkg_resources",
    "numpy",
    "google.protobuf",
    "onnx",
    "onnx.mapping",
    "onnxruntime",
    "torch",
    "rknn.api",
)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("RKMEND_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """The interpreter of a virtual environment that holds nothing."""
    folder = tmp_path_factory.mktemp("bare venv")  # a space, as people have them
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def by_name(checks) -> dict:
    return {check.name: check for check in checks}


def findings(
    packages: dict[str, str], *, gpu_mb: int = 0, broken: dict[str, str] | None = None, **facts
) -> Findings:
    """An interpreter with what works for 2.3.2, but for what is given."""
    pins = pins_for("2.3.2").packages | {"rknn-toolkit2": "2.3.2", "torch": "2.13.0+cpu", "pip": "25.3"}
    imports = {
        name: Import(name, error=(broken or {}).get(name, ""), file=f"/env/{name}.py") for name in MODULES
    }
    return Findings(
        Facts(
            python=facts.get("python", "3.11.7"),
            machine="x86_64",
            packages={name: version for name, version in (pins | packages).items() if version},
            toolkit_tags=["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2014_x86_64"],
            toolkit_requires=["numpy", "onnx", "opencv-python", "psutil", "torch"],
            gpu_mb=gpu_mb,
            user_site=facts.get("user_site", ""),
        ),
        imports,
    )


def failing(found: Findings, version: str = "2.3.2") -> dict[str, str]:
    """Name -> cure of the checks that fail."""
    return {
        check.name: check.cure for check in judge(found, pins_for(version), lambda what: what) if not check.ok
    }


def test_nothing_is_wrong_with_the_pins():
    assert failing(findings({})) == {}


@pytest.mark.parametrize(
    ("found", "name", "cure"),
    [
        (findings({"numpy": "2.2.1"}), "numpy", "pip install 'numpy<=1.26.4'"),
        (findings({"protobuf": "5.29.0"}), "protobuf", "pip install 'protobuf<=4.25.4'"),
        (findings({"onnx": "1.19.0"}), "onnx", "pip install 'onnx<=1.18.0'"),
        (findings({"onnx": "1.18.1"}), "onnx", "pip install 'onnx<=1.18.0'"),
        (
            findings({}, broken={"onnx.mapping": "ModuleNotFoundError: No module named 'onnx.mapping'"}),
            "onnx",
            "pip install 'onnx<=1.18.0'",
        ),
        (
            findings({}, broken={"pkg_resources": "ModuleNotFoundError: No module named 'pkg_resources'"}),
            "pkg_resources",
            "pip install 'setuptools<=79.0.1'",
        ),
        (findings({"psutil": ""}), "other packages", "pip install 'psutil<=7.2.2'"),
        (
            findings({"opencv-python-headless": ""}),
            "other packages",
            "pip install 'opencv-python-headless<=4.11.0.86'",
        ),
        (
            findings({}, python="3.12.1"),
            "rknn-toolkit2",
            "pip install --no-deps --force-reinstall rknn-toolkit2==2.3.2",
        ),
        (findings({}, user_site="/env"), "user site", "export PYTHONNOUSERSITE=1"),
    ],
)
def test_each_has_its_cure(found, name, cure):
    assert failing(found) == {name: cure}


def test_another_opencv_will_do():
    assert failing(findings({"opencv-python-headless": "", "opencv-contrib-python": "4.10.0.84"})) == {}


def test_2_2_0_needs_an_older_onnx():
    assert failing(findings({"onnxruntime": "1.16.0"}), "2.2.0") == {"onnx": "pip install 'onnx<=1.14.1'"}


def test_a_gpu_build_of_torch_is_told_and_tolerated():
    checks = by_name(judge(findings({"torch": "2.4.0"}, gpu_mb=4200), pins_for(), lambda what: what))
    assert checks["torch"].ok
    assert "4200 MB" in checks["torch"].detail


def test_an_import_that_crashes_is_known_by_its_missing_line():
    found = findings({})
    del found.imports["torch"]
    assert list(failing(found)) == ["torch"]


def test_an_interpreter_without_packages(cache, bare):
    checks = by_name(examine(python=bare))
    assert checks["Python"].ok
    quoted = f"'{bare}'"
    assert checks["pip"].cure == f"{quoted} -m ensurepip"
    assert (
        checks["rknn-toolkit2"].cure
        == f"{quoted} -m pip install --no-deps --force-reinstall rknn-toolkit2==2.3.2"
    )
    assert checks["numpy"].cure == f"{quoted} -m pip install 'numpy<=1.26.4'"
    assert checks["torch"].cure.startswith(f"{quoted} -m pip install --index-url https://")
    assert "No module named 'rknn'" in checks["import rknn.api"].detail
    assert all(check.cure for check in checks.values() if not check.ok)
    assert not any(check.cure for check in checks.values() if check.ok)
    assert {check.where for check in checks.values()} == {"rkmend", str(bare)}


def test_the_version_it_is_meant_for(cache, bare):
    checks = by_name(examine("2.2.0", python=bare))
    assert checks["onnx"].cure.endswith("-m pip install 'onnx<=1.14.1'")


def test_packages_from_the_user_site(cache, tmp_path, monkeypatch):
    """`~/.local` goes before an interpreter's own packages; an interpreter outside a virtual environment reads it."""
    base = Path(sys._base_executable)
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path))
    monkeypatch.delenv("PYTHONNOUSERSITE", raising=False)
    place = subprocess.run([base, "-m", "site", "--user-site"], capture_output=True, text=True).stdout.strip()
    (Path(place) / "onnxruntime").mkdir(parents=True)
    (Path(place) / "onnxruntime" / "__init__.py").touch()
    check = by_name(examine(python=base))["user site"]
    assert not check.ok
    assert check.detail.startswith(f"onnxruntime come from {place}")
    assert check.cure == "export PYTHONNOUSERSITE=1"


def test_what_is_not_a_python(cache, tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        examine(python=tmp_path / "python")
    check = examine(python=Path("/bin/echo"))[-1]
    assert (check.ok, check.detail, check.cure) == (
        False,
        "/bin/echo does not run",
        "rkmend toolkit install 2.3.2",
    )


def test_nothing_installed_is_no_fault_unless_asked_for(cache):
    assert all(check.ok for check in examine())
    check = examine("2.5.0")[-1]
    assert (check.ok, check.cure) == (False, "rkmend toolkit install 2.5.0")


def test_an_unfinished_environment(cache):
    (cache / "toolkits" / f"2.3.2-{TAG}").mkdir(parents=True)
    checks = [check for check in examine() if not check.ok]
    assert [check.cure for check in checks] == ["rkmend toolkit install 2.3.2"]


def test_one_of_a_version_that_is_no_longer_supported(cache):
    (cache / "toolkits" / f"2.1.0-{TAG}").mkdir(parents=True)
    assert [check.cure for check in examine() if not check.ok] == ["rkmend toolkit remove 2.1.0"]


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RKMEND_CACHE", str(tmp_path / "file" / "cache"))
    check = by_name(examine())["cache folder"]
    assert not check.ok
    assert "RKMEND_CACHE" in check.cure


@pytest.mark.toolkit
def test_the_default_environment_is_sound(toolkit):
    checks = examine(toolkit.version)
    assert [check for check in checks if not check.ok] == []
    assert {"numpy", "onnx", "torch", "import rknn.api"} <= set(by_name(checks))


@pytest.mark.toolkit
def test_the_default_environment_as_its_user_would_run_it(toolkit, cache):
    checks = by_name(examine(python=toolkit.python))
    assert checks["import rknn.api"].ok
    assert checks["torch"].detail.endswith("CPU build")
