-- What was ordered, as far as the seller says so: only what was delivered can be given back.
--
-- [{item, quantity}]; an item is an article, and names nobody.
alter table customer_order add column items jsonb not null default '[]';
