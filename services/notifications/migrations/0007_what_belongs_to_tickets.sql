-- Customers are told of what belongs to a ticket too: returns, what makes up for something, promises. Such a message leads to the page of the
-- ticket, refers to it and carries its number, which the events of tickets bring.

-- `tickets/{id}`; null: its subject is the ticket, or it is about none.
alter table notification add column ticket text;

create table known_ticket (
    ticket text not null,
    number text not null,
    constraint known_ticket_pkey primary key (ticket)
);
-- Of tickets that were heard of before, the first message says it.
insert into known_ticket (ticket, number)
select distinct subject, variables #>> '{ticket_number,code}' from notification
where subject like 'tickets/%' and variables #>> '{ticket_number,code}' is not null;
