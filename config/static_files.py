"""Static files under names with a hash of what is in them, so that browsers keep them for ever."""

import os
from collections.abc import Iterable, Iterator

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Where nothing was collected yet, plain names serve: tests and `runserver` need no step."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        return super().stored_name(name) if self.hashed_files else name

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Compressed files open to the same readers as the plain ones."""
        for path, compressed in super().compress_files(paths):
            if self.file_permissions_mode is not None:
                os.chmod(self.path(compressed), self.file_permissions_mode)
            yield path, compressed
