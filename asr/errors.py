"""The errors of speech recognition; each carries a stable `error_id` and says what to do."""


class AsrError(Exception):
    """Something about audio, a model or a transcript is wrong."""

    error_id = "asr"


class AudioError(AsrError):
    """A recording cannot be used."""

    error_id = "audio"


class AudioMissing(AudioError):
    """The file is not there, is no file, or may not be read."""

    error_id = "audio_missing"


class AudioEmpty(AudioError):
    """The file has no bytes at all."""

    error_id = "audio_empty"


class NotWav(AudioError):
    """The file is something else than a WAV."""

    error_id = "audio_not_wav"


class UnsupportedWav(AudioError):
    """A WAV whose samples we cannot read: an unknown coding, or a header that contradicts itself."""

    error_id = "audio_unsupported"


class ModelError(AsrError):
    """A speech model cannot be used."""

    error_id = "model"


class ModelMissing(ModelError):
    """No such speech model is here."""

    error_id = "model_missing"


class ModelBroken(ModelError):
    """The directory or archive is no complete Vosk model."""

    error_id = "model_broken"


class DecoderError(AsrError):
    """The decoding process could not do what it was asked."""

    error_id = "decoder"


class DecoderDied(DecoderError):
    """The decoding process ended in the middle of its work."""

    error_id = "decoder_died"


class TranscriptError(AsrError):
    """A stored transcript does not have the agreed shape."""

    error_id = "transcript"


class DraftConfigError(AsrError):
    """The taxonomy or the gazetteer is wrong; the message names the file and the entry."""

    error_id = "draft_config"


BY_ID: dict[str, type[AsrError]] = {
    kind.error_id: kind
    for kind in (
        AsrError,
        AudioError,
        AudioMissing,
        AudioEmpty,
        NotWav,
        UnsupportedWav,
        ModelError,
        ModelMissing,
        ModelBroken,
        DecoderError,
        DecoderDied,
        TranscriptError,
        DraftConfigError,
    )
}
