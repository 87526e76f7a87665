"""The org that the cases of a Python client run in, made over the simulator's own surface."""

import argparse
import json
import pathlib
import urllib.error
import urllib.request

TEMPLATE = pathlib.Path(__file__).with_name("org.json").read_text()


class Simulator:
    def __init__(self, url, certificate):
        self.url = url
        self.certificate = certificate

    def create_org(self, host, **options):
        """Makes an org like the one in org.json."""
        # Names of apps and users are unique among all orgs: the login host finds the org by them.
        template = json.loads(TEMPLATE.replace("{org}", host.partition(".")[0]))
        settings = template["org"]
        for app in settings["apps"]:
            app["certificate"] = self.certificate
        created = self.admin("POST", "orgs", {**settings, **options, "host": host})
        for field in template["fields"]:
            self.admin("POST", f"orgs/{host}/fields", field)
        return Org(self, host, created["org_id"], settings)

    def admin(self, method, resource, body=None):
        request = urllib.request.Request(
            f"{self.url}/simulator/{resource}",
            method=method,
            headers={"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            raise AssertionError(f"{method} /simulator/{resource} answered {error.code}: {text}") from error


class Org:
    def __init__(self, simulator, host, org_id, settings):
        self.simulator = simulator
        self.host = host
        self.id = org_id
        self.url = f"https://{host}"
        self.app = settings["apps"][0]
        self.user = settings["users"][0]

    @property
    def password(self):
        """What a client sends: the password and the security token behind it."""
        return self.user["password"] + self.user["security_token"]

    def seed(self, sobject, records):
        """Stores records past every rule and returns their ids."""
        return self.simulator.admin("POST", f"orgs/{self.host}/records/{sobject}", records)

    def expire_sessions(self):
        self.simulator.admin("POST", f"orgs/{self.host}/sessions/expire", {})

    def refresh_token(self):
        body = {"client_id": self.app["client_id"], "username": self.user["username"]}
        return self.simulator.admin("POST", f"orgs/{self.host}/refresh-tokens", body)["refresh_token"]

    def token_requests(self):
        return self.simulator.admin("GET", f"orgs/{self.host}/counters")["token_requests"]


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--simulator", required=True, help="its URL")
    parser.add_argument("--key", required=True, help="PEM file of the private key that signs assertions")
    parser.add_argument("--certificate", required=True, help="PEM file of the certificate the app knows it by")
    parser.add_argument("--only", help="the one case to run")
    return parser.parse_args()


def people(count, members):
    """Returns records made of their place in the list."""
    return [members(place) for place in range(count)]


BAD_EMAIL = ("INVALID_EMAIL_ADDRESS", ["Email"])
NO_LAST_NAME = ("REQUIRED_FIELD_MISSING", ["LastName"])


def check_results(results, count, failures):
    """Fails unless every result but those named succeeded, each at its own place."""
    assert len(results) == count, len(results)
    for place, result in enumerate(results):
        if place in failures:
            status_code, fields = failures[place]
            assert result["success"] is False, (place, result)
            assert result["errors"][0]["statusCode"] == status_code, (place, result)
            assert result["errors"][0]["fields"] == fields, (place, result)
        else:
            assert result["success"] is True, (place, result)
            assert result["errors"] == [], (place, result)
            assert result["id"].startswith("003") and len(result["id"]) == 18, (place, result)
