"""The typed bodies of the native API, and the commands that they become."""

from __future__ import annotations

from chirp.commands import (
    Because,
    CreateInvite,
    CreateKey,
    PostTweet,
    Register,
    SignIn,
    check_limit,
    post_tweet,
)
from chirp.errors import Invalid
from chirp.http.body import Body
from chirp.http.paging import parse_id

Id = int | str


class RegisterBody(Body):
    """POST /users."""

    username: str = ""
    name: str = ""
    email: str = ""
    password: str = ""
    date_of_birth: str | None = None
    invite: str | None = None

    def command(self) -> Register:
        """Return the command. Raises: Invalid."""
        birthday = self.date_of_birth or None
        invite = self.invite or None
        return Register(self.username, self.name, self.email, self.password, birthday, invite)


class SessionBody(Body):
    """POST /sessions."""

    username: str | None = None
    email: str | None = None
    password: str = ""

    def command(self) -> SignIn:
        """Return the command. Raises: Invalid."""
        login = self.username or self.email
        if not login:
            raise Invalid("username or email is missing", field="username")
        return SignIn(login, self.password)


class KeyBody(Body):
    """POST /keys."""

    name: str = ""

    def command(self) -> CreateKey:
        """Return the command. Raises: Invalid."""
        return CreateKey(self.name)


class InviteBody(Body):
    """POST /admin/invites."""

    uses: int = 1
    days: int = 7

    def command(self) -> CreateInvite:
        """Return the command. Raises: Invalid."""
        return CreateInvite(self.uses, self.days)


class NoteBody(Body):
    """What a moderator may say of each deed; it is kept in the trail."""

    note: str = ""

    def command(self) -> Because:
        """Return the command. Raises: Invalid."""
        return Because(self.note)


class TweetBody(Body):
    """POST /tweet."""

    tweet_data: str = ""
    tweet_location: str | None = None
    user_location: str | None = None
    lang: str | None = None
    maximum_results_to_return: int | None = None
    media_ids: tuple[Id, ...] = ()
    in_reply_to_tweet_id: Id | None = None
    quote_of_tweet_id: Id | None = None

    def command(self, max_weight: int) -> PostTweet:
        """Return the command. Raises: Invalid."""
        if self.maximum_results_to_return is not None:
            check_limit(self.maximum_results_to_return)
        self._refuse_unbuilt()
        return post_tweet(
            self.tweet_data,
            max_weight,
            tweet_location=self.tweet_location,
            user_location=self.user_location,
            lang=self.lang,
        )

    def _refuse_unbuilt(self) -> None:
        """Refuse what this version cannot do, rather than drop it silently."""
        for media_id in self.media_ids:
            parse_id(str(media_id), "media_ids")
            raise Invalid("unknown id in media_ids: there is no media yet", field="media_ids")
        for field in ("in_reply_to_tweet_id", "quote_of_tweet_id"):
            value = getattr(self, field)
            if value is not None:
                parse_id(str(value), field)
                raise Invalid(f"{field}: this server has no replies or quotes yet", field=field)
