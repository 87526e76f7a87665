"""Drives the simulator with aiosalesforce, as a program that uses it would. Prints one line of JSON for each case.

For describe and sObject Collections, which aiosalesforce has no method of its own for, its callers use its `request`:
it sends, logs in again, retries and raises like every other of its calls.

python conformance.py --simulator http://127.0.0.1:7460 --key key.pem --certificate certificate.pem
"""

import asyncio
import pathlib
import sys
import tempfile

import httpx
from aiosalesforce import Salesforce
from aiosalesforce.auth import Auth, ClientCredentialsFlow, JwtBearerFlow
from aiosalesforce.exceptions import (
    AuthenticationError,
    MoreThanOneRecordError,
    NotFoundError,
    SalesforceError,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import report
from httpx_transport import ToSimulator
from simulator import BAD_EMAIL, NO_LAST_NAME, Simulator, check_results, parse_arguments, people

VERSION = "67.0"


class KnownToken(Auth):
    """Someone else's token, with nothing to log in again with."""

    def __init__(self, token):
        super().__init__()
        self.token = token

    async def _acquire_new_access_token(self, client):
        return self.token


class Cases:
    def __init__(self, simulator, key_file, http):
        self.key_file = key_file
        self.http = http
        self.org = simulator.create_org("aiosalesforce.my.salesforce.com")
        # Each answer takes longer than a lock is waited for.
        self.slow_org = simulator.create_org(
            "aiosalesforce-locks.my.salesforce.com", latency_ms=600, lock_wait_ms=100
        )

    def client(self, auth, org=None, **options):
        return Salesforce(self.http, (org or self.org).url, auth, version=VERSION, **options)

    def logged_in(self, org=None, secret=None, **options):
        org = org or self.org
        auth = ClientCredentialsFlow(org.app["client_id"], secret or org.app["client_secret"])
        return self.client(auth, org, **options)

    async def check_login(self, client):
        identity = await get(client, "/services/oauth2/userinfo")
        assert identity["organization_id"] == self.org.id, identity

    async def token_password(self):
        raise report.NotOffered("aiosalesforce.auth has no password grant, only a login by SOAP")

    async def token_client_credentials(self):
        await self.check_login(self.logged_in())
        error = await refusal(AuthenticationError, self.logged_in(secret="wrong").get_limits())
        assert error.error_code == "invalid_client", error.error_code

    async def token_jwt_bearer(self):
        def login(key_file):
            return self.client(
                JwtBearerFlow(self.org.app["client_id"], self.org.user["username"], key_file)
            )

        await self.check_login(login(self.key_file))
        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with tempfile.NamedTemporaryFile() as file:
            file.write(stranger)
            file.flush()
            error = await refusal(AuthenticationError, login(file.name).get_limits())
        assert error.error_code == "invalid_grant", error.error_code

    async def token_refresh(self):
        raise report.NotOffered("aiosalesforce.auth has no refresh_token grant")

    async def token_authorization_code(self):
        raise report.NotOffered("aiosalesforce.auth has no authorization_code grant")

    async def identity(self):
        identity = await get(self.logged_in(), "/services/oauth2/userinfo")
        assert identity["organization_id"] == self.org.id, identity
        assert identity["user_id"].startswith("005"), identity
        assert identity["preferred_username"] == self.org.user["username"], identity

    async def describe(self):
        client = self.logged_in()
        contact = await get(client, f"/services/data/v{VERSION}/sobjects/Contact/describe")
        assert contact["keyPrefix"] == "003"
        fields = {field["name"]: field for field in contact["fields"]}
        assert fields["Crm_Key__c"]["externalId"] is True
        assert fields["Crm_Key__c"]["unique"] is True
        assert fields["Email"]["idLookup"] is True
        assert fields["Segments__c"]["length"] == 32768
        assert fields["LastName"]["nillable"] is False
        error = await refusal(
            NotFoundError, get(client, f"/services/data/v{VERSION}/sobjects/Nothing__c/describe")
        )
        assert error.error_code == "NOT_FOUND", error

    async def query(self):
        ids = self.org.seed("Contact", people(3, lambda place: {"LastName": f"Query {place}"}))
        client = self.logged_in()
        soql = "SELECT Id, LastName FROM Contact WHERE Id IN ({})".format(", ".join(f"'{id_}'" for id_ in ids))
        found = {record["Id"] async for record in client.query(soql)}
        assert found == set(ids), found
        record = await client.sobject.get("Contact", ids[1], fields=["Id", "LastName"])
        assert record["LastName"] == "Query 1", record
        error = await refusal(SalesforceError, anext(client.query("SELECT Nope__c FROM Contact")))
        assert error.error_code == "INVALID_FIELD", error

    async def create_200(self):
        client = self.logged_in()
        records = people(
            200, lambda place: {"LastName": f"Create {place}", "Email": f"create.{place}@example.com"}
        )
        records[50]["Email"] = "nope"
        del records[150]["LastName"]
        results = await collections(client, "POST", records)
        check_results(results, 200, {50: BAD_EMAIL, 150: NO_LAST_NAME})
        record = await client.sobject.get("Contact", results[199]["id"])
        assert record["LastName"] == "Create 199", record

    async def update_200(self):
        ids = self.org.seed("Contact", people(200, lambda place: {"LastName": f"Update {place}"}))
        client = self.logged_in()
        records = people(200, lambda place: {"id": ids[place], "Title": f"Title {place}"})
        records[0]["Email"] = "nope"
        records[199]["LastName"] = None
        results = await collections(client, "PATCH", records)
        check_results(results, 200, {0: BAD_EMAIL, 199: NO_LAST_NAME})
        assert [result["id"] for result in results[1:199]] == ids[1:199]
        assert (await client.sobject.get("Contact", ids[7]))["Title"] == "Title 7"
        assert (await client.sobject.get("Contact", ids[0]))["Title"] is None

    async def upsert_200(self):
        known = people(100, lambda place: {"LastName": f"Known {place}", "Crm_Key__c": f"u-{place}"})
        ids = self.org.seed("Contact", known)
        records = people(200, lambda place: {"Crm_Key__c": f"u-{place}", "LastName": f"Upsert {place}"})
        records[3]["Email"] = "nope"
        del records[150]["LastName"]
        results = await collections(self.logged_in(), "PATCH", records, "/Contact/Crm_Key__c")
        check_results(results, 200, {3: BAD_EMAIL, 150: NO_LAST_NAME})
        for place, result in enumerate(results):
            if result["success"]:
                assert result["created"] is (place >= 100), (place, result)
        assert results[99]["id"] == ids[99]

    async def over_200(self):
        client = self.logged_in()
        records = people(201, lambda place: {"LastName": "Over", "Crm_Key__c": f"over-{place}"})
        for method, key in (("POST", ""), ("PATCH", "/Contact/Crm_Key__c")):
            error = await refusal(SalesforceError, collections(client, method, records, key))
            assert "more than 200 records" in error.error_message, error
        # Nothing was stored, so that each is created now.
        results = await collections(client, "PATCH", records[:200], "/Contact/Crm_Key__c")
        assert all(result["created"] for result in results)
        return error.error_code

    async def upsert_created_then_updated(self):
        client = self.logged_in()
        created = await client.sobject.upsert("Contact", "one", "Crm_Key__c", {"LastName": "First"})
        assert created.created is True, created
        updated = await client.sobject.upsert("Contact", "one", "Crm_Key__c", {"LastName": "Second"})
        assert (updated.id, updated.created) == (created.id, False), updated
        record = await client.sobject.get("Contact", "one", external_id_field="Crm_Key__c")
        assert record["LastName"] == "Second", record
        records = [{"Crm_Key__c": "one", "LastName": "Third"}]
        (again,) = await collections(client, "PATCH", records, "/Contact/Crm_Key__c")
        assert again["id"] == created.id and again["created"] is False, again

    async def upsert_ambiguous(self):
        ids = self.org.seed("Contact", people(2, lambda _: {"LastName": "Twin", "Loose_Key__c": "twin"}))
        client = self.logged_in()
        error = await refusal(
            MoreThanOneRecordError,
            client.sobject.upsert("Contact", "twin", "Loose_Key__c", {"LastName": "Changed"}),
        )
        assert all(id_ in str(error) for id_ in ids), error
        records = [{"Loose_Key__c": "twin", "LastName": "Changed"}]
        (result,) = await collections(client, "PATCH", records, "/Contact/Loose_Key__c")
        assert result["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID", result
        for id_ in ids:
            assert (await client.sobject.get("Contact", id_))["LastName"] == "Twin"

    async def null_blanks(self):
        (id_,) = self.org.seed("Contact", [{"LastName": "Blank", "Title": "Dr", "Department": "Kept"}])
        client = self.logged_in()
        await client.sobject.update("Contact", id_, {"Title": None})
        record = await client.sobject.get("Contact", id_)
        assert record["Title"] is None and record["Department"] == "Kept", record
        (result,) = await collections(client, "PATCH", [{"id": id_, "Department": None}])
        assert result["success"] is True, result
        assert (await client.sobject.get("Contact", id_))["Department"] is None

    async def unknown_field(self):
        client = self.logged_in()
        records = [{"LastName": "Good", "Crm_Key__c": "unknown-1"}, {"LastName": "Bad", "Nope__c": 1}]
        error = await refusal(SalesforceError, collections(client, "POST", records))
        assert error.error_code == "INVALID_FIELD", error
        assert error.error_message == "No such column 'Nope__c' on sobject of type Contact", error
        error = await refusal(SalesforceError, client.sobject.create("Contact", records[1]))
        assert error.error_code == "INVALID_FIELD", error
        # Nothing was stored, the good record neither.
        (result,) = await collections(client, "PATCH", records[:1], "/Contact/Crm_Key__c")
        assert result["created"] is True, result

    async def duplicate_key(self):
        records = [{"Crm_Key__c": key, "LastName": "Duplicate"} for key in ("twice", "once", "twice")]
        results = await collections(self.logged_in(), "PATCH", records, "/Contact/Crm_Key__c")
        assert [result["success"] for result in results] == [False, True, False], results
        assert results[0]["errors"][0]["statusCode"] == "DUPLICATE_VALUE", results
        assert "Duplicate external id specified: twice" in results[2]["errors"][0]["message"], results

    async def session_expired(self):
        first = self.logged_in()
        client = self.client(KnownToken(await first.auth.get_access_token(first)))
        await client.get_limits()
        self.org.expire_sessions()
        error = await refusal(SalesforceError, client.get_limits())
        assert error.error_code == "INVALID_SESSION_ID", error
        assert error.error_message == "Session expired or invalid", error

    async def session_refreshed(self):
        client = self.logged_in()
        old = await client.auth.get_access_token(client)
        logins = self.org.token_requests()
        self.org.expire_sessions()
        assert (await client.sobject.create("Contact", {"LastName": "Refreshed"})).startswith("003")
        assert self.org.token_requests() == logins + 1
        assert await client.auth.get_access_token(client) != old

        # Of several at once, one that is refused after another's login logs in once more.
        self.org.expire_sessions()
        creates = [client.sobject.create("Contact", {"LastName": f"Refreshed {place}"}) for place in range(3)]
        assert len(set(await asyncio.gather(*creates))) == 3
        assert logins + 2 <= self.org.token_requests() <= logins + 4

    async def row_lock(self):
        (account,) = self.slow_org.seed("Account", [{"Name": "Shared"}])
        ids = self.slow_org.seed(
            "Contact", people(4, lambda place: {"LastName": f"Lock {place}", "AccountId": account})
        )
        client = self.logged_in(self.slow_org)

        def update(id_):
            return collections(client, "PATCH", [{"id": id_, "Title": "Locked"}])

        await client.auth.get_access_token(client)
        results = [result for (result,) in await asyncio.gather(*map(update, ids[:2]))]
        (loser,) = [place for place, result in enumerate(results) if not result["success"]]
        assert results[loser]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW", results
        (again,) = await update(ids[loser])
        assert again["success"] is True, again

        # A single write that was told so: the error, or, as aiosalesforce does by default, a retry that succeeds.
        retrying = client.sobject.update
        strict = self.client(client.auth, self.slow_org, retry_policy=None).sobject.update
        told = await asyncio.gather(
            *(strict("Contact", id_, {"Title": "Strict"}) for id_ in ids[2:]), return_exceptions=True
        )
        (error,) = [result for result in told if result is not None]
        assert isinstance(error, SalesforceError) and error.error_code == "UNABLE_TO_LOCK_ROW", error
        await asyncio.gather(*(retrying("Contact", id_, {"Title": "Retried"}) for id_ in ids[2:]))

    async def limits(self):
        usages = []

        def on_event(event):
            if event.type == "response" and event.consumed is not None:
                usages.append((event.consumed, event.remaining))

        client = self.logged_in(event_hooks=[on_event])
        before = (await client.get_limits())["DailyApiRequests"]
        assert before["Max"] == 100_000, before
        await anext(client.query("SELECT Id FROM Contact LIMIT 1"), None)
        after = (await client.get_limits())["DailyApiRequests"]
        assert after["Remaining"] == before["Remaining"] - 2, (before, after)
        # What aiosalesforce calls remaining is the second number of the header, the limit.
        assert usages[-1] == (100_000 - after["Remaining"], 100_000), usages

    async def bulk_upsert(self):
        (known,) = self.org.seed("Contact", [{"LastName": "Known", "Crm_Key__c": "bulk-0", "Title": "Old"}])
        client = self.logged_in()
        records = people(
            20,
            lambda place: {"Crm_Key__c": f"bulk-{place}", "LastName": f'Bulk, "{place}"', "Title": "New"},
        )
        records[0]["Title"] = "#N/A"
        records[7]["LastName"] = "#N/A"
        # What bulk_v2.upsert calls, which polls every five seconds.
        jobs = client.bulk_v2.ingest.perform_operation(
            "upsert", "Contact", records, external_id_field="Crm_Key__c", polling_interval=0.1
        )
        (result,) = [job async for job in jobs]
        assert result.job_info.state == "JobComplete", result.job_info
        assert result.job_info.external_id_field_name == "Crm_Key__c", result.job_info
        assert len(result.successful_results) == 19 and result.unprocessed_records == [], result
        updated = [row["sf__Id"] for row in result.successful_results if row["sf__Created"] == "false"]
        assert updated == [known], updated
        (failed,) = result.failed_results
        assert failed["Crm_Key__c"] == "bulk-7", failed
        assert failed["sf__Error"].startswith(
            "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
        ), failed
        contact = await client.sobject.get("Contact", known)
        assert contact["LastName"] == 'Bulk, "0"' and contact["Title"] is None, contact

    async def revoke(self):
        client = self.logged_in()
        token = await client.auth.get_access_token(client)
        await client.request("POST", f"{client.base_url}/services/oauth2/revoke", data={"token": token})
        error = await refusal(SalesforceError, self.client(KnownToken(token)).get_limits())
        assert error.error_code == "INVALID_SESSION_ID", error


async def get(client, path):
    return (await client.request("GET", f"{client.base_url}{path}")).json()


async def collections(client, method, records, key=""):
    """Writes Contacts by one call of sObject Collections."""
    url = f"{client.base_url}/services/data/v{client.version}/composite/sobjects{key}"
    body = {
        "allOrNone": False,
        "records": [{"attributes": {"type": "Contact"}, **record} for record in records],
    }
    return (await client.request(method, url, json=body)).json()


async def refusal(kind, call):
    """Returns the error that a call must end in."""
    try:
        value = await call
    except kind as error:
        return error
    raise AssertionError(f"this should have been refused: {value}")


async def main():
    arguments = parse_arguments()
    certificate = pathlib.Path(arguments.certificate).read_text()
    async with httpx.AsyncClient(transport=ToSimulator(arguments.simulator), timeout=30) as http:
        cases = Cases(Simulator(arguments.simulator, certificate), arguments.key, http)
        for case in report.cases(arguments.only):
            await report.run_async(case, getattr(cases, case))


if __name__ == "__main__":
    asyncio.run(main())
