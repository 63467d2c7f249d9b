"""config/service_levels.toml: what it promises, and how it says what is wrong in it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from api.agents.desks import load_desks
from api.agents.routing import load_routing
from api.enforcement.load import ServiceLevelsError, load_service_levels, parse_service_levels, thaw
from api.enforcement.policy import Policy

CONFIG = Path(__file__).resolve().parents[3] / "config"
SHIPPED = (CONFIG / "service_levels.toml").read_text(encoding="utf-8")
SHANGHAI = "Asia/Shanghai"


def shipped() -> Policy:
    return parse_service_levels(SHIPPED).policies[0].policy


def test_the_shipped_file_promises_what_the_national_standard_asks() -> None:
    targets = {target.name: target for target in shipped().target}
    assert (targets["connected"].window, targets["connected"].rung[0].begins_at) == ("24h", 0.95)
    assert targets["answer-rate"].seconds == 15
    assert targets["service-level"].seconds == 20
    assert targets["abandoned"].rung[0].begins_at == 0.05
    assert shipped().callback is not None


def test_every_policy_target_and_rung_has_a_chinese_and_an_english_name() -> None:
    rungs = [rung for target in shipped().target for rung in target.rung]
    names = [(named.zh, named.en) for each in ([shipped()], shipped().target, rungs) for named in each]
    for zh, en in names:
        assert any("\u4e00" <= sign <= "\u9fff" for sign in zh)
        assert en.isascii()


def test_every_reserve_agent_of_the_shipped_file_has_a_seat() -> None:
    seats = (CONFIG / "agents.toml").read_text(encoding="utf-8")
    for target in shipped().target:
        for rung in target.rung:
            assert all(f'extension = "{member}"' in seats for member in rung.members)


def test_every_place_that_the_shipped_file_leads_callers_to_is_there() -> None:
    known = load_desks(CONFIG)
    there = {desk.name for desk in known.desks} | {site.name for site in known.sites}
    led = {rung.to for target in shipped().target for rung in target.rung if rung.act == "overflow"}
    assert led
    assert led <= there


def test_a_desk_overflows_to_one_other_place() -> None:
    led = SHIPPED.index('to = "enterprise"')
    itself = SHIPPED[:led] + SHIPPED[led:].replace('to = "enterprise"', 'to = "hotline"', 1)
    with pytest.raises(ServiceLevelsError, match="cannot overflow to itself"):
        parse_service_levels(itself)
    another = SHIPPED.replace('act = "raise_priority"', 'act = "overflow"\nto = "dialect"', 1)
    with pytest.raises(ServiceLevelsError, match="one place at a time, not to dialect and enterprise"):
        parse_service_levels(another)
    with pytest.raises(ServiceLevelsError, match="overflow needs to"):
        parse_service_levels(SHIPPED.replace('to = "enterprise"\n', "", 1))


def test_every_break_of_the_shipped_file_is_one_that_agents_take() -> None:
    taken = load_routing(CONFIG).breaks
    for target in shipped().target:
        for rung in target.rung:
            assert set(rung.reasons) <= set(taken)


def test_a_site_without_the_file_promises_nothing(tmp_path: Path) -> None:
    assert load_service_levels(tmp_path).policies == ()


def _line(text: str) -> int:
    return SHIPPED[: SHIPPED.index(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("written", "instead", "where", "what"),
    [
        ("ends_at = 15\n", "ends_at = 45\n", "[[policy.target]]", "ends_at 45 must lie below begins_at 30"),
        ("ends_at = 0.85", "ends_at = 0.7", 'name = "answer-rate"', "ends_at 0.7 must lie above begins_at 0.8"),
        ("begins_at = 60\n", "begins_at = 25\n", "[[policy.target]]", "before the gentler one"),
        ("begins_at = 0.95\n", "begins_at = 95\n", 'name = "connected"', "a share lies between 0 and 1"),
        ("begins_at = 30\n", "begins_at = nan\n", "begins_at = 30", "finite number"),
        ("cool_down_seconds = 30\n", "cool_down_secnds = 30\n", "cool_down_seconds = 30", "is unknown here"),
        ("hold_seconds = 0\n", "", "[[policy.target.rung]]", "hold_seconds: is missing"),
        ("hold_seconds = 0\n", "hold_seconds = -1\n", "hold_seconds = 0", "greater than or equal to 0"),
        ('metric = "waiting"', 'metric = "waitin"', 'metric = "waiting"', "'waiting', 'longest_wait'"),
        ('window = "24h"', 'window = "now"', 'name = "connected"', "is measured in the window"),
        ("seconds = 15\n", "", 'name = "answer-rate"', "answer_in_time needs seconds"),
        ('members = ["8004"]\n', "", "begins_at = 8\n", "call_reserve needs members"),
        ('reasons = ["rest", "training"]\n', "", "begins_at = 60\n", "end_breaks needs reasons"),
        (
            'reasons = ["rest", "training"]\n',
            'reasons = ["break"]\npenalty = 1\n',
            "begins_at = 60\n",
            "end_breaks has no penalty",
        ),
        ('act = "raise_priority"', 'act = "raise"', 'act = "raise_priority"', "'raise_priority'"),
        ('name = "waiting"\n', 'name = "longest-wait"\n', "[[policy]]", "two targets are called longest-wait"),
        ("from = 2026-01-01", "from = 2026-01-01\nuntil = 2025-01-01", "[[policy]]", "must lie after from"),
        ("from = 2026-01-01", "from = 2026-13-01", "from = 2026", "is no TOML"),
        ("tries = 3\n", "tries = 0\n", "tries = 3", "greater than or equal to 1"),
        ("[[policy]]\n", "[[polici]]\n[[policy]]\n", "[[policy]]", "polici is unknown here"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(written: str, instead: str, where: str, what: str) -> None:
    with pytest.raises(ServiceLevelsError) as told:
        parse_service_levels(SHIPPED.replace(written, instead, 1))
    assert what in str(told.value)
    if "TOML" in what:
        assert "line" in str(told.value)
        return
    # The table of what is wrong, or the very line.
    line = int(str(told.value).partition(" line ")[2].partition(":")[0])
    assert abs(line - _line(where)) <= 9, str(told.value)


def test_a_desk_has_one_policy_at_a_time() -> None:
    following = SHIPPED.replace("hotline-2026", "hotline-2027").replace("from = 2026", "from = 2027")
    with pytest.raises(ServiceLevelsError, match=r"hotline-2027 begins on 2027-01-01, but hotline-2026 holds"):
        parse_service_levels(SHIPPED + following)
    ended = SHIPPED.replace("from = 2026-01-01", "from = 2026-01-01\nuntil = 2027-01-01")
    levels = parse_service_levels(ended + following)
    # Midnight is the city's.
    for moment, name in (
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), "hotline-2026"),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "hotline-2027"),
    ):
        assert [each.policy.name for each in levels.in_force(moment, SHANGHAI)] == [name]
    assert levels.of_desk("elsewhere", moment, SHANGHAI) is None
    assert levels.policies[0].policy.until == date(2027, 1, 1)


def test_a_comment_changes_no_promise_and_a_figure_does() -> None:
    (before,) = parse_service_levels(SHIPPED).policies
    (commented,) = parse_service_levels("# by order of the mayor\n" + SHIPPED).policies
    (changed,) = parse_service_levels(SHIPPED.replace("begins_at = 30", "begins_at = 31")).policies
    assert before.sha256 == commented.sha256 != changed.sha256
    assert thaw(before.text) == before.policy
