-- What mailboxes are named with (CU28): who has this key and an address can tell its name; who has only names cannot tell addresses.
create table mailbox_key (
    is_the_one boolean not null default true,
    -- Of two random ids: 244 random bits.
    key text not null default gen_random_uuid()::text || gen_random_uuid()::text,
    constraint mailbox_key_pkey primary key (is_the_one),
    constraint mailbox_key_one check (is_the_one)
);
insert into mailbox_key default values;
