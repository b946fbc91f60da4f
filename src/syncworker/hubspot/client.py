"""What can be asked of HubSpot for one portal?

Every method is one call, or as few as the answer's paging needs. All raise RetryLater, FixRequest,
FixCredentials or Gone (see `errors`), after the short retries of `retrying`. Ids beyond what HubSpot takes at
once are the caller's to divide: a ValueError says so.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from syncworker.hubspot import batches, reading
from syncworker.hubspot.calling import Call, Caller
from syncworker.hubspot.credentials import Credentials
from syncworker.hubspot.errors import Gone
from syncworker.hubspot.json_values import JsonObject, read_objects
from syncworker.hubspot.listing import Listing, read_listing
from syncworker.hubspot.paths import Kind, Paths, object_path_name
from syncworker.hubspot.quota import Lane
from syncworker.hubspot.rate_limit import RateLimiter
from syncworker.hubspot.records import (
    AccountInfo,
    Association,
    BatchRead,
    BatchUpdate,
    CallMade,
    Filter,
    Form,
    Page,
    Record,
    SearchPage,
    Sort,
    SubmissionPage,
)
from syncworker.hubspot.schema_calls import SchemaCalls
from syncworker.hubspot.transport import READ_TIMEOUT_S, Transport

# HubSpot's CRM API guides: inputs of a batch, and of an association batch read.
MOST_IN_BATCH = 100
MOST_ASSOCIATIONS = 1000


class HubSpotClient(SchemaCalls):
    """One portal's HubSpot. Thread-safe; hold it for the life of the process, for its connections."""

    def __init__(
        self,
        *,
        hub_id: int,
        base_url: str,
        api_version: str,
        credentials: Credentials,
        limiter: RateLimiter,
        on_call: Callable[[CallMade], None] | None = None,
        timeout_s: float = READ_TIMEOUT_S,
        wait_s: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`timeout_s` bounds one exchange, `wait_s` the wait for quota before it."""
        self.hub_id = hub_id
        self._transport = Transport(base_url, timeout_s=timeout_s)
        super().__init__(
            Paths(api_version),
            Caller(
                hub_id=hub_id,
                transport=self._transport,
                credentials=credentials,
                limiter=limiter,
                on_call=on_call,
                wait_s=wait_s,
                sleep=sleep,
            ),
        )

    def in_lane(self, lane: Lane) -> HubSpotClient:
        """The same client, over the same connections, whose calls are of this lane. Interactive is the default."""
        other = copy.copy(self)
        other._caller = self._caller.in_lane(lane)
        return other

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def batch_read(
        self,
        object_type: Kind,
        ids: Collection[str],
        *,
        properties: Sequence[str],
        history: Sequence[str] = (),
        id_property: str | None = None,
        archived: bool = False,
    ) -> BatchRead:
        """Read up to 100 records by id, or by the property `id_property` (emails in any case).

        One call; where records come back under ids that nobody asked for and that do not say which ids they
        had before their merge, one more for each asked record that is not accounted for.
        """
        asked = list(dict.fromkeys(key.lower() if id_property == "email" else key for key in ids))
        if not asked:
            return BatchRead(found={})
        _at_most(MOST_IN_BATCH, asked)
        # Needed to say whose record it is that came back.
        echoed = ("email", "hs_additional_emails") if id_property == "email" else (id_property,)
        body: JsonObject = {
            "inputs": [{"id": key} for key in asked],
            "properties": _union(properties, echoed if id_property else (reading.MERGED_IDS,)),
            "propertiesWithHistory": list(history),
        }
        if id_property:
            body["idProperty"] = id_property
        call = Call(
            method="POST",
            path=self.paths.batch(object_type, "read"),
            query=[("archived", "true")] if archived else [],
            body=body,
        )
        # Matched inside the call: part of the records failing for the moment is a reason to ask again.
        matched = self._caller.call(
            call,
            lambda source: batches.match(
                asked,
                batches.read_batch(object_type, source),
                id_property=id_property,
                route=call.route,
            ),
        )
        found, missing = dict(matched.found), set(matched.missing)
        for key in sorted(matched.open):
            try:
                found[key] = self.get(object_type, key, properties=properties, history=history, id_property=id_property)
            except Gone:
                missing.add(key)
        moved = {} if id_property else {key: record.id for key, record in found.items() if record.id != key}
        return BatchRead(found=found, missing=frozenset(missing), moved=moved)

    def associations(self, from_type: Kind, to_type: Kind, ids: Collection[str]) -> dict[str, list[Association]]:
        """The associated records of up to 1000 records, every page of them. Each asked id is a key."""
        asked = list(dict.fromkeys(ids))
        _at_most(MOST_ASSOCIATIONS, asked)
        found: dict[str, list[Association]] = {key: [] for key in asked}
        path = self.paths.associations_read(from_type, to_type)
        inputs: list[dict[str, str]] = [{"id": key} for key in asked]
        while inputs:
            call = Call(method="POST", path=path, body={"inputs": inputs})
            page = self._caller.call(
                call, lambda source: batches.read_associations(found, source, route=f"POST {path}")
            )
            for key, more in page.found.items():
                found[key] += more
            at = {one["id"]: one.get("after") for one in inputs}
            inputs = [{"id": key, "after": after} for key, after in page.after.items() if after != at.get(key)]
        return found

    def batch_update(self, object_type: Kind, changes: Mapping[str, Mapping[str, str]]) -> BatchUpdate:
        """Set properties of up to 100 records; an empty string clears one. What failed is said per record.

        Raises FixRequest where HubSpot refuses the batch as a whole, for whichever record: split it then.
        """
        if not changes:
            return BatchUpdate(updated=frozenset())
        _at_most(MOST_IN_BATCH, changes)
        call = Call(
            method="POST",
            path=self.paths.batch(object_type, "update"),
            # The trace id comes back in the errors of a 207, and names the record there.
            body={
                "inputs": [
                    {"id": key, "properties": dict(values), "objectWriteTraceId": key}
                    for key, values in changes.items()
                ]
            },
        )
        return self._caller.call(call, lambda source: batches.read_update(changes.keys(), source, route=call.route))

    def create_once(
        self, object_type: Kind, properties: Mapping[str, str], *, associated: Sequence[tuple[str, int]] = ()
    ) -> str:
        """Create a record, and return its id; `associated`: with these ids, by HubSpot's own association types.

        Not repeated: a RetryLater that is no 429 leaves open whether the record was made.
        """
        body: JsonObject = {
            "properties": dict(properties),
            "associations": [
                {
                    "to": {"id": to},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}],
                }
                for to, type_id in associated
            ],
        }
        call = Call(method="POST", path=self.paths.objects(object_type), body=body, once=True)
        return self._caller.call(call, lambda source: reading.read_record(object_type, source).id)

    def search(
        self,
        object_type: Kind,
        *,
        filter_groups: Sequence[Sequence[Filter]],
        sort: Sort | None,
        properties: Sequence[str],
        limit: int = 200,
        after: str | None = None,
    ) -> SearchPage:
        """A page of the records that match any of the groups, each all of its filters.

        `limit` is at most 200, `after` an offset below 10,000; HubSpot answers FixRequest beyond. Search lags
        behind the records by moments, and may give a record that matches no more.
        """
        body: JsonObject = {
            "filterGroups": [{"filters": [_filter(one) for one in group]} for group in filter_groups],
            "properties": list(properties),
            "limit": limit,
        }
        if sort is not None:
            direction = "DESCENDING" if sort.descending else "ASCENDING"
            body["sorts"] = [{"propertyName": sort.property_name, "direction": direction}]
        if after is not None:
            body["after"] = after
        call = Call(method="POST", path=self.paths.search(object_type), body=body, bucket="search")
        return self._caller.call(call, lambda source: reading.read_search_page(object_type, source, at=after))

    def list_page(
        self,
        object_type: Kind,
        *,
        properties: Sequence[str],
        after: str | None = None,
        limit: int = 100,
        archived: bool = False,
        associations: Sequence[Kind] = (),
    ) -> Page:
        """A page of all records in ascending id, with the associations of the named kinds."""
        call = self._list(object_type, properties, after, limit=limit, archived=archived, associations=associations)
        return self._caller.call(call, lambda source: reading.read_page(object_type, source, at=after))

    def listing(
        self,
        object_type: Kind,
        *,
        properties: Sequence[str],
        after: str | None = None,
        associations: Sequence[Kind] = (),
    ) -> Listing:
        """The same of those that are not archived, a hundred at once, of which no records are made yet."""
        call = self._list(
            object_type, properties, after, limit=MOST_IN_BATCH, archived=False, associations=associations
        )
        return self._caller.call(call, lambda source: read_listing(object_type, source, at=after))

    def _list(
        self,
        object_type: Kind,
        properties: Sequence[str],
        after: str | None,
        *,
        limit: int,
        archived: bool,
        associations: Sequence[Kind],
    ) -> Call:
        query = [("limit", str(limit)), ("archived", str(archived).lower())]
        query += [("properties", ",".join(properties))] if properties else []
        query += [("associations", ",".join(map(object_path_name, associations)))] if associations else []
        query += [("after", after)] if after is not None else []
        return Call(method="GET", path=self.paths.objects(object_type), query=query)

    def get(
        self,
        object_type: Kind,
        id: str,  # noqa: A002 the contract's name, and HubSpot's
        *,
        properties: Sequence[str],
        history: Sequence[str] = (),
        id_property: str | None = None,
    ) -> Record:
        """One record; of a merged one the record it is now, under its new id. Raises Gone."""
        query = [("properties", ",".join(properties))] if properties else []
        query += [("propertiesWithHistory", ",".join(history))] if history else []
        query += [("idProperty", id_property)] if id_property else []
        call = Call(
            method="GET",
            path=self.paths.objects(object_type, id),
            template=f"{self.paths.objects(object_type)}/{{id}}",
            query=query,
        )
        return self._caller.call(call, lambda source: reading.read_record(object_type, source))

    def forms(self) -> list[Form]:
        """All forms that are not archived."""
        found: list[Form] = []
        after: str | None = None
        while True:
            query = [("limit", "50")] + ([("after", after)] if after else [])
            page, after = self._caller.call(
                Call(method="GET", path=self.paths.forms, query=query),
                lambda source: (
                    [reading.read_form(item) for item in read_objects(source, "results")],
                    reading.after(source, at=after),  # noqa: B023 - run at once
                ),
            )
            found += [form for form in page if not form.archived]
            if after is None:
                return found

    def form_submissions(self, form_id: str, *, after: str | None = None, limit: int = 50) -> SubmissionPage:
        """A page of the submissions of a form, newest first; HubSpot gives at most 50."""
        query = [("limit", str(limit))] + ([("after", after)] if after else [])
        call = Call(
            method="GET",
            path=self.paths.form_submissions(form_id),
            template=self.paths.form_submissions("form").removesuffix("form") + "{form_id}",
            query=query,
        )
        return self._caller.call(call, lambda source: reading.read_submission_page(source, at=after))

    def account_info(self) -> AccountInfo:
        """Which account the token is of. Compare its `hub_id`: a token of another account must be refused."""
        return self._caller.call(Call(method="GET", path=self.paths.account_info), reading.read_account)


def _at_most(most: int, ids: Collection[str]) -> None:
    if len(ids) > most:
        raise ValueError(f"{len(ids)} records in one call; HubSpot takes {most}: divide them")


def _union(first: Sequence[str], second: Sequence[str | None]) -> list[str]:
    return list(dict.fromkeys([*first, *(name for name in second if name)]))


def _filter(one: Filter) -> JsonObject:
    body: JsonObject = {"propertyName": one.property_name, "operator": one.operator}
    if one.value is not None:
        body["value"] = one.value
    if one.values:
        body["values"] = list(one.values)
    if one.high_value is not None:
        body["highValue"] = one.high_value
    return body
