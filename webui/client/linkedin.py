"""LinkedIn's official Posts API with the person's own token: who they are, and one text published."""

from __future__ import annotations

import re
from typing import Any

import httpx

from twin import hosts, vault
from twin.errors import NetworkError
from twin.files import read_json
from twin.settings import Settings
from twin.text.platforms import problems, shown

_VERSION = "202510"
# Signs that LinkedIn's “little text” format reads as markup; the # of a hashtag is meant as one.
_RESERVED = re.compile(r"([\\|{}@\[\]()<>*_~]|#(?!\w))")


def token(settings: Settings) -> str:
    """The person's token: of the environment (LINKEDIN_POST_TOKEN), or the one they gave on the page; "" without one."""
    clear = settings.private / "linkedin.json"
    if clear.exists():  # of a version that kept it unencrypted
        keep_token(settings, str(read_json(clear).get("token", "")))
        clear.unlink()
    return settings.linkedin_post_token or vault.token(settings, "linkedin_post")


def keep_token(settings: Settings, value: str) -> None:
    """Keep the token on this machine, encrypted; an empty one is forgotten."""
    vault.keep(settings, "linkedin_post", value)


async def publish(settings: Settings, text: str) -> str:
    """Post the text in the person's name, to everybody; the post's address. Raises NetworkError in plain words."""
    own = token(settings)
    if not own:
        raise NetworkError(
            "there is no LinkedIn token", None, "Paste one with the scopes openid, profile and w_member_social."
        )
    if wrong := problems(text, "linkedin"):
        raise NetworkError(wrong[0], None, "Make it shorter first.")
    headers = {
        "Authorization": f"Bearer {own}", "LinkedIn-Version": _VERSION, "X-Restli-Protocol-Version": "2.0.0",
    }  # fmt: skip
    try:
        async with httpx.AsyncClient(
            base_url=hosts.check("publishing", settings.linkedin_url), headers=headers, timeout=30, trust_env=True
        ) as http:
            person = _checked(await http.get("/v2/userinfo")).json()["sub"]
            answer = _checked(await http.post("/rest/posts", json=_body(person, shown(text, "linkedin")[0])))
    except httpx.HTTPError as error:
        raise NetworkError(
            "LinkedIn does not answer", type(error).__name__, "Try again later; the text is kept."
        ) from None
    except (ValueError, KeyError):
        raise NetworkError(
            "LinkedIn did not say whose token it is", None, "It needs the scopes openid and profile."
        ) from None
    return f"https://www.linkedin.com/feed/update/{answer.headers.get('x-restli-id', '')}/"


def _body(person: str, text: str) -> dict[str, Any]:
    return {
        "author": f"urn:li:person:{person}", "commentary": _RESERVED.sub(r"\\\1", text), "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED", "isReshareDisabledByAuthor": False,
    }  # fmt: skip


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.status_code in (401, 403):
        raise NetworkError(
            "LinkedIn refuses the token", answer.status_code, "Make a new one with w_member_social, openid, profile."
        )
    if answer.status_code == 429:
        raise NetworkError(
            "LinkedIn asks to wait", answer.status_code, "Its daily limit is reached: try again tomorrow."
        )
    if answer.status_code >= 400:
        raise NetworkError(
            "LinkedIn refused the post", f"{answer.status_code}: {answer.text[:200]}", "The text is kept."
        )
    return answer
