#!/usr/bin/env python3
"""Drives a running Sluice as a control plane of somebody else's making would.

Plain grpcio with stubs generated from proto/, and nothing of Sluice's own. It needs a fresh `sluice up` and a fresh
`sluice simulator` with its sample org; `cargo xtask conformance` sets all of that up.

Every check prints one line. The exit code is 0 only if all of them held.
"""

import argparse
import json
import queue
import sys
import time
import traceback
import urllib.error
import urllib.request

import grpc
from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_status import rpc_status

from sluice.auth.v1 import credential_service_pb2 as credentials
from sluice.auth.v1 import credential_service_pb2_grpc as credentials_grpc
from sluice.config.v1 import catalog_service_pb2 as catalog
from sluice.config.v1 import catalog_service_pb2_grpc as catalog_grpc
from sluice.config.v1 import connection_pb2 as connection
from sluice.config.v1 import connection_service_pb2 as connections
from sluice.config.v1 import connection_service_pb2_grpc as connections_grpc
from sluice.config.v1 import destination_pb2 as destination
from sluice.config.v1 import destination_service_pb2 as destinations
from sluice.config.v1 import destination_service_pb2_grpc as destinations_grpc
from sluice.delivery.v1 import delivery_service_pb2 as delivery
from sluice.delivery.v1 import delivery_service_pb2_grpc as delivery_grpc
from sluice.delivery.v1 import outcome_pb2 as outcome
from sluice.delivery.v1 import profile_pb2 as profile
from sluice.delivery.v1 import receipt_service_pb2 as receipts
from sluice.delivery.v1 import receipt_service_pb2_grpc as receipts_grpc

PUBLIC_SERVICES = [
    "sluice.auth.v1.CredentialService",
    "sluice.config.v1.CatalogService",
    "sluice.config.v1.ConnectionService",
    "sluice.config.v1.DestinationService",
    "sluice.delivery.v1.DeadLetterService",
    "sluice.delivery.v1.DeliveryService",
    "sluice.delivery.v1.ReceiptService",
    "sluice.delivery.v1.RunService",
]
INTERNAL_SERVICES = ["sluice.auth.v1.TokenService", "sluice.config.v1.PlanService"]

WORKSPACE = "workspaces/conformance"
CONNECTION = f"{WORKSPACE}/connections/acme"
DESTINATION = f"{WORKSPACE}/destinations/contacts"
PRODUCER = "python-conformance"

# The simulator's sample org.
ORG_HOST = "acme.my.salesforce.com"
CLIENT_ID = "sluice-sample-client"
CLIENT_SECRET = "sluice-sample-secret"
WRITTEN_FIELDS = ["LastName", "FirstName", "Email", "crm_2_seg__c", "vip_customers__c", "newsletter__c"]

# Sequence 6 is the malformed one.
GOOD_SEQUENCES = [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
BAD_SEQUENCE = 6
LAST_SEQUENCE = 11

# For each single call and for the whole delivery.
PATIENCE_SECONDS = 60


class Unmet(Exception):
    """Something that should hold does not; the text says what is there instead."""


def expect(holds, instead):
    """Raises `Unmet` unless the first argument is true."""
    if not holds:
        raise Unmet(str(instead))


def expect_equal(found, wanted, what):
    expect(found == wanted, f"{what} is {found!r} and not {wanted!r}")


class Refusal:
    """An error status with its details, as grpcio-status reads them."""

    def __init__(self, error):
        self.code = error.code()
        self.message = error.details()
        self.reason = ""
        self.fields = {}
        self.preconditions = {}
        status = rpc_status.from_call(error)
        for detail in status.details if status is not None else []:
            if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
                info = error_details_pb2.ErrorInfo()
                detail.Unpack(info)
                self.reason = info.reason
            elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
                bad = error_details_pb2.BadRequest()
                detail.Unpack(bad)
                self.fields = {one.field: one.description for one in bad.field_violations}
            elif detail.Is(error_details_pb2.PreconditionFailure.DESCRIPTOR):
                failure = error_details_pb2.PreconditionFailure()
                detail.Unpack(failure)
                self.preconditions = {one.subject: one.description for one in failure.violations}

    def __str__(self):
        return f"{self.code.name} {self.reason}: {self.message} {self.fields}"


def refusal(call, request):
    """Returns how a call is refused; a call that succeeds does not do what is wanted."""
    try:
        answer = call(request, timeout=PATIENCE_SECONDS)
    except grpc.RpcError as error:
        return Refusal(error)
    raise Unmet(f"the call succeeded: {answer}")


class Simulator:
    """The simulated Salesforce, by its admin surface."""

    def __init__(self, url):
        self._records = f"{url}/simulator/orgs/{ORG_HOST}/records/Contact"

    def contacts(self):
        """Returns every Contact by its id, with the fields that this script may write."""
        with urllib.request.urlopen(self._records, timeout=PATIENCE_SECONDS) as answer:
            records = json.load(answer)
        return {record["Id"]: {name: record.get(name) for name in WRITTEN_FIELDS} for record in records}

    def wait(self):
        """Returns when it answers."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.contacts()
            except (urllib.error.URLError, ConnectionError) as error:
                if time.monotonic() > deadline:
                    raise Unmet(f"the simulator does not answer: {error}") from error
                time.sleep(0.1)


class Reflection:
    """Server reflection, version 1.

    The Python package has only the messages of v1alpha, which are the same but for their names.
    """

    def __init__(self, channel):
        self._ask = channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )

    def services(self):
        answer = self._answer(reflection_pb2.ServerReflectionRequest(list_services=""))
        return {service.name for service in answer.list_services_response.service}

    def methods(self, service):
        """Returns the names of a service's methods, as its descriptor tells them."""
        answer = self._answer(reflection_pb2.ServerReflectionRequest(file_containing_symbol=service))
        for serialized in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(serialized)
            for described in file.service:
                if f"{file.package}.{described.name}" == service:
                    return [method.name for method in described.method]
        raise Unmet(f"{service} is not described: {answer.error_response}")

    def _answer(self, request):
        return next(self._ask(iter([request]), timeout=PATIENCE_SECONDS))


class DeliverStream:
    """One stream of updates, with its answers."""

    def __init__(self, stub):
        self._requests = queue.Queue()
        self._answers = stub.Deliver(iter(self._requests.get, None), timeout=PATIENCE_SECONDS)
        self._requests.put(delivery.DeliverRequest(open=delivery.Open(producer=PRODUCER)))
        answer = next(self._answers)
        expect_equal(answer.WhichOneof("answer"), "opened", "the first answer")
        self.last_accepted_sequence = answer.opened.last_accepted_sequence

    def send(self, updates):
        batch = delivery.UpdateBatch(destination=DESTINATION, updates=updates)
        self._requests.put(delivery.DeliverRequest(batch=batch))

    def answers_through(self, sequence):
        """Returns the refused updates by their sequence, once everything up to `sequence` is answered."""
        invalid = {}
        for answer in self._answers:
            match answer.WhichOneof("answer"):
                case "invalid":
                    invalid[answer.invalid.sequence] = answer.invalid
                case "answered_through" if answer.answered_through >= sequence:
                    return invalid
        raise Unmet(f"the stream ended before {sequence} was answered")

    def close(self):
        self._requests.put(None)
        for answer in self._answers:
            raise Unmet(f"an answer to nothing: {answer}")


def timestamp(seconds):
    return timestamp_pb2.Timestamp(seconds=int(seconds))


def attribute(path, value):
    if value is None:
        return profile.Attribute(path=path, null_value=profile.NullValue())
    return profile.Attribute(path=path, string_value=value)


class Conformance:
    """The checks, in the order in which they build on each other. Each one's docstring is its line."""

    def __init__(self, address, simulator_url):
        self.channel = grpc.insecure_channel(address)
        self.simulator = Simulator(simulator_url)
        self.credentials = credentials_grpc.CredentialServiceStub(self.channel)
        self.catalog = catalog_grpc.CatalogServiceStub(self.channel)
        self.connections = connections_grpc.ConnectionServiceStub(self.channel)
        self.destinations = destinations_grpc.DestinationServiceStub(self.channel)
        self.delivery = delivery_grpc.DeliveryServiceStub(self.channel)
        self.receipts = receipts_grpc.ReceiptServiceStub(self.channel)
        # What Salesforce held before, and what it must hold at the end.
        self.before = {}
        self.wanted = {}
        self.updates = []

    def checks(self):
        return [
            self.both_answer,
            self.reflection_lists_the_public_services,
            self.health_is_serving,
            self.the_catalog_has_salesforce_crm,
            self.a_missing_field_is_named,
            self.a_connection_is_created,
            self.wrong_credentials_are_told_apart,
            self.the_connection_is_connected,
            self.a_destination_is_created,
            self.field_mappings_are_set,
            self.segments_are_added,
            self.a_wrong_mapping_id_stops_activation,
            self.the_mapping_id_is_mended,
            self.the_destination_is_activated,
            self.a_stale_etag_is_aborted,
            self.ten_updates_are_accepted_around_a_bad_one,
            self.ten_receipts_say_delivered,
            self.salesforce_holds_what_was_sent,
            self.a_second_stream_goes_on_where_the_first_stopped,
        ]

    def both_answer(self):
        """Sluice and the simulator answer"""
        self.before = self.simulator.wait()
        expect(len(self.before) >= len(GOOD_SEQUENCES), f"{len(self.before)} Contacts are there")
        grpc.channel_ready_future(self.channel).result(timeout=PATIENCE_SECONDS)

    def reflection_lists_the_public_services(self):
        """server reflection lists the public services, describes them, and hides the internal ones"""
        reflection = Reflection(self.channel)
        listed = reflection.services()
        missing = [name for name in PUBLIC_SERVICES if name not in listed]
        expect(not missing, f"missing: {missing}; listed: {sorted(listed)}")
        shown = [name for name in INTERNAL_SERVICES if name in listed]
        expect(not shown, f"public: {shown}")
        for name in PUBLIC_SERVICES:
            expect(reflection.methods(name), f"{name} has no methods")

    def health_is_serving(self):
        """health is SERVING, overall and for each service"""
        health = health_pb2_grpc.HealthStub(self.channel)
        for name in ["", *PUBLIC_SERVICES]:
            request = health_pb2.HealthCheckRequest(service=name)
            status = health.Check(request, timeout=PATIENCE_SECONDS).status
            expect_equal(status, health_pb2.HealthCheckResponse.SERVING, f"the health of '{name}'")

    def the_catalog_has_salesforce_crm(self):
        """the catalog lists Salesforce CRM, and marks what is secret"""
        request = catalog.ListCatalogEntriesRequest(category="CRM")
        entries = self.catalog.ListCatalogEntries(request, timeout=PATIENCE_SECONDS).entries
        expect_equal([entry.display_name for entry in entries], ["Salesforce CRM"], "the list")
        fields = {field.name: field for field in entries[0].fields}
        expect(fields["connection.custom_domain"].required, "the custom domain is not required")
        expect(fields["client_credentials.client_secret"].secret, "the client secret is not marked as secret")

    def a_missing_field_is_named(self):
        """a missing field is INVALID_ARGUMENT, and its BadRequest names it"""
        refused = refusal(
            self.connections.CreateConnection,
            connections.CreateConnectionRequest(
                parent=WORKSPACE,
                connection_id="acme",
                connection=connection.Connection(display_name="Acme"),
            ),
        )
        expect_equal(refused.code, grpc.StatusCode.INVALID_ARGUMENT, "the code")
        expect("connection.custom_domain" in refused.fields, refused)
        expect(refused.reason != "", f"no ErrorInfo: {refused}")

    def a_connection_is_created(self):
        """a connection is created from the prefix of its domain"""
        request = connections.CreateConnectionRequest(
            parent=WORKSPACE,
            connection_id="acme",
            connection=connection.Connection(display_name="Acme", custom_domain="acme"),
        )
        created = self.connections.CreateConnection(request, timeout=PATIENCE_SECONDS).connection
        expect_equal(created.name, CONNECTION, "the name")
        expect_equal(created.custom_domain, ORG_HOST, "the host")
        expect(created.etag != "", "no etag")

    def wrong_credentials_are_told_apart(self):
        """wrong credentials are an answer that says what to do, and the secret is never answered"""
        info = self._put_credentials("not-the-secret")
        expect_equal((info.grant, info.client_id), ("client_credentials", CLIENT_ID), "what is stored")
        expect("not-the-secret" not in str(info), "the secret was answered")
        check = self._check_connection()
        expect_equal(check.state, connection.CONNECTION_STATE_REFUSED, "the state")
        expect(check.reason and check.message and check.fix, check)

    def the_connection_is_connected(self):
        """with the right credentials the connection is CONNECTED, with the org's name and user"""
        self._put_credentials(CLIENT_SECRET)
        check = self._check_connection()
        expect_equal(check.state, connection.CONNECTION_STATE_CONNECTED, f"the state ({check.message})")
        expect_equal(check.org_name, "Acme", "the org's name")
        expect_equal(len(check.org_id), 18, "the length of the org's id")
        expect(check.username != "", "no user")

    def a_destination_is_created(self):
        """a Contact destination is created as a draft"""
        request = destinations.CreateDestinationRequest(
            parent=WORKSPACE,
            destination_id="contacts",
            destination=destination.Destination(
                display_name="Contacts",
                connection=CONNECTION,
                record_type=destination.RECORD_TYPE_CONTACT,
                max_delay=duration_pb2.Duration(seconds=1),
            ),
        )
        created = self.destinations.CreateDestination(request, timeout=PATIENCE_SECONDS).destination
        expect_equal(created.name, DESTINATION, "the name")
        expect_equal(created.desired_state, destination.DESIRED_STATE_DRAFT, "the state")
        expect_equal(created.export_type, destination.EXPORT_TYPE_PROFILE_BASED, "the export type")

    def field_mappings_are_set(self):
        """field mappings are set as one unit"""

        def mapping(source, target):
            return destination.FieldMapping(
                source=destination.FieldSource(**source), target=destination.FieldTarget(**target)
            )

        mappings = [
            mapping({"identity_namespace": "crmID"}, {"identity": "SalesforceId"}),
            mapping({"attribute_path": "person.name.lastName"}, {"field": "LastName"}),
            mapping({"attribute_path": "person.name.firstName"}, {"field": "FirstName"}),
            mapping({"attribute_path": "personalEmail.address"}, {"field": "Email"}),
        ]
        request = destinations.SetFieldMappingsRequest(name=DESTINATION, field_mappings=mappings)
        stored = self.destinations.SetFieldMappings(request, timeout=PATIENCE_SECONDS).destination
        expect_equal(list(stored.field_mappings), mappings, "what is stored")

    def segments_are_added(self):
        """two segments are added; __c is neither needed nor doubled"""
        request = destinations.AddSegmentsRequest(
            name=DESTINATION,
            segments=[
                destination.SegmentActivation(segment="seg-crm", display_name="CRM", mapping_id="crm_2_seg"),
                destination.SegmentActivation(segment="seg-vip", display_name="VIP", mapping_id="vip_custommers__c"),
            ],
        )
        stored = self.destinations.AddSegments(request, timeout=PATIENCE_SECONDS).destination
        fields = {segment.segment: segment.field for segment in stored.segments}
        expect_equal(fields, {"seg-crm": "crm_2_seg__c", "seg-vip": "vip_custommers__c"}, "the fields")

    def a_wrong_mapping_id_stops_activation(self):
        """a Mapping ID that the org lacks is FAILED_PRECONDITION, and the details name the field"""
        refused = refusal(
            self.destinations.ActivateDestination,
            destinations.ActivateDestinationRequest(name=DESTINATION),
        )
        expect_equal(refused.code, grpc.StatusCode.FAILED_PRECONDITION, "the code")
        for details in (refused.fields, refused.preconditions):
            expect_equal(list(details), ["segments[1].mapping_id"], "what is at fault")
            expect("vip_custommers__c" in details["segments[1].mapping_id"], refused)

    def the_mapping_id_is_mended(self):
        """the Mapping ID is mended by an update that names it alone"""
        request = destinations.UpdateSegmentRequest(
            name=DESTINATION,
            segment=destination.SegmentActivation(segment="seg-vip", mapping_id="vip_customers"),
            update_mask=field_mask_pb2.FieldMask(paths=["mapping_id"]),
        )
        stored = self.destinations.UpdateSegment(request, timeout=PATIENCE_SECONDS).destination
        mended = {segment.segment: segment for segment in stored.segments}["seg-vip"]
        expect_equal((mended.field, mended.display_name), ("vip_customers__c", "VIP"), "the segment")

    def the_destination_is_activated(self):
        """the destination is activated"""
        request = destinations.ActivateDestinationRequest(name=DESTINATION)
        stored = self.destinations.ActivateDestination(request, timeout=PATIENCE_SECONDS).destination
        expect_equal(stored.desired_state, destination.DESIRED_STATE_ENABLED, "the state")
        expect(stored.revision > 0, "it has no revision")

    def a_stale_etag_is_aborted(self):
        """of two changes of one etag the second is ABORTED"""
        request = destinations.GetDestinationRequest(name=DESTINATION)
        etag = self.destinations.GetDestination(request, timeout=PATIENCE_SECONDS).destination.etag

        def change(display_name):
            return destinations.UpdateDestinationRequest(
                destination=destination.Destination(name=DESTINATION, display_name=display_name, etag=etag),
                update_mask=field_mask_pb2.FieldMask(paths=["display_name"]),
            )

        first = self.destinations.UpdateDestination(change("First"), timeout=PATIENCE_SECONDS)
        expect(first.destination.etag != etag, "the etag stayed the same")
        refused = refusal(self.destinations.UpdateDestination, change("Second"))
        expect_equal(refused.code, grpc.StatusCode.ABORTED, "the code")
        expect(refused.reason != "", f"no ErrorInfo: {refused}")
        left = self.destinations.GetDestination(request, timeout=PATIENCE_SECONDS).destination.display_name
        expect_equal(left, "First", "the name that stays")

    def ten_updates_are_accepted_around_a_bad_one(self):
        """ten updates are accepted; the malformed one in their midst is answered by its sequence"""
        self._prepare_updates()
        malformed = profile.ProfileUpdate(
            sequence=BAD_SEQUENCE,
            identities=[profile.Identity(namespace="crmID", id=next(iter(self.before)))],
            attributes=[profile.Attribute(path="person.name.lastName")],
        )
        middle = GOOD_SEQUENCES.index(BAD_SEQUENCE + 1)
        stream = self._open_when_enabled()
        expect_equal(stream.last_accepted_sequence, 0, "the last accepted sequence of a new producer")
        stream.send([*self.updates[:middle], malformed, self.updates[middle]])
        stream.send(self.updates[middle + 1 :])
        invalid = stream.answers_through(LAST_SEQUENCE)
        stream.close()
        expect_equal(list(invalid), [BAD_SEQUENCE], f"what was refused ({invalid})")
        expect("attributes[0]" in invalid[BAD_SEQUENCE].field, invalid)
        expect(invalid[BAD_SEQUENCE].reason and invalid[BAD_SEQUENCE].message, invalid)

    def ten_receipts_say_delivered(self):
        """ten receipts say DELIVERED, one for each accepted update"""
        settled = self._settled(len(GOOD_SEQUENCES))
        wanted = {sequence: ("OUTCOME_DELIVERED", "WRITTEN") for sequence in GOOD_SEQUENCES}
        expect_equal(settled, wanted, "the outcomes")

    def salesforce_holds_what_was_sent(self):
        """Salesforce holds what was sent, field by field, and every other Contact as before"""
        found = self.simulator.contacts()
        wrong = [
            f"{record}.{field} is {found.get(record, {}).get(field)!r} and not {value!r}"
            for record, fields in self.wanted.items()
            for field, value in fields.items()
            if found.get(record, {}).get(field) != value
        ]
        expect(not wrong, "; ".join(wrong))
        expect_equal(set(found), set(self.wanted), "the set of Contacts")

    def a_second_stream_goes_on_where_the_first_stopped(self):
        """a second stream is told the last accepted sequence, and what is sent again is not written again"""
        stream = DeliverStream(self.delivery)
        expect_equal(stream.last_accepted_sequence, LAST_SEQUENCE, "the last accepted sequence")
        again = self._update(LAST_SEQUENCE, list(self.before)[0], "Sent again")
        new_record = list(self.before)[-1]
        new = self._update(LAST_SEQUENCE + 1, new_record, "New")
        stream.send([again, new])
        expect_equal(stream.answers_through(LAST_SEQUENCE + 1), {}, "what was refused")
        stream.close()
        settled = self._settled(len(GOOD_SEQUENCES) + 1)
        expect_equal(set(settled), {*GOOD_SEQUENCES, LAST_SEQUENCE + 1}, "what is settled")
        self.wanted[new_record]["LastName"] = "New"
        self.salesforce_holds_what_was_sent()

    def _put_credentials(self, client_secret):
        request = credentials.PutCredentialsRequest(
            connection=CONNECTION,
            client_credentials=credentials.ClientCredentialsGrant(client_id=CLIENT_ID, client_secret=client_secret),
        )
        return self.credentials.PutCredentials(request, timeout=PATIENCE_SECONDS).info

    def _check_connection(self):
        request = connections.CheckConnectionRequest(name=CONNECTION)
        return self.connections.CheckConnection(request, timeout=PATIENCE_SECONDS).check

    def _open_when_enabled(self):
        """Opens a stream once delivery says that it has the destination's plan."""
        request = destinations.GetDestinationRequest(name=DESTINATION)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status = self.destinations.GetDestination(request, timeout=PATIENCE_SECONDS).destination.delivery_status
            if status.state == destination.DELIVERY_STATE_DELIVERING:
                return DeliverStream(self.delivery)
            expect(time.monotonic() < deadline, f"delivery does not take the destination up: {status}")
            time.sleep(0.1)

    def _settled(self, updates):
        """Returns outcome and reason by sequence, once so many updates are settled."""
        request = receipts.WatchReceiptsRequest(producer=PRODUCER, destination=DESTINATION)
        settled = {}
        stream = self.receipts.WatchReceipts(request, timeout=PATIENCE_SECONDS)
        for answer in stream:
            for receipt in answer.receipts:
                settled[receipt.sequence] = (outcome.Outcome.Name(receipt.outcome), receipt.reason)
            if len(settled) >= updates:
                break
        stream.cancel()
        return settled

    def _update(self, sequence, record, last_name):
        """Returns an update of one Contact's last name."""
        return profile.ProfileUpdate(
            sequence=sequence,
            identities=[profile.Identity(namespace="crmID", id=record, primary=True)],
            attributes=[attribute("person.name.lastName", last_name)],
        )

    def _prepare_updates(self):
        """Writes the ten updates, and what each makes of its Contact."""
        self.wanted = {record: dict(fields) for record, fields in self.before.items()}
        now = time.time()
        names = ["Muñoz", "王", "O'Neill", "Łukasiewicz", "أحمد", "Müller", "Ng", "Παπαδόπουλος", "de la Cruz", "Ōta"]
        statuses = {
            "realized": profile.SEGMENT_STATUS_REALIZED,
            "existing": profile.SEGMENT_STATUS_EXISTING,
            "exited": profile.SEGMENT_STATUS_EXITED,
        }
        for index, (sequence, record) in enumerate(zip(GOOD_SEQUENCES, self.before)):
            wanted = self.wanted[record]
            wanted["LastName"] = names[index]
            attributes = [attribute("person.name.lastName", names[index])]
            # A null blanks the field, an absent attribute leaves it as it is.
            if index % 3 != 2:
                wanted["FirstName"] = None if index % 3 == 1 else f"First{index}"
                attributes.append(attribute("person.name.firstName", wanted["FirstName"]))
            if index % 2 == 0:
                wanted["Email"] = f"person{index}@conformance.example"
                attributes.append(attribute("personalEmail.address", wanted["Email"]))
            status = list(statuses)[index % 3]
            wanted["crm_2_seg__c"] = status
            memberships = [
                profile.SegmentMembership(
                    segment="seg-crm",
                    status=statuses[status],
                    last_qualification_time=timestamp(now - 3600),
                )
            ]
            if index % 4 == 0:
                wanted["vip_customers__c"] = "realized"
                memberships.append(profile.SegmentMembership(namespace="ups", segment="seg-vip"))
            self.updates.append(
                profile.ProfileUpdate(
                    sequence=sequence,
                    update_id=f"conformance-{sequence}",
                    event_time=timestamp(now),
                    identities=[profile.Identity(namespace="crmID", id=record, primary=True)],
                    attributes=attributes,
                    segment_memberships=memberships,
                )
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help="public address of Sluice, host:port")
    parser.add_argument("--simulator", required=True, help="URL of the simulator")
    arguments = parser.parse_args()

    conformance = Conformance(arguments.address, arguments.simulator.rstrip("/"))
    for check in conformance.checks():
        try:
            check()
        except Unmet as unmet:
            print(f"FAILED: {check.__doc__}: {unmet}")
            return 1
        except grpc.RpcError as error:
            print(f"FAILED: {check.__doc__}: {Refusal(error)}")
            return 1
        except Exception:  # The line must be printed whatever it is.
            traceback.print_exc()
            print(f"FAILED: {check.__doc__}")
            return 1
        print(f"ok: {check.__doc__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
