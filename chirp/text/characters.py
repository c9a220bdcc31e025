r"""Character classes that the rules of tweet text share, as insides of `re` brackets.

Each constant stands between `[` and `]`: `re.compile(f"[{SPACES}]")`. Invisible characters are
written as escapes. `\s`, `\w` and `re.IGNORECASE` are avoided: they follow the interpreter's
Unicode version. Source of the sets: the character classes that twitter-text 3 documents.
"""

from typing import Final


def ranges(table: str) -> str:
    r"""Return the `re` class of a table of hexadecimal code points and ranges. O(len(table)).

    The table must not name `]`, `^`, `-` or the backslash: nothing is escaped.

    >>> ranges("41-5a 5f")
    'A-Z_'
    """
    return "".join(
        "-".join(chr(int(bound, 16)) for bound in entry.split("-")) for entry in table.split()
    )


SPACES: Final = r"\t-\r \x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""White space of every script."""

DIRECTIONAL: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks that turn the direction of text; they may stand around an entity."""

NONCHARACTERS: Final = r"\ufeff\ufffe\uffff"
"""The byte order mark and two noncharacters, which make a tweet invalid."""

SURROGATES: Final = r"\ud800-\udfff"
"""Halves of UTF-16 pairs: a `str` may hold them, UTF-8 may not."""

BREAKS: Final = r"!'#%&()*+,\\/:;<=>?@\[\]\^{|}~$"
"""ASCII punctuation that no host name holds (`"` and the backtick are not in Twitter's list)."""

PUNCTUATION: Final = BREAKS + r"\-._"
"""ASCII punctuation that may follow a cashtag."""

LATIN_ACCENTS: Final = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f"
    r"\u0272\u0289\u028b\u02bb\u0300-\u036f\u1e00-\u1eff"
)
"""Accented Latin letters and combining accents."""

CYRILLIC: Final = r"\u0400-\u04ff"
"""Cyrillic letters and marks."""

AT: Final = "@＠"
"""What opens a mention."""

HASH: Final = "#＃"
"""What opens a hashtag."""
