from starlette.requests import Request


def is_from_elsewhere(request: Request) -> bool:
    """Whether another site's page asks: a browser says so, and anybody's page can reach a server on loopback."""
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host")
