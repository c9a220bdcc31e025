"""What moderators see, as dictionaries: rare and small, so nothing is spliced."""

from __future__ import annotations

from typing import Any

from chirp.api.render import Renderer
from chirp.http.times import render_time
from chirp.model import SHELL, Invite, User, UserId
from chirp.views import ActionView, Applicant, FlagView


def person_fields(renderer: Renderer, user: User) -> dict[str, Any]:
    """Return somebody as a moderator sees them."""
    return renderer.short_user_fields(user) | {
        "suspended": user.suspended,
        "created_at": render_time(user.created_at),
    }


def applicant_fields(renderer: Renderer, applicant: Applicant) -> dict[str, Any]:
    """Return somebody who waits for approval."""
    return person_fields(renderer, applicant.user) | {"email": applicant.email}


def invite_fields(invite: Invite) -> dict[str, Any]:
    """Return what is shown of an invite: never its code."""
    return {
        "invite_id": str(invite.invite_id),
        "created_by": _id(invite.created_by),
        "created_at": render_time(invite.created_at),
        "expires_at": render_time(invite.expires_at),
        "uses": invite.uses,
        "most_uses": invite.most_uses,
    }


def flag_fields(renderer: Renderer, view: FlagView) -> dict[str, Any]:
    """Return a flag with its tweet's text and author; null where they are gone."""
    flag = view.flag
    return {
        "flag_id": str(flag.tweet_id),
        "tweet_id": str(flag.tweet_id),
        "content": None if view.tweet is None else view.tweet.content,
        "user_id": str(flag.author_id),
        "user": None if view.author is None else person_fields(renderer, view.author),
        "reasons": [{"filter": each.filter, "reason": each.words} for each in flag.reasons],
        "raised_at": render_time(flag.raised_at),
        "state": "open" if flag.closed_by is None else "closed",
        "closed_by": None if view.closer is None else renderer.short_user_fields(view.closer),
        "closed_at": render_time(flag.closed_at),
        "note": flag.note,
    }


def action_fields(renderer: Renderer, view: ActionView) -> dict[str, Any]:
    """Return a line of the trail; `actor_id` is null for the operator's shell."""
    action = view.action
    return {
        "action_id": str(action.action_id),
        "action": action.kind.name.lower(),
        "actor_id": _id(action.actor_id),
        "actor": None if view.actor is None else renderer.short_user_fields(view.actor),
        "subject_id": str(action.subject_id),
        "username": action.username or None,
        "at": render_time(action.at),
        "note": action.why,
    }


def _id(user_id: UserId) -> str | None:
    return None if user_id == SHELL else str(user_id)
