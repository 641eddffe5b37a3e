"""Everything that speakerd raises on purpose, in one tree; each message is one sentence that says what to do.

The second level says whose fault it is: the owner's configuration, the world (a device, the network), or a peer.
"""


class SpeakerdError(Exception):
    """Base of all errors that speakerd raises on purpose."""


class ConfigurationError(SpeakerdError, ValueError):
    """The configuration cannot be used; the daemon exits with 78 and is not restarted."""


class ModelError(ConfigurationError):
    """A model file is missing, has the wrong checksum, or cannot be read."""


class UnknownOperatorError(ModelError):
    """A model has an operator that is not computed here."""


class BoardError(ConfigurationError):
    """The board's description is wrong, or its pins cannot be opened."""


class AudioDeviceError(SpeakerdError, OSError):
    """A sound card is missing, busy, or refuses every format that we can use."""


class RecordingError(SpeakerdError, ValueError):
    """A sound file cannot be read."""


class ControlError(SpeakerdError, OSError):
    """The running daemon cannot be reached over its control socket."""


class LedgerError(SpeakerdError, OSError):
    """The file in which spending is booked is missing, or cannot be read."""


class BrokerError(SpeakerdError, OSError):
    """The home's message broker cannot be reached, refuses us, or does what no broker should."""


class RefusedError(ControlError):
    """The running daemon was reached, and did not do what it was asked."""


class ProtocolError(SpeakerdError, ValueError):
    """A peer sent something that is not the Realtime protocol."""


class ToolError(SpeakerdError):
    """A tool cannot do what was asked; the sentence is told to the model."""


class ToolServerError(SpeakerdError, OSError):
    """A server of tools cannot be reached, or broke off; what it was asked may have been done."""


class NotSentError(ToolServerError):
    """A server of tools was not reached, or did not take what it was asked: nothing was done."""


class NoSuchPageError(ToolServerError):
    """There is a web server, but no server of tools at its address."""


class SpeechError(SpeakerdError, OSError):
    """A speech program is missing or failed."""
