-- Lists of tickets by their risk: few have any, and those are looked for all day.
create index ticket_at_risk on ticket (risk_level, created_at, id) where risk_level <> 'low';
