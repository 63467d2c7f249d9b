"""Every table of this program, for migrations to compare with the database."""

from api.accounts import models as accounts
from api.agents import models as agents
from api.calls import models as calls
from api.heartbeats import models as heartbeats
from api.kit import changes
from api.kit.base import Base
from api.live import models as live
from api.recordings import models as recordings
from api.tickets import models as tickets
from api.transcripts import models as transcripts

MODULES = (accounts, agents, calls, changes, heartbeats, live, recordings, tickets, transcripts)
METADATA = Base.metadata
