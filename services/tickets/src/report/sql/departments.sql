-- All departments, or the one of $1.
select id from department where $1::uuid is null or id = $1 order by id
