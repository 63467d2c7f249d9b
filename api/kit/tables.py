"""Every table of this program, for migrations to compare with the database."""

from api.accounts import models as accounts
from api.agents import models as agents
from api.callbacks import models as callbacks
from api.calls import models as calls
from api.commands import models as commands
from api.enforcement import models as enforcement
from api.heartbeats import models as heartbeats
from api.kit import changes
from api.kit.base import Base
from api.live import models as live
from api.outward import models as outward
from api.queues import models as queues
from api.reconciliations import models as reconciliations
from api.recordings import models as recordings
from api.tickets import models as tickets
from api.transcripts import models as transcripts

MODULES = (
    *(accounts, agents, callbacks, calls, changes, commands, enforcement, heartbeats, live),
    *(outward, queues, reconciliations, recordings, tickets, transcripts),
)
METADATA = Base.metadata
