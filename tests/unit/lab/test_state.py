import stat

import pytest

from ocpplab.lab.errors import LabError
from ocpplab.lab.state import State


def test_it_keeps_secrets_and_tokens_from_one_start_to_the_next(tmp_path):
    state = State.load(tmp_path / "state.json")
    state.save(tmp_path / "state.json")
    assert State.load(tmp_path / "state.json") == state
    assert State() != state


def test_it_is_readable_by_its_owner_only(tmp_path):
    State().save(tmp_path / "state.json")
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["{", "[]", '"x"', ""])
def test_it_says_which_file_is_broken(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(LabError, match=r"state\.json cannot be read"):
        State.load(tmp_path / "state.json")
