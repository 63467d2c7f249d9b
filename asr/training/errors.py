"""The errors of training: what is wrong in config/speech, or which tool is missing."""

from asr.errors import AsrError


class TrainingError(AsrError):
    """A model cannot be trained: a file in config/speech is wrong or a build tool is missing."""

    error_id = "asr.training"
