"""The one tree of errors a person can see: each names the thing, its value and the mend."""

from __future__ import annotations

from twin.redact import struck


class TwinError(Exception):
    """What went wrong, with which value, and how to mend it.

    `str(error)` is one readable paragraph: ``thing: value. Mend: mend``, with secrets struck out.
    """

    exit_code = 2

    def __init__(self, thing: str, value: object = None, mend: str = "") -> None:
        self.thing, self.value, self.mend = thing, value, mend
        text = thing if value is None else f"{thing}: {value}"
        super().__init__(struck(f"{text}. {mend}" if mend else text))


class ParamsError(TwinError):
    """params.yaml holds an unknown key, a missing key or a value of the wrong kind."""


class SettingsError(TwinError):
    """A variable of the environment holds a value that can't be used."""


class SourceError(TwinError):
    """A source can't be read: a missing archive, an unreadable file, a refused request."""


class NetworkError(SourceError):
    """A source or service on the network did not answer."""


class AccountError(TwinError):
    """An account, a login or a kept token is not as it must be."""


class DataError(TwinError):
    """Rows at a stage boundary break the contract, or a stage's input is missing."""


class CorpusTooSmall(DataError):
    """There is too little own text to work with."""

    def __init__(self, words: int, needed: int, where: object) -> None:
        super().__init__(
            f"{needed:,} words of the author's own text are needed and there are {words:,}",
            where,
            "Add a source (`twin init --from …`, or the Sources page) or lower validate.min_words in params.yaml.",
        )


class StoreError(TwinError):
    """Feast, Postgres or pgvector refused or is away."""


class ModelError(TwinError):
    """A base model, embedder or adapter can't be found or loaded."""


class TrainingError(TwinError):
    """Training could not run to its end."""


class EvaluationError(TwinError):
    """The evaluation could not be made."""


class RegistryError(TwinError):
    """MLflow refused or is away."""


class ServingError(TwinError):
    """The predictor or the transformer could not answer."""


class PortTaken(TwinError):
    """Another program listens where a service wants to."""

    def __init__(self, port: int, service: str, setting: str) -> None:
        super().__init__(
            f"the {service}'s port is taken", port, f"Stop the other program or set {setting} to a free port."
        )


class StackError(TwinError):
    """A process of the local stack did not start or did not stop."""


class ClusterError(TwinError):
    """The Kubernetes cluster is away, lacks something or refused."""
