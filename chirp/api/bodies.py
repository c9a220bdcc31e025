"""The typed bodies of the native API, and the commands that they become."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chirp.commands import CreateKey, PostTweet, Register, SignIn, check_limit, post_tweet
from chirp.errors import Invalid
from chirp.http.body import Body
from chirp.http.paging import parse_id

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
KeyName = Annotated[str, _text("What the key is for.", "bot", 50, 1)]
TweetText = Annotated[
    str,
    _text("1 to 280 weighted characters; may be empty only with media.", "hello, #world", 0, 1),
]
Place = Annotated[str, _text('A name of a place, or "lat,long"; shown to all.', "London")]
OwnPlace = Annotated[str, _text("The same, shown to the author alone.", "51.5,-0.12")]
Lang = Annotated[str, _text("A language tag.", "en")]


class RegisterBody(Body):
    """POST /users."""

    username: Username = ""
    name: Name = ""
    email: Email = ""
    password: Password = ""
    date_of_birth: Birthday | None = None

    def command(self) -> Register:
        """Return the command. Raises: Invalid."""
        birthday = self.date_of_birth or None
        return Register(self.username, self.name, self.email, self.password, birthday)


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
