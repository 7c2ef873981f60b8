"""Look for secrets in the files that git holds: `python tools/secret_scan.py`; offline, with detect-secrets' own detectors."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Found by their form alone. Detectors of mere randomness or of the word "password" cry at every test and every hash.
PLUGINS = (
    "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "CloudantDetector", "DiscordBotTokenDetector",
    "GitHubTokenDetector", "GitLabTokenDetector", "JwtTokenDetector", "MailchimpDetector", "NpmDetector", "OpenAIDetector",
    "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector", "SquareOAuthDetector", "StripeDetector",
    "TelegramBotTokenDetector", "TwilioKeyDetector",
)  # fmt: skip
# Detectors and redaction are tested with what looks like a secret: these files may hold such, and say so.
MADE_UP = re.compile(r"^(tests/|bench/|docs/people\.md|examples/sample_author/)")
# A made-up password for a database that exists for one trial of the manifests.
KNOWN = {("images/kube_play.py", "Basic Auth Credentials")}
_BINARY = {".png", ".svg", ".gz", ".zip", ".gguf", ".ico", ".woff2"}


def findings(paths: list[Path]) -> list[str]:
    """`file:line kind` for each that looks like a secret; the secret itself is never printed."""
    from detect_secrets.core import scan
    from detect_secrets.settings import transient_settings

    found = []
    with transient_settings({"plugins_used": [{"name": name} for name in PLUGINS]}):
        for path in paths:
            name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
            seen = [secret for secret in scan.scan_file(str(path)) if (name, secret.type) not in KNOWN]
            found += [f"{name}:{secret.line_number} {secret.type}" for secret in seen]
    return found


def main() -> int:
    """1 and a line each when there are any."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    names = [
        name for name in listed.split("\0") if name and not MADE_UP.match(name) and Path(name).suffix not in _BINARY
    ]
    found = findings([ROOT / name for name in names if (ROOT / name).is_file()])
    for line in found:
        print(line)
    print(f"{len(names)} files, {len(found)} that look like secrets", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
