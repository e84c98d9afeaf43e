-- A case follows the ticket that its own one was merged into, and is found by it.
create index loop_case_ticket on loop_case (ticket_id);
