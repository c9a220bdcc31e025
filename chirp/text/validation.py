"""Whether a whole text is one username, list name, hashtag or link: what validate.yml asks."""

import re
from typing import Final

from chirp.text.characters import CYRILLIC
from chirp.text.hashtags import extract_hashtags
from chirp.text.mentions import extract_mentions_or_lists

# RFC 3986, with letters of every script in the host name and Cyrillic ones in the rest.
_PARTS: Final = re.compile(
    r"(?:([^:/?#]++)://)?([^/?#]*+)([^?#]*+)(?:\?([^#]*+))?(?:#(.*+))?", re.DOTALL
)
_SCHEME: Final = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?")
_PCHAR: Final = rf"[A-Za-z{CYRILLIC}0-9\-._~!$&'()*+,;=:|@]|%[0-9A-Fa-f]{{2}}"
_PATH: Final = re.compile(rf"(?:/(?:{_PCHAR})*+)*+")
_QUERY: Final = re.compile(rf"(?:{_PCHAR}|[/?])*+")
_AUTHORITY: Final = re.compile(
    rf"(?:(?:[A-Za-z{CYRILLIC}0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{{2}})*+@)?"
    r"(?P<host>\[[A-Fa-f0-9:.]++\]|[^\[\]:@]*+)(?::[0-9]{1,5}+)?"
)
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_IP: Final = re.compile(rf"\[[A-Fa-f0-9:.]++\]|{_OCTET}(?:\.{_OCTET}){{3}}")
# ASCII but letters, digits, - and _. All beyond ASCII is allowed.
_OUTSIDE: Final = r"\x00-,./:-@\[-\^`{-\x7f"
_EDGE: Final = rf"[^{_OUTSIDE}_\-]"
_SUBDOMAIN: Final = re.compile(rf"{_EDGE}(?:[^{_OUTSIDE}]*{_EDGE})?")
_DOMAIN: Final = re.compile(rf"{_EDGE}(?:[^{_OUTSIDE}_]*{_EDGE})?")
_TLD: Final = re.compile(rf"(?![0-9]){_DOMAIN.pattern}")


def is_valid_username(text: str) -> bool:
    """Return whether `text` is a mention and nothing else, sign included. O(n).

    >>> is_valid_username("@ada"), is_valid_username("ada"), is_valid_username("@a-b")
    (True, False, False)
    """
    return _is_name(text, is_list=False)


def is_valid_list(text: str) -> bool:
    """Return whether `text` is the name of a user's list and nothing else. O(n).

    >>> is_valid_list("@ada/friends"), is_valid_list("@ada")
    (True, False)
    """
    return _is_name(text, is_list=True)


def _is_name(text: str, *, is_list: bool) -> bool:
    names = extract_mentions_or_lists(text)
    return (
        len(names) == 1
        and (names[0].start, names[0].end) == (0, len(text))
        and bool(names[0].list_slug) == is_list
    )


def is_valid_hashtag(text: str) -> bool:
    """Return whether `text` is a hashtag and nothing else, sign included. O(n).

    >>> is_valid_hashtag("#1st"), is_valid_hashtag("#1")
    (True, False)
    """
    tags = extract_hashtags(text)
    return len(tags) == 1 and (tags[0].start, tags[0].end) == (0, len(text))


def is_valid_url(text: str, *, require_protocol: bool = True) -> bool:
    """Return whether `text` is a link by RFC 3986, with host names of every script. O(n).

    Wider than what is found in a text: any top-level domain, user names, IP addresses.

    >>> is_valid_url("http://☃.net/"), is_valid_url("a.b")
    (True, False)
    """
    parts = _PARTS.fullmatch(text)
    if not text or parts is None:
        return False
    scheme, authority, path, query, fragment = parts.groups(default="")
    if (scheme or require_protocol) and not _SCHEME.fullmatch(scheme):
        return False
    found = _AUTHORITY.fullmatch(authority)
    return (
        found is not None
        and _is_host(found["host"])
        and _PATH.fullmatch(path) is not None
        and all(_QUERY.fullmatch(part) for part in (query, fragment))
    )


def _is_host(host: str) -> bool:
    if _IP.fullmatch(host):
        return True
    *subdomains, domain, tld = ["", *host.split(".")]
    return (
        _TLD.fullmatch(tld) is not None
        and _DOMAIN.fullmatch(domain) is not None
        and all(_SUBDOMAIN.fullmatch(label) for label in subdomains[1:])
    )
