-- Jobs say how far they are, and can be cancelled by whoever asked for them.

ALTER TABLE jobs ADD COLUMN cancelled_at BIGINT; -- when its owner cancelled it while it ran; null: not. Whoever holds it writes no result any more, and it is only cleared away
ALTER TABLE jobs ADD COLUMN started_at BIGINT; -- when the present lease began; null: free
ALTER TABLE jobs ADD COLUMN progress BIGINT NOT NULL DEFAULT 0; -- thousandths of the present run that are done
ALTER TABLE jobs ADD COLUMN progress_at BIGINT; -- when `progress` last changed; null: not yet in this run
CREATE INDEX jobs_subject ON jobs (kind, subject);
