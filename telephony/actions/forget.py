from telephony.actions.advise import known_family
from telephony.actions.reach import Reach, telephone
from telephony.ami.connection import AmiConnection
from telephony.ami.errors import ActionRefused


async def forget(asterisk: AmiConnection, reach: Reach, *, family: str, caller: str) -> None:  # noqa: ARG001 - a verb
    """Take advice back; where there was none, nothing happens."""
    await delete(asterisk, known_family(family), telephone(caller))


async def delete(asterisk: AmiConnection, family: str, key: str) -> None:
    """Delete an entry of AstDB, if it is there."""
    try:
        await asterisk.action("DBDel", Family=family, Key=key)
    except ActionRefused as refusal:
        # Asterisk's word for what was not there (manager.c, action_dbdel).
        if "could not be deleted" not in str(refusal):
            raise
