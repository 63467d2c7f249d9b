import json
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from tests.scenarios.conftest import System, free_port, ticket_of, until

# Four seconds of sound: words enough for a draft.
ENOUGH_BYTES = 64_000


def kill_and_wait(system: System, part: str) -> None:
    """Kill a part with -9 and wait until its supervisor has started it again."""
    old_pid = system.kill(part).pid

    def restarted() -> bool:
        state = system.state(part)
        return state.pid != old_pid and state.alive

    until(restarted, f"{part} is back")


def test_a_worker_killed_while_it_listens_to_a_call_loses_no_word(
    system: System, http: httpx.Client, voices: dict[str, Path]
) -> None:
    calling = system.start("call", "--citizen", str(voices["citizen"]), "--caller", "13900000011", "--json")

    def words_arrive() -> str | None:
        calls = http.get("/api/v1/calls", params={"limit": 20}).raise_for_status().json()["items"]
        heard = (each for each in calls if each["caller"] == "13900000011" and each["transcript_state"] == "live")
        return next((str(each["call_ref"]) for each in heard), None)

    call_ref = until(words_arrive, "the worker hears the call")
    for _ in range(2):
        kill_and_wait(system, "worker")
    out, err = calling.communicate(timeout=150)
    assert calling.returncode == 0, err
    call = json.loads(out)
    assert call["call_ref"] == call_ref
    ticket = ticket_of(http, call_ref, seconds=90)
    assert ticket["fields"]["category"]["value"] == "building-safety.collapse"
    said = http.get(f"/api/v1/calls/{call_ref}/transcript").raise_for_status().json()["utterances"]
    heard = "".join(each["text"] for each in said if each["speaker"] == "citizen")
    assert heard.count("板房") == heard.count("13800123456") == 1, heard
    tickets = http.get("/api/v1/tickets").json()["items"]
    assert [entry["call_ref"] for entry in tickets].count(call["call_ref"]) == 1


def test_a_caller_reaches_a_human_when_all_of_our_python_is_dead(
    system: System, http: httpx.Client, voices: dict[str, Path]
) -> None:
    calling = system.start("call", "--citizen", str(voices["report"]), "--caller", "13900000012", "--json")
    time.sleep(1.0)
    assert system.process is not None
    system.process.kill()
    system.process.wait()
    python = [system.state(part) for part in ("router", "worker", "api")]
    until(lambda: not any(state.alive for state in python), "router, worker and API are dead with their supervisor")
    asterisk = system.state("asterisk")
    assert asterisk.alive
    before = set(system.recordings.glob("*.done"))
    until(lambda: set(system.recordings.glob("*.done")) - before, "the call is answered, recorded, over")

    system.up()
    assert system.state("asterisk").pid == asterisk.pid, "calls in progress were cut off"
    out, err = calling.communicate(timeout=150)
    assert calling.returncode == 0, err
    assert '"outcome": "answered"' in out
    ref = out.split('"call_ref": "')[1].split('"')[0]
    assert ticket_of(http, ref)["fields"]["urgency"]["value"] == "urgent"


def limit_file_size(pid: int, limit: str) -> None:
    """Let a process write no file beyond `limit` bytes (soft limit), as its own user may."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    uid, gid = (int(line.split()[1]) for line in status if line.startswith(("Uid:", "Gid:")))
    account = {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(["prlimit", "--pid", str(pid), f"--fsize={limit}:"], check=True, **account)  # type: ignore[call-overload]


def test_a_full_disk_tears_one_recording_and_harms_nobody_else(
    system: System, http: httpx.Client, voices: dict[str, Path]
) -> None:
    pid = system.state("asterisk").pid
    started = time.time()
    calling = system.start("call", "--citizen", str(voices["report"]), "--caller", "13900000013", "--json")

    def recorded() -> list[Path]:
        found = (path for path in system.recordings.glob("*-citizen.wav") if path.stat().st_mtime > started)
        return [path for path in found if path.stat().st_size > ENOUGH_BYTES]

    [fresh] = until(recorded, "some of the call is recorded")
    # Every further byte is refused by the kernel, as on a full disk.
    limit_file_size(pid, str(fresh.stat().st_size))
    try:
        out, err = calling.communicate(timeout=150)
    finally:
        limit_file_size(pid, "unlimited")
    assert calling.returncode == 0, err
    assert '"outcome": "answered"' in out, "the call itself went on"
    ref = out.split('"call_ref": "')[1].split('"')[0]
    assert 0 < fresh.stat().st_size < voices["report"].stat().st_size

    after = system.call(voices["brief"], "--caller", "13900000014")
    assert after["outcome"] == "answered"
    assert ticket_of(http, ref)["state"] == "draft"
    assert ticket_of(http, after["call_ref"])["fields"]["contact_phone"]["value"] == "13800123456"


def test_asterisk_killed_is_started_again_and_takes_calls(system: System, voices: dict[str, Path]) -> None:
    kill_and_wait(system, "asterisk")
    until(lambda: "asterisk" in system.run_unchecked("status", "asterisk"), "asterisk answers")
    call = system.call(voices["report"], "--caller", "13900000015")
    assert call["outcome"] == "answered"


def test_after_all_that_asterisks_own_records_say_the_same(system: System) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    found = json.loads(system.run("reconcile", "--from", yesterday.isoformat(timespec="seconds"), "--json"))
    assert found["differences"] == []
    assert found["calls"] == found["in_records"]["cel"] > 0


def test_up_twice_on_one_data_directory_is_refused(system: System) -> None:
    process = system.start("up", "--port", str(free_port()))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "up.already" in err


def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path, system: System) -> None:
    other = System(tmp_path / "data")
    process = other.start("up", "--port", str(system.port))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"Port {system.port}" in err
    assert "--port" in err


def test_calling_when_nothing_is_up_says_so(tmp_path: Path, voices: dict[str, Path]) -> None:
    process = System(tmp_path / "data").start("call", "--citizen", str(voices["citizen"]))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "zhitong up" in err
