-- What is left of notifications that are no longer kept: those that a customer gets once for ever must not come again (NO1).

create table told_for_ever (
    customer_id uuid not null,
    milestone text not null,
    subject text not null,
    occasion text not null,
    constraint told_for_ever_pkey primary key (subject, customer_id, milestone, occasion)
);
