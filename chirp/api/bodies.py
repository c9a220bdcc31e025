"""The typed bodies of the native API, and the commands that they become."""

from __future__ import annotations

from chirp.commands import (
    Because,
    CreateInvite,
    CreateKey,
    EditProfile,
    EditTweet,
    PostTweet,
    Register,
    SignIn,
    check_limit,
    parse_content,
    post_tweet,
)
from chirp.errors import Invalid
from chirp.http.body import Body
from chirp.http.paging import parse_id
from chirp.model import TweetId

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
        for media_id in self.media_ids:
            parse_id(str(media_id), "media_ids")
            raise Invalid("unknown id in media_ids: there is no media yet", field="media_ids")
        return post_tweet(
            self.tweet_data,
            max_weight,
            in_reply_to=_tweet_id(self.in_reply_to_tweet_id, "in_reply_to_tweet_id"),
            quote_of=_tweet_id(self.quote_of_tweet_id, "quote_of_tweet_id"),
            tweet_location=self.tweet_location,
            user_location=self.user_location,
            lang=self.lang,
        )


def _tweet_id(value: Id | None, field: str) -> TweetId | None:
    # Forms send fields that were left empty.
    return None if value is None or value == "" else TweetId(parse_id(str(value), field))


class EditTweetBody(Body):
    """PATCH /tweets/{id}."""

    tweet_data: str = ""

    def command(self, tweet_id: TweetId, max_weight: int) -> EditTweet:
        """Return the command. Raises: Invalid."""
        return EditTweet(tweet_id, parse_content(self.tweet_data, max_weight))


class ProfileBody(Body):
    """PATCH /users/me: what is left out stays as it is."""

    username: str | None = None
    name: str | None = None
    bio: str | None = None
    location: str | None = None
    date_of_birth: str | None = None
    email: str | None = None
    new_password: str | None = None
    password: str | None = None

    def command(self) -> EditProfile:
        """Return the command. Raises: Invalid."""
        if self.username is not None:
            raise Invalid("a username cannot be changed", field="username")
        return EditProfile(
            self.name,
            self.bio,
            self.location,
            self.date_of_birth,
            self.email,
            self.new_password,
            self.password,
        )


class PasswordBody(Body):
    """DELETE /users/me."""

    password: str = ""
