-- The parts of the company that serve customers: their hours and contact details are data that somebody owns and every page shows.

create table department (
    id uuid not null,
    version bigint not null,
    key text not null,
    -- By language.
    titles jsonb not null,
    calendar jsonb not null,
    -- Counts the calendar's changes: clocks keep to the version with which they began.
    calendar_version bigint not null,
    email text,
    phone text,
    web_page text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint department_pkey primary key (id),
    -- ST1
    constraint department_key_once unique (key)
);

-- ST2: a kind of tickets comes to one department.
create table department_ticket_kind (
    kind text not null,
    department_id uuid not null references department,
    constraint department_ticket_kind_pkey primary key (kind)
);
create index department_ticket_kind_department on department_ticket_kind (department_id);

-- A department with everything that belongs to it: the one shape that reads use.
create view department_whole as
select d.*, array(select k.kind from department_ticket_kind k where k.department_id = d.id order by k.kind) as ticket_kinds
from department d;
