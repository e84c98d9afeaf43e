-- The next $5 tickets that were opened after ($1, $3) and before $2; of department $4, or all.
select id, number, customer_id, kind, priority, tier, state, department, assignee, opened_by(channel, cause_source) as "channel!", language,
       created_at, updated_at, resolved_at, closed_at, closure, cancel_reason, reopen_count, resolution as resolutions, root_cause,
       root_rule, matter_kind, follow_up_of, merged_into
from ticket
where (created_at, id) > ($1::timestamptz, $3::uuid) and created_at < $2 and ($4::uuid is null or department = $4)
order by created_at, id
limit $5
