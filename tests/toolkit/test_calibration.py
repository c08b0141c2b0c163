"""Calibration data: what users have, and what is wrong with it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from rkmend.errors import InputError
from rkmend.graph import TensorSpec
from rkmend.npz import read_npz
from rkmend.toolkit.calibration import load_calibration

IMAGE = TensorSpec("image", "float32", (1, 3, 8, 12))
PAIR = (TensorSpec("a", "float32", (1, 4)), TensorSpec("b", "int64", (2,)))


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_arrays_in_a_folder(data, scratch):
    for number in range(3):
        np.save(data / f"{number}.npy", np.full((1, 3, 8, 12), number, np.float64))
    (data / "notes.txt").write_text("not data")
    calibration, samples = load_calibration(data, [IMAGE], scratch)
    lines = calibration.listing.read_text().splitlines()
    assert len(lines) == len(samples) == 3
    assert np.load(lines[2]).dtype == np.float32 and np.load(lines[2]).max() == 2
    assert read_npz(samples[1], "input0").shape == (1, 3, 8, 12)


def test_a_missing_batch_axis_is_added(data, scratch):
    np.save(data / "0.npy", np.zeros((3, 8, 12), np.float32))
    _, samples = load_calibration(data, [IMAGE], scratch)
    assert read_npz(samples[0], "input0").shape == (1, 3, 8, 12)


def test_images_become_rgb_planes_of_the_right_size(data, scratch):
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[..., 0] = 200
    Image.fromarray(pixels).save(data / "red.png")
    _, samples = load_calibration(data, [IMAGE], scratch)
    planes = read_npz(samples[0], "input0")
    assert planes.shape == (1, 3, 8, 12)
    assert planes[0, 0].min() == planes[0, 0].max() == 200 and not planes[0, 1:].any()


def test_the_toolkits_own_list_with_several_inputs(data, scratch):
    np.save(data / "a.npy", np.zeros((1, 4), np.float32))
    np.save(data / "b.npy", np.zeros(2, np.int64))
    (data / "list.txt").write_text("a.npy b.npy\n\na.npy b.npy\n")
    calibration, samples = load_calibration(data / "list.txt", PAIR, scratch)
    assert len(samples) == 2 and len(calibration.listing.read_text().split()) == 4


def test_archives_by_input_name(data, scratch):
    np.savez(data / "0.npz", b=np.array([1, 2]), a=np.ones((1, 4)))
    _, samples = load_calibration(data, PAIR, scratch)
    assert read_npz(samples[0], "input1").tolist() == [1, 2]


def test_the_digest_follows_the_content(data, scratch):
    np.save(data / "0.npy", np.zeros((1, 3, 8, 12), np.float32))
    first, _ = load_calibration(data, [IMAGE], scratch)
    again, _ = load_calibration(data, [IMAGE], scratch)
    np.save(data / "0.npy", np.ones((1, 3, 8, 12), np.float32))
    other, _ = load_calibration(data, [IMAGE], scratch)
    assert first.digest == again.digest != other.digest


def broken(folder, name, content):
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        np.save(folder / name, content)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("0.npy", np.zeros((1, 3, 9, 12)), r"shape \[1, 3, 9, 12\].*wants \[1, 3, 8, 12\]"),
        ("0.npy", np.full((1, 3, 8, 12), np.nan), "NaN"),
        ("0.npy", b"rubbish", "cannot read"),
        ("0.npz", b"PK rubbish", "cannot read"),
        ("0.png", b"rubbish", "cannot read image"),
        ("0.csv", b"1,2", "no calibration data"),
    ],
)
def test_bad_files_are_named(data, scratch, name, content, said):
    broken(data, name, content)
    with pytest.raises(InputError, match=said):
        load_calibration(data, [IMAGE], scratch)


def test_a_dataset_that_is_not_there(tmp_path, scratch):
    with pytest.raises(InputError, match="not found"):
        load_calibration(tmp_path / "nowhere", [IMAGE], scratch)


def test_a_line_with_too_many_files(data, scratch):
    (data / "list.txt").write_text("a b c\n")
    with pytest.raises(InputError, match="line 1: 3 files for a model with 2 inputs"):
        load_calibration(data / "list.txt", PAIR, scratch)


def test_an_image_for_something_else(data, scratch):
    Image.new("RGB", (4, 4)).save(data / "0.png")
    with pytest.raises(InputError, match=r"image, but input a"):
        load_calibration(data, PAIR[:1], scratch)
