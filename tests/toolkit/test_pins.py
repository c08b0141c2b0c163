"""The pins say everything that is installed, exactly."""

import re

import pytest

from rkmend.errors import InputError
from rkmend.toolkit.pins import default_version, numbers, pins_for, supported_versions


def test_the_supported_versions():
    assert supported_versions() == ("2.2.0", "2.3.0", "2.3.2", "2.5.0")
    assert default_version() == "2.3.2"
    assert pins_for() == pins_for("2.3.2")


@pytest.mark.parametrize("version", supported_versions())
def test_everything_is_pinned_exactly(version):
    pins = pins_for(version)
    assert all(
        re.fullmatch(r"[a-z0-9-]+==[0-9][0-9.]*", one) for one in [*pins.requirements, pins.torch.requirement]
    )
    assert f"rknn-toolkit2=={version}" in pins.requirements
    assert {"onnx", "onnxruntime", "numpy", "protobuf", "setuptools", "opencv-python-headless"} <= set(
        pins.packages
    )


@pytest.mark.parametrize("version", supported_versions())
def test_the_pins_are_within_what_the_toolkit_works_with(version):
    packages = pins_for(version).packages
    assert numbers(packages["numpy"]) <= (1, 26, 4)  # the toolkit's metadata
    assert numbers(packages["protobuf"]) <= (4, 25, 4)  # the toolkit's metadata
    assert numbers(packages["onnx"]) < (1, 19)  # where onnx.mapping went
    assert numbers(packages["setuptools"]) < (80,)  # pkg_resources


def test_2_2_0_has_its_own_onnx_pythons_and_machines():
    pins = pins_for("2.2.0")
    assert (pins.packages["onnx"], pins.packages["onnxruntime"]) == ("1.14.1", "1.16.0")
    assert pins.pythons == ("3.11", "3.10")
    assert pins.machines == ("x86_64",)


def test_the_index_is_written_without_its_scheme():
    assert "://" not in pins_for().torch.cpu_index


def test_the_digest_tells_versions_apart():
    assert len({pins_for(version).digest for version in supported_versions()}) == len(supported_versions())


@pytest.mark.parametrize("version", ["2.2", "9.9.9", "2.3.2 ", "*", "../2.3.2"])
def test_an_unknown_version_is_refused_with_the_list(version):
    with pytest.raises(InputError, match=r"Supported: 2\.2\.0, 2\.3\.0, 2\.3\.2, 2\.5\.0"):
        pins_for(version)


def test_numbers_of_versions():
    assert numbers("2.13.0+cpu") == (2, 13, 0)
    assert numbers("3.11") < numbers("3.12")
