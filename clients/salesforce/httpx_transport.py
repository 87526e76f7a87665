"""The way of a httpx client to the simulator."""

import httpx


class ToSimulator(httpx.AsyncHTTPTransport):
    """Sends what is meant for https://….salesforce.com to the simulator, which takes the org from the Host header."""

    def __init__(self, url):
        super().__init__()
        self.simulator = httpx.URL(url)

    async def handle_async_request(self, request):
        # httpx has set the Host header from the URL that was meant.
        meant = request.url
        request.url = meant.copy_with(
            scheme=self.simulator.scheme, host=self.simulator.host, port=self.simulator.port
        )
        try:
            return await super().handle_async_request(request)
        finally:
            request.url = meant
