-- Keys that push messages, and senders of messages found by their address.

alter table api_key add column scopes text[] not null default '{events.publish}';
alter table api_key add constraint api_key_scopes_known check (
    cardinality(scopes) > 0 and scopes <@ '{events.publish, messages.publish}'
);

-- Upper and lower case name one mailbox: hardly a provider tells them apart.
create index contact_point_folded on contact_point (kind, lower(value));
