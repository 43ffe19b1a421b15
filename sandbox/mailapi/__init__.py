"""MailAPI as a real HTTP server, for tests, benchmarks and the demo."""

from sandbox.mailapi.app import create_app
from sandbox.mailapi.driver import MailAPIControl
from sandbox.mailapi.provisioning import Speed
from sandbox.mailapi.record import RecordedRequest

__all__ = ["MailAPIControl", "RecordedRequest", "Speed", "create_app"]
