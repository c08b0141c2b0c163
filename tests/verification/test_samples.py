"""Input samples: the same for the same seed, and the user's own taken as they are or refused in words."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import no_room_for_more_than

from rkmend.errors import InputError
from rkmend.graph import TensorSpec
from rkmend.verification.samples import MANY_BYTES, make_samples

IMAGE = TensorSpec("image", "float32", (1, 3, 4, 4))
IDS = TensorSpec("ids", "int64", (1, 8))
RATE = TensorSpec("rate", "float32", ())


def arrays(sample) -> dict[str, np.ndarray]:
    with np.load(sample.path) as archive:
        return dict(archive)


def test_what_is_made(tmp_path):
    made = {sample.name: arrays(sample) for sample in make_samples([IMAGE, IDS, RATE], tmp_path)}
    assert list(made) == ["normal", "ramp", "zeros", "ones"]
    for found in made.values():
        assert list(found) == ["input0", "input1", "input2"]
        assert [found[f"input{i}"].shape for i in range(3)] == [(1, 3, 4, 4), (1, 8), ()]
        assert [found[f"input{i}"].dtype.name for i in range(3)] == ["float32", "int64", "float32"]
    assert not made["zeros"]["input0"].any()
    assert (made["ones"]["input1"] == 1).all()
    assert set(made["normal"]["input1"].ravel()) <= {0, 1}
    assert not np.array_equal(made["normal"]["input0"], made["ramp"]["input0"])


def test_normal_is_normal_and_inputs_differ(tmp_path):
    specs = [TensorSpec(name, "float32", (100_000,)) for name in "ab"]
    first, second = arrays(make_samples(specs, tmp_path)[0]).values()
    assert abs(first.mean()) < 0.02  # six standard errors of the mean of 100 000 numbers
    assert abs(first.std() - 1) < 0.02
    assert abs((first * second).mean()) < 0.02


@given(st.lists(st.integers(1, 40), max_size=4))
def test_a_ramp_rises_and_has_no_zero(tmp_path_factory, shape):
    """A zero would make a quotient infinite, and a model that is not wrong look so."""
    spec = TensorSpec("x", "float32", tuple(shape))
    found = arrays(make_samples([spec], tmp_path_factory.mktemp("ramp"))[1])["input0"]
    assert found.shape == tuple(shape) and found.max() == 1 and np.abs(found).min() > 0
    assert (np.diff(found.reshape(-1, int(np.prod(shape[-2:])))) > 0).all()


def test_the_seed_decides(tmp_path):
    def normal(seed: int, folder: str) -> np.ndarray:
        (tmp_path / folder).mkdir()
        return arrays(make_samples([IMAGE], tmp_path / folder, seed=seed)[0])["input0"]

    assert np.array_equal(normal(0, "a"), normal(0, "b"))
    assert not np.array_equal(normal(0, "c"), normal(1, "d"))


@pytest.mark.parametrize("dtype", ["bool", "float16", "bfloat16", "float64", "int8", "uint8", "uint64"])
def test_every_dtype(tmp_path, dtype):
    for sample in make_samples([TensorSpec("x", dtype, (2, 3))], tmp_path):
        found = arrays(sample)["input0"]
        assert found.dtype.name == ("float32" if dtype == "bfloat16" else dtype)
        assert found.shape == (2, 3)


def test_text_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a number"):
        make_samples([TensorSpec("words", "object", (1,))], tmp_path)


def test_large_models_get_fewer(tmp_path):
    huge = TensorSpec("y", "float32", (MANY_BYTES,))
    names = [sample.name for sample in make_samples([IMAGE], tmp_path, outputs=[huge])]
    assert names == ["normal", "zeros", "ones"]


def test_one_array_at_a_time(tmp_path):
    """Six inputs of 40 MB fit where only two arrays do."""
    specs = [TensorSpec(name, "float32", (10 << 20,)) for name in "abcdef"]
    with no_room_for_more_than(100):
        made = make_samples(specs, tmp_path)
    assert sum(item.file_size for item in zipfile.ZipFile(made[0].path).infolist()) > 6 * (40 << 20)


def user(tmp_path, inputs=(IMAGE, IDS), **given_arrays) -> list[dict[str, np.ndarray]]:
    np.savez(tmp_path / "mine.npz", **given_arrays)
    made = make_samples(inputs, tmp_path, user=tmp_path / "mine.npz")
    assert [sample.name for sample in made[4:]] == [f"user-{number}" for number in range(len(made) - 4)]
    return [arrays(sample) for sample in made[4:]]


IMAGES = np.arange(2 * 48, dtype=np.float32).reshape(2, 1, 3, 4, 4)


def test_one_sample_of_the_user(tmp_path):
    (found,) = user(tmp_path, image=IMAGES[0], ids=np.arange(8)[np.newaxis])
    assert np.array_equal(found["input0"], IMAGES[0])
    assert np.array_equal(found["input1"], [range(8)])


def test_several_samples_of_the_user(tmp_path):
    found = user(tmp_path, ids=np.arange(16).reshape(2, 1, 8), image=IMAGES)
    assert np.array_equal([each["input0"] for each in found], IMAGES)
    assert np.array_equal(found[1]["input1"], [range(8, 16)])


def test_a_scalar_of_the_user(tmp_path):
    assert user(tmp_path, (RATE,), rate=np.float32(3))[0]["input0"] == 3
    assert [each["input0"] for each in user(tmp_path, (RATE,), rate=np.array([1.0, 2.0]))] == [1, 2]


@given(
    st.sampled_from(["uint8", "int16", "int32", "int64", "float16", "float32", "float64", "bool"]),
    st.sampled_from(["uint8", "int32", "int64", "float16", "float32", "float64"]),
    st.lists(st.integers(-300, 70_000), min_size=3, max_size=3),
)
def test_a_cast_keeps_the_values_or_is_refused(tmp_path_factory, source, target, numbers):
    with np.errstate(over="ignore"):
        array = np.array(numbers).astype(source)
    spec = TensorSpec("x", target, (3,))
    try:
        (found,) = user(tmp_path_factory.mktemp("cast"), (spec,), x=array)
    except InputError as error:
        assert f"is {source} and cannot be made {target}" in error.message
        with np.errstate(over="ignore", invalid="ignore"):
            kept = np.array_equal(array.astype(target), array)
        assert (
            not kept or np.dtype(source).kind == "f"
        )  # floats are not made integers, even if they are whole
    else:
        assert found["input0"].dtype.name == target
        rounding = (
            2.0**-10 if target == "float16" else 0
        )  # half a unit in the last place of 11 bits, and some
        assert np.allclose(found["input0"].astype(float), array.astype(float), rtol=rounding, atol=0)


@pytest.mark.parametrize(
    ("given_arrays", "says"),
    [
        ({"image": IMAGES}, "holds 'image'"),
        ({"image": IMAGES, "ids": np.zeros((1, 8)), "more": np.zeros(1)}, "'more'"),
        ({}, "holds nothing"),
        ({"image": IMAGES[0, 0], "ids": np.zeros((1, 8), int)}, "has the shape [3, 4, 4]"),
        (
            {"image": np.zeros((0, 1, 3, 4, 4)), "ids": np.zeros((0, 1, 8), int)},
            "has the shape [0, 1, 3, 4, 4]",
        ),
        ({"image": IMAGES, "ids": np.zeros((3, 1, 8), int)}, "different numbers of samples: image 2, ids 3"),
        ({"image": IMAGES[0], "ids": np.zeros((1, 8))}, "is float64 and cannot be made int64"),
        ({"image": IMAGES[0] + 1j, "ids": np.zeros((1, 8), int)}, "is complex64"),
        ({"image": np.array([None]), "ids": np.zeros((1, 8), int)}, "Object arrays cannot be loaded"),
        (
            {"image": np.full((1, 3, 4, 4), 1e300), "ids": np.zeros((1, 8), int)},
            "without changing its values",
        ),
    ],
)
def test_samples_that_do_not_fit(tmp_path, given_arrays, says):
    with pytest.raises(InputError) as error:
        user(tmp_path, **given_arrays)
    assert says in error.value.message
    assert "image: float32 [1, 3, 4, 4]; ids: int64 [1, 8]" in error.value.hint


def one_array(path):
    with path.open("wb") as file:
        np.save(file, IMAGES)


def damaged(path):
    np.savez(path, image=np.zeros((1, 3, 4, 4)), ids=np.zeros((1, 8), int))
    content = bytearray(path.read_bytes())
    content[200:260] = b"\xff" * 60
    path.write_bytes(content)


def truncated(path):
    np.savez(path, image=IMAGES, ids=np.zeros((2, 1, 8), int))
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_text("hello"), "cannot read"),
        (lambda path: path.write_bytes(b""), "cannot read"),
        (one_array, "one array without a name"),
        (damaged, "cannot read"),
        (truncated, "cannot read"),
    ],
)
def test_files_that_are_no_samples(tmp_path, write, says):
    write(tmp_path / "mine.npz")
    with pytest.raises(InputError, match=says) as error:
        make_samples([IMAGE, IDS], tmp_path, user=tmp_path / "mine.npz")
    assert error.value.hint
