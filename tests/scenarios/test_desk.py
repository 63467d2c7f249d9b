import os
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import expect, sync_playwright

from api.demo.speech import speak
from api.setup import parts
from asr.synthesis import Espeak
from tests.scenarios.conftest import System, until

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]

# The citizen tells the number only long after the page has asked for it, however slow the machine is.
NUMBER_AT, OVER_AT = 14.5, 18.0


@pytest.fixture
def slow_citizen(tmp_path: Path, espeak: Espeak) -> Path:
    said = [(0.5, "富华南路的变压器旁边，有一个板房倾斜了，很危险。"), (NUMBER_AT, "一三八零零一二三四五六。")]
    return speak(tmp_path / "citizen.wav", said, "m7", espeak, OVER_AT)


def test_a_real_call_is_seen_live_and_its_evidence_is_heard(
    system: System, voices: dict[str, Path], slow_citizen: Path
) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=parts.browser(system.settings.tools_dir, print), args=ARGUMENTS
        )
        page = browser.new_page(viewport={"width": 1500, "height": 900}, locale="zh-CN")
        page.goto(f"http://127.0.0.1:{system.port}/login?next={quote('/desk')}#token={system.token('agent')}")
        page.wait_for_url("**/desk")
        calling = system.start(
            "call",
            "--citizen",
            str(slow_citizen),
            "--agent-audio",
            str(voices["agent"]),
            "--caller",
            "13700000001",
        )
        row = page.locator("tr", has_text="13700000001")
        expect(row).to_contain_text("通话", timeout=30_000)
        row.click()
        # The call goes on: what was said stands on the page and in the draft already.
        expect(page.locator(".talk")).to_contain_text("变压器", timeout=20_000)
        expect(page.locator(".field.place .value")).to_contain_text("富华南路", timeout=20_000)
        expect(page.locator(".ask")).to_contain_text("请问您的联系电话是多少", timeout=10_000)
        assert calling.poll() is None, "the words came only when the call was over"
        expect(row).to_contain_text("通话")
        if pictures := os.environ.get("ZHITONG_PICTURES"):
            page.screenshot(path=Path(pictures) / "live.png")
        _, error = calling.communicate(timeout=120)
        assert calling.returncode == 0, error
        expect(row).to_contain_text("已接听", timeout=20_000)
        expect(row).to_contain_text("富华南路", timeout=60_000)
        expect(page.locator(".ask")).to_have_count(0, timeout=20_000)
        evidence = page.get_by_role("button", name="13800123456").last
        expect(evidence).to_be_visible(timeout=20_000)
        evidence.click()
        heard = until(lambda: page.evaluate("document.querySelector('audio').currentTime"), "the sound plays", 20)
        assert NUMBER_AT - 0.5 < heard < OVER_AT + 0.5, f"at {heard} s nobody says the number"
        if pictures:
            page.screenshot(path=Path(pictures) / "desk.png")
        browser.close()
