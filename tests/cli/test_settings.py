"""Settings in rkmend.toml and pyproject.toml."""

from __future__ import annotations

import pytest

from rkmend.cli.settings import Settings, settings_for
from rkmend.errors import InputError


@pytest.fixture
def project(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "p"\n[tool.rkmend]\ntarget = "rk3576"\nignore = ["RKM1"]\n'
    )
    return tmp_path


def test_the_nearest_file_above_the_model_counts(project):
    model = project / "models" / "m.onnx"
    assert settings_for(model) == Settings(target="rk3576", ignore=("RKM1",))
    (project / "models" / "pyproject.toml").write_text("[tool.other]\n")  # says nothing of rkmend
    assert settings_for(model).target == "rk3576"
    (project / "models" / "rkmend.toml").write_text('target = "rk3588"\n')
    assert settings_for(model) == Settings(target="rk3588")


def test_one_file_or_none_at_all(project):
    other = project / "other.toml"
    other.write_text('toolkit = "2.5.0"\n')
    model = project / "m.onnx"
    assert settings_for(model, config=other) == Settings(toolkit="2.5.0")
    assert settings_for(model, isolated=True) == Settings()


@pytest.mark.parametrize("text", ["targett = 'rk3588'", "target = 3", "target = "])
def test_what_is_no_setting_is_refused(text, tmp_path):
    (tmp_path / "rkmend.toml").write_text(text)
    with pytest.raises(InputError, match=r"rkmend\.toml"):
        settings_for(tmp_path / "m.onnx")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        settings_for(tmp_path / "m.onnx", config=tmp_path / "none.toml")
