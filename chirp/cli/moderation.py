"""`chirp invite`, `chirp flag`, and who waits for approval: moderation from the shell."""

from __future__ import annotations

from pathlib import Path

import click

from chirp.cli.output import Output, json_option
from chirp.cli.running import run
from chirp.cli.users import data_option, moment, opened, username_argument
from chirp.commands import MAX_INVITE_DAYS, MAX_INVITE_USES, Because, CreateInvite
from chirp.model import Flag, Invite, InviteId, TweetId
from chirp.pages import MAX_PAGE, ReadActions
from chirp.readers.roles import OPERATOR
from chirp.services.moderation import FlagState
from chirp.views import FlagView, NewInvite

note_option = click.option("--note", default="", help="Why, for the trail.")


# -- who waits ------------------------------------------------------------------------------


@click.command("approve", epilog="Example: chirp user approve ada")
@username_argument
@note_option
@data_option
def approve_user(username: str, note: str, data: Path) -> None:
    """Let somebody in who waits for approval; their key works from then on."""

    async def work() -> None:
        async with opened(data) as chirp:
            await chirp.registrations.approve(OPERATOR, username, Because(note))

    run(work())
    Output().say(f"{username} is let in")


@click.command("reject", epilog="Example: chirp user reject robot77")
@username_argument
@note_option
@data_option
def reject_user(username: str, note: str, data: Path) -> None:
    """Turn somebody away who waits for approval; their name and e-mail are free again."""

    async def work() -> None:
        async with opened(data) as chirp:
            await chirp.registrations.reject(OPERATOR, username, Because(note))

    run(work())
    Output().say(f"{username} is turned away")


# -- invites --------------------------------------------------------------------------------


@click.group("invite", epilog="Example: chirp invite create --uses 5 --days 14")
def invite_group() -> None:
    """Look after invites, while the server is stopped."""


@invite_group.command("create", epilog="Example: chirp invite create --uses 5 --days 14")
@click.option(
    "--uses",
    type=click.IntRange(1, MAX_INVITE_USES),
    default=1,
    show_default=True,
    help="How many people it lets in.",
)
@click.option(
    "--days",
    type=click.IntRange(1, MAX_INVITE_DAYS),
    default=7,
    show_default=True,
    help="After how many days it expires.",
)
@data_option
@json_option
def create_invite(uses: int, days: int, data: Path, as_json: bool) -> None:
    """Make an invite; its code is shown this once."""

    async def work() -> NewInvite:
        async with opened(data) as chirp:
            return await chirp.registrations.create_invite(OPERATOR, CreateInvite(uses, days))

    made = run(work())
    figures = {
        "invite_id": str(made.invite.invite_id),
        "code": made.code,
        "uses": made.invite.most_uses,
        "expires": moment(made.invite.expires_at),
    }
    Output(as_json=as_json).report("Invite", figures)


@invite_group.command("list", epilog="Example: chirp invite list")
@data_option
@json_option
def list_invites(data: Path, as_json: bool) -> None:
    """List all invites, newest first; codes are not kept and cannot be shown."""

    async def work() -> list[Invite]:
        async with opened(data) as chirp:
            return await chirp.registrations.invites(OPERATOR)

    columns = ("invite_id", "created", "expires", "uses", "most_uses")
    rows = [
        (str(i.invite_id), moment(i.created_at), moment(i.expires_at), i.uses, i.most_uses)
        for i in run(work())
    ]
    Output(as_json=as_json).rows("Invites", columns, rows)


@invite_group.command("revoke", epilog="Example: chirp invite revoke 117667410676678656")
@click.argument("invite_id", type=click.IntRange(min=1))
@data_option
def revoke_invite(invite_id: int, data: Path) -> None:
    """Make an invite worthless; whoever came by it stays."""

    async def work() -> None:
        async with opened(data) as chirp:
            await chirp.registrations.revoke_invite(OPERATOR, InviteId(invite_id))

    run(work())
    Output().say(f"invite {invite_id} is revoked")


# -- flags ----------------------------------------------------------------------------------


@click.group("flag", epilog="Example: chirp flag list --state open")
def flag_group() -> None:
    """Look at what filters have flagged, while the server is stopped."""


@flag_group.command("list", epilog="Example: chirp flag list --state all")
@click.option(
    "--state",
    type=click.Choice([state.value for state in FlagState]),
    default=FlagState.OPEN.value,
    show_default=True,
    help="Which flags.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_PAGE),
    default=MAX_PAGE,
    show_default=True,
    help="How many, newest tweets first.",
)
@data_option
@json_option
def list_flags(state: str, limit: int, data: Path, as_json: bool) -> None:
    """List flagged tweets, newest first."""

    async def work() -> list[FlagView]:
        async with opened(data) as chirp:
            command = ReadActions(limit)
            return (await chirp.moderation.flags(OPERATOR, command, FlagState(state))).items

    columns = ("flag_id", "username", "raised", "state", "reasons", "content", "note")
    Output(as_json=as_json).rows("Flags", columns, [_flag_row(view) for view in run(work())])


def _flag_row(view: FlagView) -> tuple[object, ...]:
    flag: Flag = view.flag
    return (
        str(flag.tweet_id),
        None if view.author is None else view.author.username,
        moment(flag.raised_at),
        "open" if flag.closed_by is None else "closed",
        "; ".join(reason.words for reason in flag.reasons),
        None if view.tweet is None else view.tweet.content,
        flag.note,
    )


@flag_group.command("close", epilog='Example: chirp flag close 117667410676678656 --note "no spam"')
@click.argument("flag_id", type=click.IntRange(min=1))
@note_option
@data_option
def close_flag(flag_id: int, note: str, data: Path) -> None:
    """Close a flag; its tweet stays as it is."""

    async def work() -> None:
        async with opened(data) as chirp:
            await chirp.moderation.close_flag(OPERATOR, TweetId(flag_id), Because(note))

    run(work())
    Output().say(f"flag {flag_id} is closed")
