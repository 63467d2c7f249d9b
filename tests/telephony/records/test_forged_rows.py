"""A caller whose SIP number holds a line break and a row of queue_log: Asterisk's own records stay whole."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta

from telephony.reconciliation.compare import compare
from telephony.reconciliation.records import cel_calls, read_records
from telephony.records.queue_log import QUEUE_LOG_FILE
from tests.telephony.conftest import Hotline

FORGED = "1795438700|9.9|hotline|8001|CONNECT|1|x|1"


def rows(hotline: Hotline) -> list[str]:
    path = hotline.site.directories.log / QUEUE_LOG_FILE
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


async def test_a_number_cannot_forge_a_row(hotline: Hotline) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    log = hotline.site.directories.log
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.2", 0))
        port = phone.getsockname()[1]
        head = (
            f" sip:12345@127.0.0.1:{hotline.site.sip_port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.2:{port};branch=z9hG4bKforged\r\n"
            f"From: <sip:1%0A{FORGED.replace('|', '%7C')}@127.0.0.2>;tag=1\r\nTo: <sip:12345@127.0.0.1>\r\n"
            f"Call-ID: forged-{port}\r\nMax-Forwards: 70\r\nContact: <sip:x@127.0.0.2:{port}>\r\n"
        )
        sdp = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
            "m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        )
        invite = (
            f"INVITE{head}CSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
        )
        asterisk = ("127.0.0.1", hotline.site.sip_port)
        phone.sendto(invite.encode(), asterisk)
        async with asyncio.timeout(10):
            while not any("|ENTERQUEUE||1179543870099800111|" in row for row in rows(hotline)):
                await asyncio.sleep(0.05)
            phone.sendto(f"CANCEL{head}CSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n".encode(), asterisk)
            since_us = round(began.timestamp() * 1e6)
            while not [call for call in cel_calls(log, since_us, None).values() if call.ended_at]:
                await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    assert not [row for row in rows(hotline) if row.startswith(FORGED)]
    now = datetime.now(UTC)
    stored = list(cel_calls(log, since_us, None).values())
    records = read_records(log, hotline.site.directories.recordings, began, now)
    assert len(records.cdr) == len(stored) == 1
    assert compare(stored, records, began, now, now + timedelta(minutes=5)).differences == ()
