from api.agents.desks import load_desks
from api.agents.routing import load_routing
from api.agents.seats import load_seats
from api.agents.secrets import load_or_create
from api.kit.settings import Settings
from telephony.asterisk.configure import AsteriskSite, Trunk


def ami_secret(settings: Settings) -> str:
    """Return the password of Asterisk's manager interface."""
    return load_or_create(settings.data_dir / "secrets.toml", ()).ami


def asterisk_site(settings: Settings) -> AsteriskSite:
    """Return what Asterisk is to be: the settings, the seats and the secrets of one data directory."""
    secrets_file = settings.data_dir / "secrets.toml"
    desks = load_desks(settings.config_dir)
    return AsteriskSite(
        data_dir=settings.data_dir,
        node=settings.node.name,
        sip_port=settings.sip.port,
        sip_address=settings.sip.host,
        ami_port=settings.ami.port,
        ami_secret=ami_secret(settings),
        rtp_start=settings.sip.rtp_first_port,
        rtp_end=settings.sip.rtp_last_port,
        agents=load_seats(settings.config_dir, secrets_file),
        trunk=Trunk(**settings.trunk.model_dump()) if settings.trunk else None,
        queue=settings.queue.name,
        numbers=(settings.queue.number,),
        templates=settings.config_dir / "asterisk",
        desks=desks.desks,
        sites=desks.sites,
        wrap_up_seconds=load_routing(settings.config_dir).guard_seconds,
    )
