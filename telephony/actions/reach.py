import re
from dataclasses import dataclass

from telephony.actions.errors import ActionInvalid
from telephony.asterisk.configure import AsteriskSite

_REASON_CHARACTERS = 40
_HIGHEST_PENALTY = 100


@dataclass(frozen=True, slots=True)
class Reach:
    """What an order may name: the seats, the queues, and numbers `outside` where there is a line outward.

    Every value is checked here before it is sent: what is no number, seat or queue never reaches Asterisk.
    """

    extensions: frozenset[str]
    queues: tuple[str, ...]
    outside: bool = False
    # What the called party sees.
    own_number: str = "12345"
    # Other hotlines that callers may be led to.
    sites: tuple[str, ...] = ()

    @classmethod
    def of(cls, site: AsteriskSite) -> "Reach":
        """Return what one Asterisk reaches."""
        return cls(
            frozenset(seat.extension for seat in site.agents),
            site.queues,
            site.trunk is not None,
            site.numbers[0],
            tuple(other.name for other in site.sites),
        )

    def seat(self, extension: str) -> str:
        """Return the extension of a seat. Raises ActionInvalid."""
        if extension not in self.extensions:
            raise ActionInvalid(f"没有座席 {extension!r}。 There is no seat {extension!r}: see config/agents.toml.")
        return extension

    def queue(self, name: str) -> str:
        """Return the name of a queue. Raises ActionInvalid."""
        if name not in self.queues:
            raise ActionInvalid(f"没有队列 {name!r}。 There is no queue {name!r}; there are {', '.join(self.queues)}.")
        return name

    def elsewhere(self, name: str, queue: str) -> str:
        """Return another queue than `queue`, or a site, that its callers can be led to. Raises ActionInvalid."""
        known = (*self.queues, *self.sites)
        if name == queue or name not in known:
            there = ", ".join(each for each in known if each != queue) or "–"
            raise ActionInvalid(
                f"{queue} 不能溢出到 {name!r}。 Callers of {queue} cannot be led to {name!r}; there are {there}: "
                "see config/desks.toml."
            )
        return name

    def number(self, number: str) -> str:
        """Return a number that can be rung, as it is: a seat's, or one outside. Raises ActionInvalid."""
        if number not in self.extensions:
            telephone(number)
            if not self.outside:
                raise ActionInvalid(
                    f"{number} 不是座席，本机没有外线。 {number} is no seat, and there is no line outward: "
                    "set [trunk] in config/zhitong.toml."
                )
        return number


def telephone(number: str) -> str:
    """Return the digits of a telephone number (ITU-T E.164: at most 15). Raises ActionInvalid."""
    if not re.fullmatch(r"\+?[0-9]{2,15}", number):
        raise ActionInvalid(f"{number!r} 不是电话号码。 {number!r} is no telephone number: 2 to 15 digits.")
    return number.removeprefix("+")


def words(reason: str) -> str:
    """Return a reason as it may stand in a pause: one line, at most 40 characters. Raises ActionInvalid."""
    if not reason or len(reason) > _REASON_CHARACTERS or not reason.isprintable():
        raise ActionInvalid("原因须为一行，1 至 40 个字。 A reason is one line of 1 to 40 characters.")
    return reason


def penalty(value: int) -> int:
    """Return a penalty or a priority in 0-100. Raises ActionInvalid."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _HIGHEST_PENALTY:
        raise ActionInvalid(f"{value!r} 不在 0–100 之间。 {value!r} is not a whole number from 0 to 100.")
    return value
