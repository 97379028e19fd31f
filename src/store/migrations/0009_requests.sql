-- Requests of people have a kind, and are followed to their end at every destination.

ALTER TABLE withdrawals ADD COLUMN kind TEXT NOT NULL DEFAULT 'withdrawal'; -- [const] withdrawal, opposition or erasure
ALTER TABLE withdrawals ADD COLUMN erased_at BIGINT; -- erasures: when what was to be destroyed was; null: not yet, or nothing was to be
ALTER TABLE withdrawals ADD COLUMN erased_leaf BIGINT; -- erasures: index of the leaf that says so; null as above
ALTER TABLE withdrawals ADD COLUMN erased_again BIGINT NOT NULL DEFAULT 0; -- erasures: how often it was done again, for later uploads
ALTER TABLE parties ADD COLUMN member_ttl_days BIGINT; -- destinations: days after which a member that is not told again is dropped there; null: never
