"""``[metrics]``: where the switch can be watched."""

from pydantic import Field

from atm_switch.settings.section import Section
from atm_switch.settings.shapes import OptionalAddress


class Metrics(Section):
    """The page for Prometheus and for health checks."""

    listen: OptionalAddress = Field(
        default="",
        description="where /metrics, /healthz and /readyz are served over HTTP, without a "
        'password: keep it on loopback, e.g. "127.0.0.1:9583"; "" for nowhere',
    )
