from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SiteDirectories:
    """Where one Asterisk keeps what; all below the data directory."""

    data_dir: Path

    @property
    def etc(self) -> Path:
        """The generated configuration."""
        return self.data_dir / "asterisk" / "etc"

    @property
    def log(self) -> Path:
        """Asterisk's own records: queue_log, cel-custom/cel.csv, cdr-csv/Master.csv, messages.log."""
        return self.data_dir / "asterisk" / "log"

    @property
    def run(self) -> Path:
        """Pid file and control socket."""
        return self.data_dir / "asterisk" / "run"

    @property
    def lib(self) -> Path:
        """AstDB and the hold music."""
        return self.data_dir / "asterisk" / "lib"

    @property
    def spool(self) -> Path:
        """What Asterisk wants to spool; nothing of ours."""
        return self.data_dir / "asterisk" / "spool"

    @property
    def recordings(self) -> Path:
        """Recordings: R.wav, R-agent.wav, R-citizen.wav, R.done."""
        return self.data_dir / "recordings"

    @property
    def outward(self) -> Path:
        """Recordings of the calls that agents place: no citizen's call, so nothing transcribes them."""
        return self.recordings / "outward"

    @property
    def live(self) -> Path:
        """The sound of calls in progress, 48 kHz without header: R-agent.sln48, R-citizen.sln48."""
        return self.data_dir / "live"

    def all(self) -> list[Path]:
        """Every directory that Asterisk itself writes to or reads its configuration from."""
        logs = [self.log / "cdr-csv", self.log / "cel-custom"]
        return [
            self.etc,
            self.log,
            *logs,
            self.run,
            self.lib,
            self.lib / "moh",
            self.spool,
            self.recordings,
            self.outward,
            self.live,
        ]
