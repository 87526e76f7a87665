"""Drives the simulator with aio-sf, as a program that uses it would. Prints one line of JSON for each case.

What aio-sf has no method of its own for, its callers send by its `get`, `post` and `request`, which log in again like
every other of its calls.

python conformance.py --simulator http://127.0.0.1:7460 --key key.pem --certificate certificate.pem
"""

import asyncio
import logging
import pathlib
import sys

import httpx
from aio_sf import (
    ClientCredentialsAuth,
    RefreshTokenAuth,
    SalesforceAuthError,
    SalesforceClient,
    StaticTokenAuth,
)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import report
from httpx_transport import ToSimulator
from simulator import BAD_EMAIL, NO_LAST_NAME, Simulator, check_results, parse_arguments, people

VERSION = "v67.0"


class Client(SalesforceClient):
    """The client, whose connections lead to the simulator."""

    def __init__(self, simulator_url, auth):
        super().__init__(auth, version=VERSION)
        self.connections = httpx.AsyncClient(transport=ToSimulator(simulator_url), timeout=30)

    @property
    def http_client(self):
        return self.connections

    async def close(self):
        await self.connections.aclose()


class Cases:
    def __init__(self, simulator):
        self.simulator = simulator
        self.org = simulator.create_org("aio-sf.my.salesforce.com")
        # Each answer takes longer than a lock is waited for.
        self.slow_org = simulator.create_org("aio-sf-locks.my.salesforce.com", latency_ms=600, lock_wait_ms=100)

    def client(self, auth):
        return Client(self.simulator.url, auth)

    def logged_in(self, org=None, secret=None):
        org = org or self.org
        return self.client(
            ClientCredentialsAuth(org.url, org.app["client_id"], secret or org.app["client_secret"])
        )

    def by_refresh_token(self, refresh_token, access_token=None):
        app = self.org.app
        return self.client(
            RefreshTokenAuth(
                self.org.url, access_token, refresh_token, app["client_id"], app["client_secret"]
            )
        )

    async def token_password(self):
        raise report.NotOffered("aio_sf.api.auth has no password grant")

    async def token_client_credentials(self):
        async with self.logged_in() as client:
            organization = await client.describe.get_organization_info()
            assert organization["Id"] == self.org.id, organization
            # It has asked when the token ends.
            assert client.auth_strategy.expires_at is not None
        error = await refusal(SalesforceAuthError, enter(self.logged_in(secret="wrong")))
        assert "400" in str(error), error

    async def token_jwt_bearer(self):
        raise report.NotOffered("aio_sf.api.auth has no JWT bearer grant")

    async def token_refresh(self):
        refresh_token = self.org.refresh_token()
        async with self.by_refresh_token(refresh_token) as client:
            organization = await client.describe.get_organization_info()
            assert organization["Id"] == self.org.id, organization
        error = await refusal(SalesforceAuthError, enter(self.by_refresh_token("5Aep861unknown")))
        assert "400" in str(error), error

    async def token_authorization_code(self):
        raise report.NotOffered("aio_sf.api.auth has no authorization_code grant")

    async def identity(self):
        async with self.logged_in() as client:
            identity = (await client.get(f"{client.instance_url}/services/oauth2/userinfo")).json()
        assert identity["organization_id"] == self.org.id, identity
        assert identity["user_id"].startswith("005"), identity
        assert identity["preferred_username"] == self.org.user["username"], identity

    async def describe(self):
        async with self.logged_in() as client:
            contact = await client.describe.sobject("Contact")
            listed = await client.describe.list_sobjects()
            error = await refusal(httpx.HTTPStatusError, client.describe.sobject("Nothing__c"))
        assert contact["keyPrefix"] == "003"
        fields = {field["name"]: field for field in contact["fields"]}
        assert fields["Crm_Key__c"]["externalId"] is True
        assert fields["Crm_Key__c"]["unique"] is True
        assert fields["Email"]["idLookup"] is True
        assert fields["Segments__c"]["length"] == 32768
        assert fields["LastName"]["nillable"] is False
        assert {"Contact", "Lead"} <= {sobject["name"] for sobject in listed}
        assert first_error(error) == ("NOT_FOUND", "The requested resource does not exist"), error

    async def query(self):
        ids = self.org.seed("Contact", people(3, lambda place: {"LastName": f"Query {place}"}))
        soql = "SELECT Id, LastName FROM Contact WHERE Id IN ({})".format(", ".join(f"'{id_}'" for id_ in ids))
        async with self.logged_in() as client:
            result = await client.query.soql(soql)
            assert result.total_size == 3, result.total_size
            assert {record["Id"] async for record in result} == set(ids)
            assert (await read(client, ids[1]))["LastName"] == "Query 1"
            error = await refusal(httpx.HTTPStatusError, client.query.soql("SELECT Nope__c FROM Contact"))
        assert first_error(error)[0] == "INVALID_FIELD", error

    async def create_200(self):
        records = people(
            200, lambda place: {"LastName": f"Create {place}", "Email": f"create.{place}@example.com"}
        )
        records[50]["Email"] = "nope"
        del records[150]["LastName"]
        async with self.logged_in() as client:
            results = await client.collections.insert(records, "Contact", all_or_none=False)
            check_results(results, 200, {50: BAD_EMAIL, 150: NO_LAST_NAME})
            assert (await read(client, results[199]["id"]))["LastName"] == "Create 199"

    async def update_200(self):
        ids = self.org.seed("Contact", people(200, lambda place: {"LastName": f"Update {place}"}))
        records = people(200, lambda place: {"Id": ids[place], "Title": f"Title {place}"})
        records[0]["Email"] = "nope"
        records[199]["LastName"] = None
        async with self.logged_in() as client:
            results = await client.collections.update(records, "Contact", all_or_none=False)
            check_results(results, 200, {0: BAD_EMAIL, 199: NO_LAST_NAME})
            assert [result["id"] for result in results[1:199]] == ids[1:199]
            assert (await read(client, ids[7]))["Title"] == "Title 7"
            assert (await read(client, ids[0]))["Title"] is None

    async def upsert_200(self):
        known = people(100, lambda place: {"LastName": f"Known {place}", "Crm_Key__c": f"u-{place}"})
        ids = self.org.seed("Contact", known)
        records = people(200, lambda place: {"Crm_Key__c": f"u-{place}", "LastName": f"Upsert {place}"})
        records[3]["Email"] = "nope"
        del records[150]["LastName"]
        async with self.logged_in() as client:
            results = await upsert(client, records)
        check_results(results, 200, {3: BAD_EMAIL, 150: NO_LAST_NAME})
        for place, result in enumerate(results):
            if result["success"]:
                assert result["created"] is (place >= 100), (place, result)
        assert results[99]["id"] == ids[99]

    async def over_200(self):
        records = people(201, lambda place: {"LastName": "Over", "Crm_Key__c": f"over-{place}"})
        typed = [{"attributes": {"type": "Contact"}, **record} for record in records]
        async with self.logged_in() as client:
            # Its own method cuts what is too much in pieces, so it is sent by hand.
            url = f"{client.get_base_url()}/composite/sobjects"
            response = await client.post(url, json={"allOrNone": False, "records": typed})
            assert response.status_code == 400, response.status_code
            (error,) = response.json()
            assert "more than 200 records" in error["message"], error
            # Nothing was stored, so that each is created now, in two calls.
            results = await upsert(client, records)
        check_results(results, 201, {})
        assert all(result["created"] for result in results)
        return error["errorCode"]

    async def upsert_created_then_updated(self):
        async with self.logged_in() as client:
            (created,) = await upsert(client, [{"Crm_Key__c": "one", "LastName": "First"}])
            assert created["created"] is True, created
            (updated,) = await upsert(client, [{"Crm_Key__c": "one", "LastName": "Second"}])
            assert (updated["id"], updated["created"]) == (created["id"], False), updated
            assert (await read(client, created["id"]))["LastName"] == "Second"

    async def upsert_ambiguous(self):
        ids = self.org.seed("Contact", people(2, lambda _: {"LastName": "Twin", "Loose_Key__c": "twin"}))
        async with self.logged_in() as client:
            records = [{"Loose_Key__c": "twin", "LastName": "Changed"}]
            (result,) = await upsert(client, records, "Loose_Key__c")
            assert result["success"] is False, result
            assert result["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID", result
            for id_ in ids:
                assert (await read(client, id_))["LastName"] == "Twin"

    async def null_blanks(self):
        (id_,) = self.org.seed("Contact", [{"LastName": "Blank", "Title": "Dr", "Department": "Kept"}])
        async with self.logged_in() as client:
            (result,) = await client.collections.update([{"Id": id_, "Title": None}], "Contact")
            assert result["success"] is True, result
            record = await read(client, id_)
        assert record["Title"] is None and record["Department"] == "Kept", record

    async def unknown_field(self):
        records = [{"LastName": "Good", "Crm_Key__c": "unknown-1"}, {"LastName": "Bad", "Crm_Key__c": "unknown-2"}]
        records[1]["Nope__c"] = 1
        async with self.logged_in() as client:
            # aio-sf tells a refused call at each of its records.
            results = await upsert(client, records)
            for result in results:
                assert result["errors"][0]["statusCode"] == "HTTP_ERROR", result
                assert "400 Bad Request" in result["errors"][0]["message"], result
            typed = [{"attributes": {"type": "Contact"}, **record} for record in records]
            url = f"{client.get_base_url()}/composite/sobjects"
            response = await client.post(url, json={"allOrNone": False, "records": typed})
            (error,) = response.json()
            assert error["errorCode"] == "INVALID_FIELD", error
            assert error["message"] == "No such column 'Nope__c' on sobject of type Contact", error
            # Nothing was stored, the good record neither.
            (result,) = await upsert(client, records[:1])
        assert result["created"] is True, result

    async def duplicate_key(self):
        records = [{"Crm_Key__c": key, "LastName": "Duplicate"} for key in ("twice", "once", "twice")]
        async with self.logged_in() as client:
            results = await upsert(client, records)
        assert [result["success"] for result in results] == [False, True, False], results
        assert results[0]["errors"][0]["statusCode"] == "DUPLICATE_VALUE", results
        assert "Duplicate external id specified: twice" in results[2]["errors"][0]["message"], results

    async def session_expired(self):
        async with self.logged_in() as first:
            token = first.access_token
        async with self.client(StaticTokenAuth(self.org.url, token)) as client:
            await client.describe.get_limits()
            self.org.expire_sessions()
            response = await client.request("GET", f"{client.get_base_url()}/limits", auto_auth=False)
            assert response.status_code == 401, response.status_code
            (error,) = response.json()
            assert error["errorCode"] == "INVALID_SESSION_ID", error
            # A token that cannot be had again ends in an error of its own.
            await refusal(SalesforceAuthError, client.describe.get_limits())

    async def session_refreshed(self):
        async with self.logged_in() as client:
            old = client.access_token
            logins = self.org.token_requests()
            self.org.expire_sessions()
            (result,) = await client.collections.insert([{"LastName": "Refreshed"}], "Contact")
            assert result["success"] is True, result
            assert client.access_token != old
            assert self.org.token_requests() == logins + 1
            old = client.access_token

        async with self.by_refresh_token(self.org.refresh_token(), old) as client:
            self.org.expire_sessions()
            assert "DailyApiRequests" in await client.describe.get_limits()
            assert client.access_token != old

    async def row_lock(self):
        (account,) = self.slow_org.seed("Account", [{"Name": "Shared"}])
        ids = self.slow_org.seed(
            "Contact", people(2, lambda place: {"LastName": f"Lock {place}", "AccountId": account})
        )
        records = [{"Id": id_, "Title": "Locked"} for id_ in ids]
        async with self.logged_in(self.slow_org) as client:
            told = await client.collections.update(records, "Contact", batch_size=1, all_or_none=False)
            (loser,) = [result for result in told if not result["success"]]
            assert loser["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW", told
            # With attempts left, aio-sf takes it for what it is, and tries again.
            retried = await client.collections.update(
                records, "Contact", batch_size=1, all_or_none=False, max_attempts=3
            )
        check_results(retried, 2, {})

    async def limits(self):
        async with self.logged_in() as client:
            before = (await client.describe.get_limits())["DailyApiRequests"]
            assert before["Max"] == 100_000, before
            await client.describe.sobject("Contact")
            after = (await client.describe.get_limits())["DailyApiRequests"]
        assert after["Remaining"] == before["Remaining"] - 2, (before, after)

    async def bulk_upsert(self):
        raise report.NotOffered("aio_sf.api.bulk_v2 knows query jobs only")

    async def revoke(self):
        async with self.logged_in() as client:
            token = client.access_token
            url = f"{client.instance_url}/services/oauth2/revoke"
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            response = await client.post(url, headers=form, data={"token": token})
            assert response.status_code == 200, response.text
        async with self.client(StaticTokenAuth(self.org.url, token)) as client:
            response = await client.request("GET", f"{client.get_base_url()}/limits", auto_auth=False)
        assert response.status_code == 401, response.status_code
        assert response.json()[0]["errorCode"] == "INVALID_SESSION_ID", response.text


async def enter(client):
    async with client:
        pass


async def upsert(client, records, key="Crm_Key__c"):
    return await client.collections.upsert(records, key, "Contact", all_or_none=False)


async def read(client, id_):
    """Returns a Contact; aio-sf has no method for a single record."""
    response = await client.get(f"{client.get_sobject_url('Contact')}/{id_}")
    response.raise_for_status()
    return response.json()


def first_error(error):
    (first, *_) = error.response.json()
    return first["errorCode"], first["message"]


async def refusal(kind, call):
    """Returns the error that a call must end in."""
    try:
        value = await call
    except kind as error:
        return error
    raise AssertionError(f"this should have been refused: {value}")


async def main():
    arguments = parse_arguments()
    # It logs every refusal that a case asks for.
    logging.disable(logging.ERROR)
    cases = Cases(Simulator(arguments.simulator, pathlib.Path(arguments.certificate).read_text()))
    for case in report.cases(arguments.only):
        await report.run_async(case, getattr(cases, case))


if __name__ == "__main__":
    asyncio.run(main())
