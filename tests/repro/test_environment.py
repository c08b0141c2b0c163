from __future__ import annotations

import getpass
import platform
import re
from pathlib import Path

from rkmend.repro import environment_of


def test_versions_of_a_toolkit_environment_and_nothing_private(toolkit):
    facts = environment_of(toolkit.python)
    assert facts["rknn-toolkit2"] == toolkit.version and facts["numpy"] == "1.26.4"
    assert re.fullmatch(r"3\.\d+\.\d+", facts["Python"]) and facts["architecture"] == platform.machine()
    said = "\n".join(facts.values())
    assert platform.node() not in said and str(Path.home()) not in said and "/home" not in said
    assert getpass.getuser() not in said.split()


def test_a_folder_that_is_no_environment(tmp_path):
    facts = environment_of(tmp_path / "bin" / "python")
    assert "Python" not in facts and facts["architecture"]
