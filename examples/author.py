"""Who the sample author is to each place that keeps her texts: names, ids and addresses, all invented."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SAMPLE: Final = Path(__file__).parent / "sample_author"

NAME: Final = "Juno Marsh"
EMAIL: Final = "juno@northquay.example"

LINKEDIN_MEMBER_ID: Final = "240817355"
MEDIUM_USER: Final = "@juno.marsh.fictional"
MEDIUM_USER_ID: Final = "a2c94f07be61"
GITHUB_USER: Final = "juno-marsh"
GITHUB_USER_ID: Final = 90417755
SUBSTACK_PUBLICATION_ID: Final = 2190463
SUBSTACK_TITLE: Final = "Slack Water"

# Addresses end in .example, which nobody can register: a fictional person's links lead to no real one's page.
MEDIUM_HOME: Final = "https://long.northquay.example"
SUBSTACK_HOME: Final = "https://slackwater.northquay.example"
GITHUB_HOME: Final = "https://code.northquay.example"
