"""The typed bodies of the native API, and the commands that they become."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from chirp.commands import (
    Because,
    CreateInvite,
    CreateKey,
    EditProfile,
    EditTweet,
    PostTweet,
    Register,
    SignIn,
    parse_content,
    post_tweet,
)
from chirp.errors import Invalid
from chirp.http.body import Body
from chirp.http.paging import parse_id
from chirp.model import MediaId, TweetId
from chirp.pages import check_limit

Id = Annotated[
    int | str,
    Meta(description="1 to 19 digits.", examples=["117503961088000001"]),
]


def _text(description: str, example: str, most: int = 0, least: int = 0) -> Meta:
    """Describe a text. Bounds are said here and held by commands, whose words are better."""
    bounds = {"minLength": least} if least else {}
    bounds |= {"maxLength": most} if most else {}
    return Meta(description=description, examples=[example], extra_json_schema=bounds)


Username = Annotated[
    str,
    Meta(
        description="A name of an account; compares without case.",
        examples=["ada"],
        extra_json_schema={"minLength": 1, "maxLength": 15, "pattern": "^[A-Za-z0-9_]+$"},
    ),
]
Email = Annotated[str, _text("local@domain; shown to nobody else.", "ada@example.org", 254, 3)]
Password = Annotated[str, _text("At least 8 characters.", "correct-horse", 1024, 8)]
Birthday = Annotated[str, _text("YYYY-MM-DD; shown to nobody else.", "1815-12-10")]
Name = Annotated[str, _text("The name that people see.", "Ada Lovelace", 50, 1)]
Invite = Annotated[
    str, Meta(description="The code of an invite, where one is needed.", examples=["ch-3f8a…"])
]
Bio = Annotated[str, Meta(description="A few words.", examples=["I write for engines."])]
Home = Annotated[str, Meta(description="Where they say they are.", examples=["London"])]
OldPassword = Annotated[str, Meta(description="Where the e-mail or the password changes.")]
KeyName = Annotated[str, _text("What the key is for.", "bot", 50, 1)]
TweetText = Annotated[
    str,
    _text("1 to 280 weighted characters; may be empty only with media.", "hello, #world", 0, 1),
]
Place = Annotated[str, _text('A name of a place, or "lat,long"; shown to all.', "London")]
OwnPlace = Annotated[str, _text("The same, shown to the author alone.", "51.5,-0.12")]
Picture = Annotated[
    int | str, Meta(description="The id of an uploaded photo; 0 takes it away.", examples=["0"])
]
AltText = Annotated[str, _text("What it shows, for those who do not see it.", "A cat", 1500)]
Lang = Annotated[str, _text("A language tag.", "en")]


class RegisterBody(Body):
    """POST /users."""

    username: Username = ""
    name: Name = ""
    email: Email = ""
    password: Password = ""
    date_of_birth: Birthday | None = None
    invite: Invite | None = None

    def command(self) -> Register:
        """Return the command. Raises: Invalid."""
        birthday = self.date_of_birth or None
        invite = self.invite or None
        return Register(self.username, self.name, self.email, self.password, birthday, invite)


class SessionBody(Body):
    """POST /sessions."""

    username: Username | None = None
    email: Annotated[Email, Meta(description="In place of the username.")] | None = None
    password: Password = ""

    def command(self) -> SignIn:
        """Return the command. Raises: Invalid."""
        login = self.username or self.email
        if not login:
            raise Invalid("username or email is missing", field="username")
        return SignIn(login, self.password)


class KeyBody(Body):
    """POST /keys."""

    name: KeyName = ""

    def command(self) -> CreateKey:
        """Return the command. Raises: Invalid."""
        return CreateKey(self.name)


class InviteBody(Body):
    """POST /admin/invites."""

    uses: Annotated[int, Meta(description="1 to 10,000 accounts.", examples=[1])] = 1
    days: Annotated[int, Meta(description="Good for 1 to 365 days.", examples=[7])] = 7

    def command(self) -> CreateInvite:
        """Return the command. Raises: Invalid."""
        return CreateInvite(self.uses, self.days)


class NoteBody(Body):
    """What a moderator may say of each deed; it is kept in the trail."""

    note: Annotated[str, Meta(description="Kept in the trail.", examples=["spam"])] = ""

    def command(self) -> Because:
        """Return the command. Raises: Invalid."""
        return Because(self.note)


class TweetBody(Body):
    """POST /tweet."""

    tweet_data: TweetText = ""
    tweet_location: Place | None = None
    user_location: OwnPlace | None = None
    lang: Lang | None = None
    maximum_results_to_return: Annotated[int, Meta(description="Checked and ignored.")] | None = (
        None
    )
    media_ids: tuple[Id, ...] = ()
    in_reply_to_tweet_id: Id | None = None
    quote_of_tweet_id: Id | None = None

    def command(self, max_weight: int) -> PostTweet:
        """Return the command. Raises: Invalid."""
        if self.maximum_results_to_return is not None:
            check_limit(self.maximum_results_to_return)
        return post_tweet(
            self.tweet_data,
            max_weight,
            in_reply_to=_tweet_id(self.in_reply_to_tweet_id, "in_reply_to_tweet_id"),
            quote_of=_tweet_id(self.quote_of_tweet_id, "quote_of_tweet_id"),
            tweet_location=self.tweet_location,
            user_location=self.user_location,
            lang=self.lang,
            media_ids=[_media_id(one, "media_ids") for one in self.media_ids],
        )


def _media_id(value: Id, field: str) -> MediaId:
    return MediaId(parse_id(str(value), field))


def _tweet_id(value: Id | None, field: str) -> TweetId | None:
    # Forms send fields that were left empty.
    return None if value is None or value == "" else TweetId(parse_id(str(value), field))


class UploadBody(Struct):
    """POST /media, as a form with a file; it is read as it arrives."""

    file: Annotated[str, Meta(description="The file.", extra_json_schema={"format": "binary"})]
    alt_text: AltText = ""


class AltTextBody(Body):
    """PATCH /media/{id}."""

    alt_text: AltText = ""


def _picture(value: int | str | None, field: str) -> MediaId | None:
    if value is None or value == "":
        return None
    return MediaId(0) if str(value) == "0" else _media_id(value, field)


class EditTweetBody(Body):
    """PATCH /tweets/{id}."""

    tweet_data: TweetText = ""

    def command(self, tweet_id: TweetId, max_weight: int) -> EditTweet:
        """Return the command. Raises: Invalid."""
        return EditTweet(tweet_id, parse_content(self.tweet_data, max_weight))


class ProfileBody(Body):
    """PATCH /users/me: what is left out stays as it is."""

    username: Annotated[str, Meta(description="Refused: it cannot be changed.")] | None = None
    name: Name | None = None
    bio: Bio | None = None
    location: Home | None = None
    date_of_birth: Birthday | None = None
    email: Email | None = None
    new_password: Password | None = None
    password: OldPassword | None = None
    avatar_id: Picture | None = None
    header_id: Picture | None = None

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
            avatar_id=_picture(self.avatar_id, "avatar_id"),
            header_id=_picture(self.header_id, "header_id"),
        )


class PasswordBody(Body):
    """DELETE /users/me."""

    password: Password = ""
