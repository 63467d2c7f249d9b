"""What turns sound into a draft, as the settings and the configuration say now."""

from dataclasses import dataclass
from pathlib import Path

from api.kit import logs
from api.kit.settings import LiveSettings, Settings, SettingsError, SpeechSettings, load
from asr.draft import Gazetteer, Taxonomy, load_gazetteer, load_taxonomy
from asr.errors import AsrError
from asr.model import SpeechModel, locate, open_model
from asr.recognizer import DecoderPool

log = logs.get(__name__)
_Stamp = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class City:
    """What the city calls its matters and places; `names` are those of the gazetteer, kept whole in shown text."""

    taxonomy: Taxonomy
    gazetteer: Gazetteer
    names: tuple[str, ...]


class Speech:
    """Models, city and settings of a worker; `refresh()` takes up what a person changed since.

    Calls that begin afterwards use it; those that run keep what they began with.
    """

    def __init__(self, settings: Settings, decoders: DecoderPool) -> None:
        """Raise AsrError when a model or the configuration cannot be used."""
        self.decoders = decoders
        self._settings = settings
        # What is in force, and what the settings ask for: they differ while a model is not there yet.
        self._configured = self._wanted = settings.speech
        self.live: LiveSettings = settings.live
        self._settings_stamp = self._stamp_settings()
        self._city_stamp = self._stamp_city()
        self.city = self._read_city()
        self._models: dict[str, SpeechModel] = {}
        self._models = self._find_models(self._configured)

    def model(self, queue: str | None) -> SpeechModel:
        """Return the model for calls of a queue; None is a call that is not known yet."""
        return self._models[self._configured.model_of(queue)]

    @property
    def models(self) -> frozenset[SpeechModel]:
        """The models at work."""
        return frozenset(self._models.values())

    @property
    def model_names(self) -> str:
        """The models at work, for logs and the status."""
        return ", ".join(dict.fromkeys(model.name for model in self._models.values()))

    def refresh(self) -> None:
        """Look at the files again. What cannot be used is told in the log, and what was in force stays."""
        self._refresh_models(self._refresh_settings())
        self._refresh_city()

    def _refresh_settings(self) -> SpeechSettings:
        stamp = self._stamp_settings()
        if stamp == self._settings_stamp:
            return self._wanted
        self._settings_stamp = stamp
        try:
            settings = load(self._settings.data_dir)
        except SettingsError as error:
            log.error("settings_not_taken", reason=str(error))  # noqa: TRY400 - it says what to correct
            return self._wanted
        self.live = settings.live
        return settings.speech

    def _refresh_models(self, configured: SpeechSettings) -> None:
        try:
            models = self._find_models(configured)
        except AsrError as error:
            # Told once; looked for until it is there.
            if configured != self._wanted:
                log.error("model_not_taken", reason=str(error))  # noqa: TRY400 - as above
        else:
            if models != self._models:
                log.info("model_changed", models=[model.name for model in models.values()])
            self._configured, self._models = configured, models
        self._wanted = configured

    def _refresh_city(self) -> None:
        stamp = self._stamp_city()
        if stamp != self._city_stamp:
            self._city_stamp = stamp
            try:
                self.city = self._read_city()
            except AsrError as error:
                log.error("city_not_taken", reason=str(error))  # noqa: TRY400 - as above
            else:
                log.info("city_changed")

    def _find_models(self, configured: SpeechSettings) -> dict[str, SpeechModel]:
        known = getattr(self, "_models", {})
        return {
            name: self._find_model(name, known.get(name)) for name in {configured.model, *configured.by_queue.values()}
        }

    def _find_model(self, name: str, known: SpeechModel | None) -> SpeechModel:
        # A name may be a link: what it leads to is the model, and another target another model.
        path = (self._settings.models_dir / name).resolve()
        if known is not None and (path == known.path or not path.exists()) and known.path.is_dir():
            return known
        return open_model(locate(self._settings.models_dir, name).path.resolve())

    def _read_city(self) -> City:
        gazetteer, taxonomy = load_gazetteer(self._gazetteer), load_taxonomy(self._taxonomy)
        taxonomy.learn()
        return City(taxonomy, gazetteer, gazetteer.names)

    @property
    def _taxonomy(self) -> Path:
        return self._settings.config_dir / "taxonomy.toml"

    @property
    def _gazetteer(self) -> Path:
        return self._settings.config_dir / "gazetteer"

    def _stamp_settings(self) -> _Stamp:
        return _stamp([self._settings.config_dir / "zhitong.toml", self._settings.ports_file])

    def _stamp_city(self) -> _Stamp:
        beside = [self._taxonomy.with_name(name) for name in ("examples.toml", "dangers.toml")]
        return _stamp([self._taxonomy, *beside, *sorted(self._gazetteer.glob("*.toml"))])


def _stamp(paths: list[Path]) -> _Stamp:
    """Say which of the files are there and when each changed."""
    found = []
    for path in paths:
        try:
            found.append((path.name, path.stat().st_mtime_ns))
        except FileNotFoundError:
            continue
    return tuple(found)
