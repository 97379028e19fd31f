-- Uploads may change the set of an earlier one; a set of several uploads may be written as one layer again.

ALTER TABLE uploads ADD COLUMN mode TEXT NOT NULL DEFAULT 'full'; -- [const] full, add or remove
ALTER TABLE uploads ADD COLUMN parent TEXT REFERENCES uploads (id); -- the upload whose set it changed; null: full, or not sealed yet
ALTER TABLE uploads ADD COLUMN parent_compacted BIGINT NOT NULL DEFAULT 0; -- 1: it was sealed on the one layer that its parent's set had been written to, and is opened on that
ALTER TABLE uploads ADD COLUMN set_rows BIGINT; -- rows of the whole set, those of its parents included; null: not sealed, or sealed before there were deltas
ALTER TABLE uploads ADD COLUMN set_accepted BIGINT; -- of these, rows that take part (graph: or did, before a delta removed their person); null as above
ALTER TABLE uploads ADD COLUMN set_persons BIGINT; -- graph: persons that the whole set has numbered, 0 for a crm; null as above
ALTER TABLE uploads ADD COLUMN compacted_at BIGINT; -- when its set was written as one layer; null: it is opened layer by layer

-- Uploads of one side are sealed in the order in which they were completed: also those that wait now.
UPDATE jobs SET lane = (SELECT 'seal/' || collaboration || '/' || kind FROM uploads WHERE uploads.id = jobs.subject)
WHERE kind = 'seal' AND EXISTS (SELECT 1 FROM uploads WHERE uploads.id = jobs.subject);
