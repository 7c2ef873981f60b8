"""The blind test: two texts on one brief, one of them yours, and the score of how often you can tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from nicegui import events, run, ui

from twin.workspace import Workspace
from webui import parts, theme
from webui.access.door import Door
from webui.client import Client, blind
from webui.client.blind import Round, Score

_ENOUGH = 20


@dataclass(slots=True)
class Table:
    """What lies on this tab's table: the question, and the answer once it is given."""

    round: Round | None = None
    answered: bool = False
    choice: int | None = None


def register(door: Door) -> None:
    """Serve the page at `/evaluation/blind`."""

    async def page() -> None:
        client = door.enter()
        with theme.frame(client, "/evaluation", "Which one did you write?", "Same brief, two texts. One is your own."):
            params, error = client.params_or_error()
            if params is None:
                if error:
                    parts.note("bad", error)
                parts.empty("o_quiz", "No twin yet", "Begin with a name and a source.", "Begin", "/")
                return
            await _test(client, client.workspace(params.author.id))

    theme.page("/evaluation/blind")(page)


async def _test(client: Client, work: Workspace) -> None:
    table = Table()
    box = ui.element("div").classes("stack wide").props('aria-live="polite"')

    async def next_round() -> None:
        table.round = await run.io_bound(blind.current, client.settings, work)
        table.answered, table.choice = False, None
        await draw()

    async def answer(choice: int | None) -> None:
        if table.round is None or table.answered:
            return
        await run.io_bound(blind.answer, client.settings, work, table.round, choice)
        table.answered, table.choice = True, choice
        await (next_round() if choice is None else draw())

    async def draw() -> None:
        found = await run.io_bound(blind.score, client.settings, work)
        if found is None:  # The server is stopping.
            return
        box.clear()
        with box:
            _score(found)
            if table.round is None:
                _over(client, work, found, next_round)
                return
            parts.text(f"The brief: {table.round.brief}", "lead")
            _texts(table, answer)
            with ui.element("div").classes("line"):
                if table.answered:
                    parts.go("Next", next_round, icon="o_arrow_forward")
                    parts.text("or press Enter", "soft small phone-off")
                else:
                    parts.quiet("I remember this one", lambda: answer(None))
                    parts.text("Keys: 1 for the left, 2 for the right, 0 to skip", "soft small phone-off")

    async def pressed(key: events.KeyEventArguments) -> None:
        if not key.action.keydown or key.action.repeat or key.modifiers:
            return
        if table.answered and key.key in ("Enter", "n"):
            await next_round()
        elif key.key in ("1", "2"):
            await answer(int(str(key.key)) - 1)
        elif key.key == "0":
            await answer(None)

    ui.keyboard(on_key=pressed)
    await next_round()
    ui.link("Back to the evaluation", "/evaluation").classes("small")


def _texts(table: Table, answer: Callable[[int | None], Awaitable[None]]) -> None:
    assert table.round is not None
    with ui.element("div").classes("duel"):
        for place, words in enumerate(table.round.texts):
            own = place == table.round.own
            with ui.element("article").classes("side yours" if table.answered and own else "side") as side:
                side.props(f'aria-label="Text {place + 1}"')
                if table.answered:
                    with ui.element("div").classes("line"):
                        parts.chip("You wrote this" if own else "Your twin wrote this", "good" if own else "")
                        if place == table.choice:
                            parts.chip("your choice", "good" if own else "warn")
                parts.text(words, "words").props('tabindex="0"')
                if not table.answered:
                    button = parts.quiet("I wrote this one", partial(answer, place))
                    button.props(f'aria-label="I wrote text {place + 1}"').mark(f"choose-{place}")


def _score(found: Score) -> None:
    if not found.asked:
        return
    share = found.right / found.asked
    with ui.element("section").classes("figures").props('aria-label="The score"'):
        parts.figure("You found your own", f"{found.right} of {found.asked}", f"{share:.0%} ({_range(found)})")
        parts.figure("A coin finds", "50%", _verdict(found))
        parts.figure("Left to ask", f"{found.left}", f"{found.skipped} skipped" if found.skipped else "")


def _range(found: Score) -> str:
    return f"{found.low:.0%} to {found.high:.0%}"


def _verdict(found: Score) -> str:
    if found.low > 0.5:
        return "you can tell the two apart"
    if found.asked < _ENOUGH:
        return f"after {_ENOUGH} answers this says something"
    return "you can’t tell the two apart" if found.high < 0.75 else "you may be able to tell"


def _over(client: Client, work: Workspace, found: Score, redo: Callable[[], Awaitable[None]]) -> None:
    if not (found.asked or found.skipped):
        parts.empty(
            "o_quiz",
            "No texts to compare yet",
            "When the twin has been measured, its drafts for your held-out texts are laid beside yours here.",
            "To the training",
            "/train",
        )
        return

    async def once_more() -> None:
        await run.io_bound(blind.again, client.settings, work)
        await redo()

    parts.note("good", "New ones come with the next version.", "You have seen them all")
    parts.quiet("Start over", once_more, icon="o_refresh").style("align-self: start")


def headline(found: Score) -> str:
    """The score in one line, for the evaluation page; empty while nothing was asked."""
    return f"You found your own text {found.right} of {found.asked} times ({_range(found)})" if found.asked else ""
