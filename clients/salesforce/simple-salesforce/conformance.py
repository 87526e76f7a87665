"""Drives the simulator with simple-salesforce, as a program that uses it would. Prints one line of JSON for each case.

python conformance.py --simulator http://127.0.0.1:7460 --key key.pem --certificate certificate.pem
"""

import pathlib
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import report
from simulator import BAD_EMAIL, NO_LAST_NAME, Simulator, check_results, parse_arguments, people

VERSION = "67.0"


class ToSimulator(HTTPAdapter):
    """Sends what is meant for https://….salesforce.com to the simulator, which takes the org from the Host header."""

    def __init__(self, url):
        super().__init__()
        self.simulator = urlsplit(url)

    def send(self, request, *arguments, **options):
        meant = request.url
        parts = urlsplit(meant)
        request.headers["Host"] = parts.netloc
        request.url = urlunsplit((self.simulator.scheme, self.simulator.netloc, parts.path, parts.query, ""))
        response = super().send(request, *arguments, **options)
        request.url = response.url = meant
        return response


class Cases:
    def __init__(self, simulator, key_file):
        self.simulator = simulator
        self.key_file = key_file
        self.org = simulator.create_org("simple-salesforce.my.salesforce.com")
        # Each answer takes longer than a lock is waited for.
        self.slow_org = simulator.create_org(
            "simple-salesforce-locks.my.salesforce.com", latency_ms=600, lock_wait_ms=100
        )

    def session(self):
        session = requests.Session()
        session.mount("https://", ToSimulator(self.simulator.url))
        return session

    def login(self, **credentials):
        return Salesforce(session=self.session(), version=VERSION, **credentials)

    def logged_in(self, org=None, secret=None):
        org = org or self.org
        return self.login(
            consumer_key=org.app["client_id"],
            consumer_secret=secret or org.app["client_secret"],
            domain=org.host.removesuffix(".salesforce.com"),
        )

    def with_session(self, session_id):
        """Returns a client that has a token and nothing to log in again with."""
        return self.login(session_id=session_id, instance_url=self.org.url)

    def check_login(self, client):
        assert client.sf_instance == self.org.host, client.sf_instance
        assert client.query("SELECT Id FROM Contact LIMIT 1")["done"] is True
        assert client.oauth2("userinfo")["organization_id"] == self.org.id

    def token_password(self):
        def login(password):
            return self.login(
                username=self.org.user["username"],
                password=password,
                consumer_key=self.org.app["client_id"],
                consumer_secret=self.org.app["client_secret"],
            )

        self.check_login(login(self.org.password))
        error = refusal(SalesforceAuthenticationFailed, login, self.org.user["password"])
        assert error.code == "invalid_grant", error.code
        assert error.auth_message == "authentication failure", error.auth_message

    def token_client_credentials(self):
        self.check_login(self.logged_in())
        error = refusal(SalesforceAuthenticationFailed, self.logged_in, secret="wrong")
        assert error.code == "invalid_client", error.code

    def token_jwt_bearer(self):
        def login(key_file):
            return self.login(
                username=self.org.user["username"],
                consumer_key=self.org.app["client_id"],
                privatekey_file=key_file,
            )

        self.check_login(login(self.key_file))
        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with tempfile.NamedTemporaryFile() as file:
            file.write(stranger)
            file.flush()
            error = refusal(SalesforceAuthenticationFailed, login, file.name)
        assert error.code == "invalid_grant", error.code

    def token_refresh(self):
        raise report.NotOffered("SalesforceLogin (login.py) knows no refresh_token grant")

    def token_authorization_code(self):
        raise report.NotOffered("SalesforceLogin (login.py) knows no authorization_code grant")

    def identity(self):
        identity = self.logged_in().oauth2("userinfo")
        assert identity["organization_id"] == self.org.id, identity
        assert identity["user_id"].startswith("005"), identity
        assert identity["preferred_username"] == self.org.user["username"], identity

    def describe(self):
        client = self.logged_in()
        contact = client.Contact.describe()
        assert contact["keyPrefix"] == "003"
        fields = {field["name"]: field for field in contact["fields"]}
        assert fields["Crm_Key__c"]["externalId"] is True
        assert fields["Crm_Key__c"]["unique"] is True
        assert fields["Email"]["idLookup"] is True
        assert fields["Segments__c"]["length"] == 32768
        assert fields["LastName"]["nillable"] is False
        error = refusal(SalesforceResourceNotFound, client.Nothing__c.describe)
        assert error.content[0]["errorCode"] == "NOT_FOUND", error

    def query(self):
        ids = self.org.seed("Contact", people(3, lambda place: {"LastName": f"Query {place}"}))
        client = self.logged_in()
        found = client.query_all(
            "SELECT Id, LastName FROM Contact WHERE Id IN ({})".format(", ".join(f"'{id_}'" for id_ in ids))
        )
        assert found["totalSize"] == 3, found
        assert {record["Id"] for record in found["records"]} == set(ids)
        assert client.Contact.get(ids[1])["LastName"] == "Query 1"
        error = refusal(SalesforceMalformedRequest, client.query, "SELECT Nope__c FROM Contact")
        assert error.content[0]["errorCode"] == "INVALID_FIELD", error

    def create_200(self):
        client = self.logged_in()
        records = people(
            200, lambda place: {"LastName": f"Create {place}", "Email": f"create.{place}@example.com"}
        )
        records[50]["Email"] = "nope"
        del records[150]["LastName"]
        results = collections(client, "POST", records)
        check_results(results, 200, {50: BAD_EMAIL, 150: NO_LAST_NAME})
        assert client.Contact.get(results[199]["id"])["LastName"] == "Create 199"

    def update_200(self):
        ids = self.org.seed("Contact", people(200, lambda place: {"LastName": f"Update {place}"}))
        client = self.logged_in()
        records = people(200, lambda place: {"id": ids[place], "Title": f"Title {place}"})
        records[0]["Email"] = "nope"
        records[199]["LastName"] = None
        results = collections(client, "PATCH", records)
        check_results(results, 200, {0: BAD_EMAIL, 199: NO_LAST_NAME})
        assert [result["id"] for result in results[1:199]] == ids[1:199]
        assert client.Contact.get(ids[7])["Title"] == "Title 7"
        assert client.Contact.get(ids[0])["Title"] is None

    def upsert_200(self):
        known = people(100, lambda place: {"LastName": f"Known {place}", "Crm_Key__c": f"u-{place}"})
        ids = self.org.seed("Contact", known)
        records = people(200, lambda place: {"Crm_Key__c": f"u-{place}", "LastName": f"Upsert {place}"})
        records[3]["Email"] = "nope"
        del records[150]["LastName"]
        results = collections(self.logged_in(), "PATCH", records, "/Contact/Crm_Key__c")
        check_results(results, 200, {3: BAD_EMAIL, 150: NO_LAST_NAME})
        for place, result in enumerate(results):
            if result["success"]:
                assert result["created"] is (place >= 100), (place, result)
        assert results[99]["id"] == ids[99]

    def over_200(self):
        client = self.logged_in()
        records = people(201, lambda place: {"LastName": "Over", "Crm_Key__c": f"over-{place}"})
        for method, key in (("POST", ""), ("PATCH", "/Contact/Crm_Key__c")):
            error = refusal(SalesforceMalformedRequest, collections, client, method, records, key)
            assert "more than 200 records" in error.content[0]["message"], error
        # Nothing was stored, so that each is created now.
        results = collections(client, "PATCH", records[:200], "/Contact/Crm_Key__c")
        assert all(result["created"] for result in results)
        return error.content[0]["errorCode"]

    def upsert_created_then_updated(self):
        client = self.logged_in()
        created = client.Contact.upsert("Crm_Key__c/one", {"LastName": "First"}, raw_response=True)
        assert created.status_code == 201, created.status_code
        contact = created.json()
        assert contact["success"] is True and contact["created"] is True, contact
        assert client.Contact.upsert("Crm_Key__c/one", {"LastName": "Second"}) == 200
        assert client.Contact.get_by_custom_id("Crm_Key__c", "one")["LastName"] == "Second"
        assert client.Contact.get(contact["id"])["LastName"] == "Second"
        records = [{"Crm_Key__c": "one", "LastName": "Third"}]
        (again,) = collections(client, "PATCH", records, "/Contact/Crm_Key__c")
        assert again["id"] == contact["id"] and again["created"] is False, again

    def upsert_ambiguous(self):
        ids = self.org.seed("Contact", people(2, lambda _: {"LastName": "Twin", "Loose_Key__c": "twin"}))
        client = self.logged_in()
        error = refusal(
            SalesforceMoreThanOneRecord, client.Contact.upsert, "Loose_Key__c/twin", {"LastName": "Changed"}
        )
        assert error.status == 300 and len(error.content) == 2, error
        records = [{"Loose_Key__c": "twin", "LastName": "Changed"}]
        (result,) = collections(client, "PATCH", records, "/Contact/Loose_Key__c")
        assert result["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID", result
        assert [client.Contact.get(id_)["LastName"] for id_ in ids] == ["Twin", "Twin"]

    def null_blanks(self):
        (id_,) = self.org.seed("Contact", [{"LastName": "Blank", "Title": "Dr", "Department": "Kept"}])
        client = self.logged_in()
        assert client.Contact.update(id_, {"Title": None}) == 204
        record = client.Contact.get(id_)
        assert record["Title"] is None and record["Department"] == "Kept", record
        (result,) = collections(client, "PATCH", [{"id": id_, "Department": None}])
        assert result["success"] is True, result
        assert client.Contact.get(id_)["Department"] is None

    def unknown_field(self):
        client = self.logged_in()
        records = [{"LastName": "Good", "Crm_Key__c": "unknown-1"}, {"LastName": "Bad", "Nope__c": 1}]
        error = refusal(SalesforceMalformedRequest, collections, client, "POST", records)
        assert error.content[0]["errorCode"] == "INVALID_FIELD", error
        assert error.content[0]["message"] == "No such column 'Nope__c' on sobject of type Contact", error
        error = refusal(SalesforceMalformedRequest, client.Contact.create, records[1])
        assert error.content[0]["errorCode"] == "INVALID_FIELD", error
        # Nothing was stored, the good record neither.
        (result,) = collections(client, "PATCH", records[:1], "/Contact/Crm_Key__c")
        assert result["created"] is True, result

    def duplicate_key(self):
        records = [{"Crm_Key__c": key, "LastName": "Duplicate"} for key in ("twice", "once", "twice")]
        results = collections(self.logged_in(), "PATCH", records, "/Contact/Crm_Key__c")
        assert [result["success"] for result in results] == [False, True, False], results
        assert results[0]["errors"][0]["statusCode"] == "DUPLICATE_VALUE", results
        assert "Duplicate external id specified: twice" in results[2]["errors"][0]["message"], results

    def session_expired(self):
        client = self.with_session(self.logged_in().session_id)
        client.Contact.describe()
        self.org.expire_sessions()
        error = refusal(SalesforceExpiredSession, client.Contact.describe)
        assert error.content[0]["errorCode"] == "INVALID_SESSION_ID", error
        assert error.content[0]["message"] == "Session expired or invalid", error

    def session_refreshed(self):
        client = self.logged_in()
        old = client.session_id
        logins = self.org.token_requests()
        self.org.expire_sessions()
        assert client.Contact.create({"LastName": "Refreshed"})["success"] is True
        assert client.session_id != old
        self.org.expire_sessions()
        assert "DailyApiRequests" in client.limits()
        assert self.org.token_requests() == logins + 2

    def row_lock(self):
        (account,) = self.slow_org.seed("Account", [{"Name": "Shared"}])
        ids = self.slow_org.seed(
            "Contact", people(2, lambda place: {"LastName": f"Lock {place}", "AccountId": account})
        )
        clients = [self.logged_in(self.slow_org) for _ in ids]

        def update(client, id_):
            return collections(client, "PATCH", [{"id": id_, "Title": "Locked"}])[0]

        with ThreadPoolExecutor() as pool:
            results = list(pool.map(update, clients, ids))
        (loser,) = [place for place, result in enumerate(results) if not result["success"]]
        assert results[loser]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW", results
        assert update(clients[loser], ids[loser])["success"] is True

    def limits(self):
        client = self.logged_in()
        before = client.limits()["DailyApiRequests"]
        assert before["Max"] == 100_000, before
        client.Contact.describe()
        after = client.limits()["DailyApiRequests"]
        assert after["Remaining"] == before["Remaining"] - 2, (before, after)
        usage = client.api_usage["api-usage"]
        assert (usage.used, usage.total) == (100_000 - after["Remaining"], 100_000), usage

    def bulk_upsert(self):
        (known,) = self.org.seed("Contact", [{"LastName": "Known", "Crm_Key__c": "bulk-0", "Title": "Old"}])
        client = self.logged_in()
        records = people(
            20,
            lambda place: {"Crm_Key__c": f"bulk-{place}", "LastName": f'Bulk, "{place}"', "Title": "New"},
        )
        records[0]["Title"] = "#N/A"
        records[7]["LastName"] = "#N/A"
        contacts = client.bulk2.Contact
        (job,) = contacts.upsert(records=records, external_id_field="Crm_Key__c", wait=0)
        assert job["numberRecordsProcessed"] == 20 and job["numberRecordsFailed"] == 1, job
        rows = contacts.get_all_ingest_records(job["job_id"])
        assert len(rows["successfulRecords"]) == 19 and rows["unprocessedRecords"] == [], rows
        updated = [row["sf__Id"] for row in rows["successfulRecords"] if row["sf__Created"] == "false"]
        assert updated == [known], updated
        (failed,) = rows["failedRecords"]
        assert failed["Crm_Key__c"] == "bulk-7", failed
        assert failed["sf__Error"].startswith(
            "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
        ), failed
        contact = client.Contact.get(known)
        assert contact["LastName"] == 'Bulk, "0"' and contact["Title"] is None, contact

    def revoke(self):
        token = self.logged_in().session_id
        client = self.with_session(token)
        client.oauth2("revoke", params={"token": token}, method="POST")
        refusal(SalesforceExpiredSession, client.Contact.describe)


def collections(client, method, records, key=""):
    """Writes Contacts by one call of sObject Collections, for which simple-salesforce has its `restful`."""
    body = {
        "allOrNone": False,
        "records": [{"attributes": {"type": "Contact"}, **record} for record in records],
    }
    return client.restful(f"composite/sobjects{key}", method=method, json=body)


def refusal(kind, call, *arguments, **options):
    """Returns the error that a call must end in."""
    try:
        value = call(*arguments, **options)
    except kind as error:
        return error
    raise AssertionError(f"this should have been refused: {value}")


def main():
    arguments = parse_arguments()
    certificate = pathlib.Path(arguments.certificate).read_text()
    cases = Cases(Simulator(arguments.simulator, certificate), arguments.key)
    for case in report.cases(arguments.only):
        report.run(case, getattr(cases, case))


if __name__ == "__main__":
    main()
