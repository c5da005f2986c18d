from __future__ import annotations

from llmreplay.core.canonical import MatchSettings, Strictness


def test_nothing_is_left_out_unless_asked_for() -> None:
    expected = MatchSettings(
        strictness=Strictness.EXACT, ignore=(), replace=(), headers=(), presets=()
    )
    assert expected == MatchSettings()


def test_strictness_is_written_as_in_the_settings_file() -> None:
    assert list(Strictness) == ["exact", "order"]
