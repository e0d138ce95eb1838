"""``[metrics]``: where the switch can be watched."""

from collections.abc import Iterator

from pydantic import Field

from atm_switch.settings.section import Section
from atm_switch.settings.shapes import OptionalAddress, is_loopback, split_address


class Metrics(Section):
    """The page for Prometheus and for health checks."""

    listen: OptionalAddress = Field(
        default="",
        description="where /metrics, /healthz and /readyz are served over HTTP, without a "
        'password: keep it on loopback, e.g. "127.0.0.1:9583"; "" for nowhere',
    )
    plaintext: bool = Field(
        default=False,
        description="whether other machines may read the page, which has neither TLS nor a "
        "password; anybody who reaches it then sees traffic and health by bank",
    )

    def doubts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Name what makes no sense: the place, and what is wrong and what to do."""
        if self.listen and not self.plaintext and not is_loopback(split_address(self.listen)[0]):
            text = "is reached by other machines; listen on loopback, or set plaintext = true"
            yield ("metrics", "listen"), text
