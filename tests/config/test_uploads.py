"""Large files of forms come into files without a name: nothing of them can be left behind."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import RequestFactory

BIG = b"%PDF-" + bytes(3 * 1024**2)  # more than Django keeps in memory


@pytest.fixture
def request_with_file() -> HttpRequest:
    file = SimpleUploadedFile("план.pdf", BIG, "application/pdf")
    return RequestFactory().post("/", {"file": file, "body": "Слова"})


def test_large_file_is_there_and_leaves_no_name(request_with_file, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)

    file = request_with_file.FILES["file"]

    assert request_with_file.POST["body"] == "Слова"
    assert (file.name, file.size, file.content_type) == ("план.pdf", len(BIG), "application/pdf")
    assert file.read() == BIG
    assert list(tmp_path.iterdir()) == []
    request_with_file.close()
    assert file.closed
