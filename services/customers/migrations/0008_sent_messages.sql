-- A customer's own place shows the newest messages that were sent: found without looking at those that were not.
create index timeline_entry_sent on timeline_entry (customer_id, occurred_at, event_id)
    where kind = 'message' and details ->> 'state' = 'sent';
