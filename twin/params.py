"""params.yaml as frozen, strict values: the only place where a run's choices are read."""

from __future__ import annotations

import difflib
import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from twin.errors import ParamsError


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Author(_Strict):
    """Whose twin this is. `id` names folders and adapters: lower case, digits and dashes."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    name: str
    language: str = "en"
    fictional: bool = False


class SourceSpec(_Strict):
    """One source: `path` is relative to the author's inbox; `url` or `user` names a place on the network.

    `columns` names a table's columns (jsonl). For `rss` and `blog`, `user` keeps only what is signed with that name; for
    `wordpress` and `ghost` it names the writer, where several write there (several parted by commas, `*` for all).
    `texts` chooses what is collected of a GitHub user; without it: profile, readmes, docs, gists and issues.
    """

    kind: Literal[
        "linkedin", "medium", "substack", "github", "rss", "blog", "x", "mastodon", "wordpress", "ghost", "files",
        "jsonl", "paste",
    ]  # fmt: skip
    path: str | None = None
    url: str | None = None
    user: str | None = None
    register_as: Literal["post", "article", "note", "readme", "reply"] | None = None
    texts: tuple[
        Literal["profile", "readmes", "docs", "gists", "releases", "issues", "discussions", "comments"], ...
    ] | None = None  # fmt: skip
    columns: dict[
        Literal["id", "title", "date", "text", "url", "register", "provenance", "complete"], str
    ] | None = None  # fmt: skip

    @model_validator(mode="after")
    def _has_a_place(self) -> SourceSpec:
        if not (self.path or self.url or self.user):
            raise ValueError("a source needs one of path, url, user")
        return self


class Collect(_Strict):
    """How sources are read. `sample_site` starts the sample author's loopback site and fills `{sample_site}`.

    `allow_loopback` lets the crawler ask this machine (for tests); `max_wait_seconds` bounds the wait that a site's rate
    limit asks for. `prune` drops what was deleted at its source since it was collected.
    """

    sample_site: bool = False
    allow_loopback: bool = False
    max_wait_seconds: float = Field(default=300.0, ge=0)
    contact: str = ""
    delay_seconds: float = Field(default=1.0, ge=0)
    timeout_seconds: float = Field(default=30.0, gt=0)
    max_archive_mb: int = Field(default=2048, gt=0)
    prune: bool = False


class Prepare(_Strict):
    """What happens to texts before anything learns from them.

    `quotes` and `code` say what becomes of others' words and of fenced code: `drop` them, `keep` them (the twin learns
    to write them, too), or `mark` their place with `[…]` (a draft may then hold such marks); a text of whose words
    fewer than `own_share` are own is set aside. `near_duplicate` is the MinHash similarity from which two texts are
    one, `edited_copy` the same for texts of two sources. `own_contacts` (addresses, `@domain`, telephone numbers) are
    never masked. `languages` lists what is learned from; empty is all.
    """

    min_words: int = Field(default=20, ge=1)
    near_duplicate: float = Field(default=0.8, gt=0, le=1)
    edited_copy: float = Field(default=0.5, gt=0, le=1)
    quotes: Literal["keep", "mark", "drop"] = "drop"
    code: Literal["keep", "mark", "drop"] = "drop"
    own_share: float = Field(default=0.5, ge=0, le=1)
    languages: tuple[str, ...] = ()
    mask: tuple[Literal["email", "phone", "iban", "credit_card", "ip", "secret"], ...] = (
        "email", "phone", "iban", "credit_card", "secret",
    )  # fmt: skip
    own_contacts: tuple[str, ...] = ()
    provenances: tuple[Literal["own", "quoted", "ai_assisted", "machine"], ...] = ("own",)


class Validate(_Strict):
    """When a stage refuses its input: the share of rejected rows, and the words an author needs."""

    max_rejected: float = Field(default=0.2, ge=0, le=1)
    min_words: int = Field(default=2000, ge=1)


class Features(_Strict):
    """Chunks and their embeddings. Lengths are in words."""

    embedder: str = "bundled"
    chunk_words: int = Field(default=90, ge=10)
    overlap_words: int = Field(default=15, ge=0)


class Mix(_Strict):
    """Of the training texts, the share that is asked for in one more way; each is asked for by its brief already."""

    facts: float = Field(default=0.3, ge=0, le=1)
    outline: float = Field(default=0.15, ge=0, le=1)
    rewrite: float = Field(default=0.1, ge=0, le=1)
    continuation: float = Field(default=0.15, ge=0, le=1)


class Dataset(_Strict):
    """The split by document and time, and what is asked of each text.

    `summaries` bounds how many texts the base model sums up for briefs; an endpoint that is set in the environment
    writes them all.
    """

    train_share: float = Field(default=0.7, gt=0, lt=1)
    validation_share: float = Field(default=0.15, gt=0, lt=1)
    max_tokens: int = Field(default=512, ge=64)
    mix: Mix = Mix()
    summaries: int = Field(default=0, ge=0)
    seed: int = 7


class Preference(_Strict):
    """Preference tuning after fine-tuning, by DPO with an SFT term; `epochs` 0 leaves it out.

    `texts` training texts are asked for again, of the fine-tuned and of the base model, up to `tries` times each until
    a sample may stand as the rejected text; the person's own edits are learned from beside them. `beta` is DPO's;
    `sft_weight` weighs the chosen texts' likelihood against the preference.
    """

    epochs: float = Field(default=0.0, ge=0)
    texts: int = Field(default=100, ge=0)
    tries: int = Field(default=3, ge=1)
    learning_rate: float = Field(default=5e-5, gt=0)
    beta: float = Field(default=0.1, gt=0)
    sft_weight: float = Field(default=1.0, ge=0)


class Train(_Strict):
    """LoRA fine-tuning. `token_budget` bounds the tokens learned from in all epochs together; 0 is no bound.

    With `packed_tokens`, examples are packed end to end into rows of so many tokens, and `batch_size` and
    `micro_batch_size` count rows; 0 batches examples of like length. `gradient_checkpointing` (less memory, a third
    more work) and `compile` count on a GPU alone.
    """

    base_model: str = "bundled"
    processes: int = Field(default=1, ge=1)
    epochs: float = Field(default=3.0, gt=0)
    token_budget: int = Field(default=0, ge=0)
    learning_rate: float = Field(default=5e-4, gt=0)
    warmup_share: float = Field(default=0.05, ge=0, lt=1)
    batch_size: int = Field(default=8, ge=1)
    micro_batch_size: int = Field(default=4, ge=1)
    packed_tokens: int = Field(default=0, ge=0)
    gradient_checkpointing: bool = True
    compile: bool = True
    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    zero_stage: Literal[0, 1, 2, 3] = 2
    evals_per_epoch: int = Field(default=2, ge=1)
    patience: int = Field(default=3, ge=1)
    seed: int = 7
    preference: Preference = Preference()


class Evaluate(_Strict):
    """What is generated and measured on held-out texts; `likelihood_tokens` bounds what is scored of long ones.

    `seeds` is how many texts a candidate adapter writes for a brief. `impostors` names further authors to tell the
    person from, beside the shipped ones: folders of texts, JSONL files, other authors' documents.parquet.
    `wrong_author` is such a place whose texts teach the control adapter (empty: the impostors' texts);
    `wrong_author_tokens` bounds that training, 0 leaves the control out. `judge_pairs` is how many pairs an outside
    model compares, where settings name one.
    """

    briefs: int = Field(default=40, ge=2)
    seeds: int = Field(default=2, ge=1)
    likelihood_tokens: int = Field(default=30_000, ge=1000)
    pool: int = Field(default=10, ge=1)
    max_new_tokens: int = Field(default=480, ge=16)
    temperature: float = Field(default=0.8, ge=0)
    min_p: float = Field(default=0.1, ge=0, le=1)
    repetition_penalty: float = Field(default=1.05, ge=1)
    impostors: tuple[str, ...] = ()
    wrong_author: str = ""
    wrong_author_tokens: int = Field(default=20_000, ge=0)
    judge_pairs: int = Field(default=20, ge=0)
    bootstrap: int = Field(default=1000, ge=100)
    copy_tokens: int = Field(default=12, ge=3)
    seed: int = 7


class Gate(_Strict):
    """When a challenger becomes champion. Shares are fractions of one; `max_loss` is allowed on content and fluency."""

    min_bits_per_byte_gain: float = 0.02
    max_copy_share: float = 0.02
    max_loss: float = Field(default=0.02, ge=0, le=1)
    max_style_regression: float = 0.0


class Serve(_Strict):
    """How drafts are made. `prompt_tokens` bounds facts and exemplars: what is read first is waited for."""

    facts: int = Field(default=3, ge=0)
    exemplars: int = Field(default=2, ge=0)
    max_new_tokens: int = Field(default=480, ge=16)
    temperature: float = Field(default=0.7, ge=0)
    context_tokens: int = Field(default=4096, ge=512)
    prompt_tokens: int = Field(default=640, ge=128)
    max_in_flight: int = Field(default=24, ge=1)
    deadline_seconds: float = Field(default=180.0, gt=0)


class Monitor(_Strict):
    """What is logged of each request, and when drafts and requests count as drifted.

    `text` says what the log holds of briefs and drafts: `full`, `redacted` (personal data masked) or `none` (hashes and
    measures alone); `keep_days` bounds how long. `window` is how many of the newest drafts are looked at. `false_alarms`
    is the share of whole reports that may alarm though nothing changed. An alarm in one of `retrain_on` calls for new
    training, at most once in `cooldown_days`.
    """

    text: Literal["full", "redacted", "none"] = "full"
    keep_days: int = Field(default=365, ge=1)
    min_requests: int = Field(default=30, ge=10)
    window: int = Field(default=200, ge=10)
    false_alarms: float = Field(default=0.05, gt=0, le=0.5)
    retrain_on: tuple[Literal["voice", "requests", "answers", "verdicts", "documents"], ...] = ("voice",)
    cooldown_days: float = Field(default=7.0, ge=0)


class Cluster(_Strict):
    """Where the pipelines run when they run on Kubernetes.

    `service` is the InferenceService to deploy to, '' for none; `pipelines` the address of the KFP API server.
    `nodes` 0 trains in the pipeline's own pod; n submits a TrainJob of n nodes, `train.processes` processes on each;
    `queue` is the Kueue queue it waits in, '' for none. With `canary_percent` above 0 a new version first stands
    beside the old one and takes that share of the traffic for `canary_seconds`; 0 replaces the old one at once and
    goes back when the new one does not answer.
    """

    namespace: str = Field(default="twin", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    service: str = "twin"
    pipelines: str = "http://ml-pipeline.kubeflow:8888"
    nodes: int = Field(default=0, ge=0)
    gpus: int = Field(default=0, ge=0)
    runtime: str = "twin-torch"
    queue: str = ""
    canary_percent: int = Field(default=0, ge=0, le=50)
    canary_seconds: int = Field(default=600, ge=0, le=86_400)
    timeout_minutes: int = Field(default=720, ge=1)


class Params(_Strict):
    """All of params.yaml."""

    author: Author
    sources: tuple[SourceSpec, ...] = ()
    collect: Collect = Collect()
    prepare: Prepare = Prepare()
    validate_: Validate = Field(default=Validate(), alias="validate")
    features: Features = Features()
    dataset: Dataset = Dataset()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    gate: Gate = Gate()
    serve: Serve = Serve()
    monitor: Monitor = Monitor()
    cluster: Cluster = Cluster()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, spelled as in params.yaml."""
        return self.model_dump(mode="json", by_alias=True)

    def flat(self) -> dict[str, Any]:
        """Dotted keys to scalars (lists as JSON), as experiment trackers want them."""
        return dict(_flatten("", self.as_dict()))

    def fingerprint(self) -> str:
        """SHA-256 of the values: the same for the same choices, whatever the file's layout."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()


def _flatten(prefix: str, value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return [(prefix, json.dumps(value) if isinstance(value, list) else value)]
    return [pair for key, inner in value.items() for pair in _flatten(f"{prefix}.{key}" if prefix else key, inner)]


def load(path: Path) -> Params:
    """Read params.yaml; raises ParamsError naming the file, the key and the nearest known key."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParamsError(
            "there is no params file",
            path,
            "Make one with `twin init --sample` or `twin init --author NAME --from PATH`.",
        ) from None
    return loads(text, str(path))


def loads(text: str, where: str = "params.yaml") -> Params:
    """Parse the text of a params.yaml; raises ParamsError as `load` does."""
    try:
        data = yaml.safe_load(text)
    # A date that is none and braces without an end leave PyYAML by other ways than its own errors.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ParamsError(f"{where} is not YAML", str(error).replace("\n", " "), "Mend the line it names.") from None
    if not isinstance(data, dict):
        raise ParamsError(f"{where} holds no mapping", type(data).__name__, "Begin with `author:`.")
    try:
        return Params.model_validate(data)
    except ValidationError as error:
        raise ParamsError(
            f"{where}: " + "; ".join(_explain(e) for e in error.errors()), mend="Mend these keys."
        ) from None


def _explain(error: Any) -> str:
    loc = error["loc"]
    key = ".".join(str(part) for part in loc)
    if error["type"] != "extra_forbidden":
        return f"{key} = {error.get('input')!r}: {error['msg']}"
    known = _known_keys(loc[:-1])
    near = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.4)
    hint = f"; the nearest known key is {near[0]!r}" if near else f"; known keys are {', '.join(sorted(known))}"
    return f"unknown key {key!r}{hint}"


def _known_keys(loc: tuple[Any, ...]) -> list[str]:
    model: Any = Params
    for part in loc:
        if isinstance(part, int):
            continue
        field = next(f for n, f in model.model_fields.items() if part in (n, f.alias))
        model = SourceSpec if part == "sources" else field.annotation
    return [f.alias or n for n, f in model.model_fields.items()]
