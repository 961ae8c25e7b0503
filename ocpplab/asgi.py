"""The ASGI application of the web process: HTTP to Django, OCPP-J to the built-in CSMS."""

import logging
import os
import warnings

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpplab.settings")
os.environ.setdefault("DATABASE_POOL", "20")  # a thread for each request must not mean a connection for each
# WhiteNoise reads its files synchronously, which Django remarks on at each one; they are small and cached.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
# uvicorn 0.54 reports each WebSocket that is refused with an HTTP answer as one that was not answered at all.
logging.getLogger("uvicorn.error").addFilter(lambda record: "without completing handshake" not in record.getMessage())
django_application = get_asgi_application()  # loads the apps, so that the imports below may use models

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from chargers.csms.counts import csms_metrics  # noqa: E402
from ocpplab.common.metrics.registry import publish  # noqa: E402
from ocpplab.observing.web import Observed  # noqa: E402
from ocpplab.urls import csms, websocket_urlpatterns  # noqa: E402

publish(csms_metrics(csms.central, csms.sockets))
application = Observed(ProtocolTypeRouter({"http": django_application, "websocket": URLRouter(websocket_urlpatterns)}))
