-- A customer's tickets, and what the customer was asked, as the services that own them last told: read models of the place, without anybody's
-- words. Enums are kept as the contract numbers them, so that a value newer than this version passes through.

alter table timeline_entry validate constraint timeline_entry_kind_known;

create table customer_ticket (
    id uuid not null,
    customer_id uuid not null references customer,
    -- Of the event that told it so: an older one never writes over it.
    sequence bigint not null,
    number text not null,
    kind integer not null,
    state integer not null,
    closure integer not null,
    subject text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint customer_ticket_pkey primary key (id)
);
create index customer_ticket_newest on customer_ticket (customer_id, created_at, id);

create table customer_invitation (
    id uuid not null,
    customer_id uuid not null references customer,
    sequence bigint not null,
    subject text not null,
    state integer not null,
    suppress_reason integer not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint customer_invitation_pkey primary key (id)
);
create index customer_invitation_newest on customer_invitation (customer_id, created_at, id);

-- An answer has a sequence of its own, and may be heard of before its invitation: the two do not write over each other.
create table customer_response (
    invitation_id uuid not null,
    customer_id uuid not null references customer,
    sequence bigint not null,
    score integer,
    constraint customer_response_pkey primary key (invitation_id)
);
-- Erasure finds them by their customer.
create index customer_response_customer on customer_response (customer_id);

-- What a customer was asked, with the score of the answer.
create view customer_survey as
select i.id, i.customer_id, i.subject, i.state, i.suppress_reason, i.created_at, i.updated_at,
       (select r.score from customer_response r where r.invitation_id = i.id) as score
from customer_invitation i;
