from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from api.problems import BY_STATUS, CONTENT_TYPE, Problem, write

ROOT = "/api/"


def problems_everywhere(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Below /api/, what Django or another middleware refuses is a problem, too, and never HTML.

    It stands before them all; the headers that they have set stay.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code < 400 or not request.path_info.startswith(ROOT):
            return response
        if response.headers.get("Content-Type") == CONTENT_TYPE:
            return response
        known = response.status_code in BY_STATUS
        return write(Problem(response.status_code if known else 400), response)

    return middleware
