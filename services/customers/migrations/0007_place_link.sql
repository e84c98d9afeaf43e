-- Links to a customer's own place hold this number; raising it ends all that were made before.
alter table customer add column link_generation integer not null default 0;
