"""Resumable, verified fetching; archives unpacked safely."""

from urbancam.download.archives import (
    Member,
    is_archive,
    list_members,
    open_7z,
    unpack,
    unpack_nested,
)
from urbancam.download.fetching import AbsentError, Patience, fetch, get, without_user_info
from urbancam.download.volumes import volumes

__all__ = [
    "AbsentError", "Member", "Patience", "fetch", "get", "is_archive", "list_members", "open_7z", "unpack",
    "unpack_nested", "volumes", "without_user_info",
]  # fmt: skip
