-- Messages about customers' tickets, and questions how it went: both can be refused.

alter table category drop constraint category_class_known;
alter table category add constraint category_class_known check (class in ('transactional', 'service', 'survey', 'marketing'));

insert into category (key, version, class, interruptive, duplicate_policy, time_to_live_seconds) values
    -- Whether a problem is solved is worth asking for as long as a ticket waits for the answer.
    ('tickets', 1, 'service', false, 'at_least_once', 7 * 86400),
    -- To be asked twice is worse than not to be asked.
    ('surveys', 1, 'survey', false, 'at_most_once', 7 * 86400);
