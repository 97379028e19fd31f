-- The first schema. The same text runs on SQLite and on PostgreSQL: columns are TEXT or BIGINT only.
-- Times (…_at, …_until) are milliseconds since 1970-01-01T00:00:00Z. Days are YYYY-MM-DD.
-- Identifiers are 32 lowercase hexadecimal digits. States are the words of domain/state.rs.
-- [const] is written once; [state] changes along the arrows of domain/state.rs.
-- Migrations are append-only: never edit this file, add the next one.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,               -- [const] 'order', 'leaves' or 'published'
    value BIGINT NOT NULL                -- the next number to give out, so far without gaps
);
INSERT INTO counters (name, value) VALUES ('order', 0), ('leaves', 0), ('published', 0);

CREATE TABLE parties (
    name TEXT PRIMARY KEY,               -- [const] unique name
    role TEXT NOT NULL,                  -- [const] advertiser, partner, destination or auditor
    signing_key TEXT NOT NULL,           -- Ed25519 public key, base64; as of the last enrolment, like all below
    sealing_key TEXT,                    -- X25519 public key, base64; null: takes open cookies
    endpoint_url TEXT,                   -- destinations: where deliveries go, https
    endpoint_ca TEXT,                    -- destinations: PEM of the only trusted authority; null: the public ones
    webhook_secret TEXT,                 -- destinations: webhook secret, sealed under webhook_key, base64
    webhook_key TEXT,                    -- destinations: data key, wrapped by the key-encryption key
    enrolled_at BIGINT NOT NULL          -- when
);

CREATE TABLE certificates (
    sha256 TEXT PRIMARY KEY,             -- [const] SHA-256 of the client certificate's DER, hexadecimal
    party TEXT NOT NULL REFERENCES parties (name), -- [const] whom it names
    issued_at BIGINT NOT NULL,           -- [const] when
    not_after BIGINT NOT NULL            -- [const] its last moment
);

CREATE TABLE invitations (
    token_hash TEXT PRIMARY KEY,         -- [const] SHA-256 of the one-time token, hexadecimal; the token itself is nowhere
    name TEXT NOT NULL,                  -- [const] the party's name-to-be
    role TEXT NOT NULL,                  -- [const] the party's role-to-be
    created_at BIGINT NOT NULL,          -- [const] when
    expires_at BIGINT NOT NULL,          -- [const] its last moment
    used_at BIGINT                       -- when it was exchanged; null: not yet
);
CREATE INDEX invitations_by_name ON invitations (name);

CREATE TABLE collaborations (
    id TEXT PRIMARY KEY,                 -- [const] first 16 bytes of SHA-256 of the terms
    state TEXT NOT NULL,                 -- [state] proposed or active
    advertiser TEXT NOT NULL REFERENCES parties (name), -- [const] the proposer
    partner TEXT NOT NULL REFERENCES parties (name),    -- [const] the acceptor
    terms TEXT NOT NULL,                 -- [const] the exact signed bytes
    expires TEXT NOT NULL,               -- [const] the last day, from the terms
    advertiser_signature TEXT NOT NULL,  -- [const] base64
    partner_signature TEXT,              -- base64; null until accepted
    share_for_partner TEXT NOT NULL,     -- [const] pair share sealed by the advertiser to the partner, base64
    share_for_advertiser TEXT,           -- pair share sealed by the partner to the advertiser, base64; null until accepted
    withdrawals BIGINT NOT NULL,         -- how many withdrawals there are; a judgement with fewer is stale
    created_at BIGINT NOT NULL,          -- [const] when proposed
    accepted_at BIGINT                   -- when accepted
);
CREATE INDEX collaborations_by_advertiser ON collaborations (advertiser, created_at);
CREATE INDEX collaborations_by_partner ON collaborations (partner, created_at);

CREATE TABLE uploads (
    id TEXT PRIMARY KEY,                 -- [const] random
    collaboration TEXT NOT NULL REFERENCES collaborations (id), -- [const] what it belongs to
    owner TEXT NOT NULL REFERENCES parties (name), -- [const] who sends it
    kind TEXT NOT NULL,                  -- [const] crm or graph
    state TEXT NOT NULL,                 -- [state] upload
    length BIGINT NOT NULL,              -- [const] declared bytes
    received BIGINT NOT NULL,            -- bytes at the last completed append; the spool file may hold more
    unverified_from BIGINT,              -- where an append with a checksum began that has not been checked; null: none
    wrapped_key TEXT NOT NULL,           -- [const] data key of the spool and of the sealed set, wrapped
    rows_read BIGINT NOT NULL,           -- rows read so far while sealing
    report TEXT,                         -- UploadReport as JSON, once sealed
    refusal TEXT,                        -- why it was refused, in words for its owner
    sealed_order BIGINT,                 -- order of sealing; the highest is the newest set
    created_at BIGINT NOT NULL,          -- [const] when
    expires_at BIGINT NOT NULL           -- [const] when an incomplete upload is terminated
);
CREATE INDEX uploads_by_owner ON uploads (owner, created_at);
CREATE INDEX uploads_newest ON uploads (collaboration, kind, state, sealed_order);

CREATE TABLE withdrawals (
    id TEXT PRIMARY KEY,                 -- [const] random; also names the file of sealed tokens
    collaboration TEXT NOT NULL REFERENCES collaborations (id), -- [const] where it applies
    sender TEXT NOT NULL REFERENCES parties (name), -- [const] who sent it
    number BIGINT NOT NULL,              -- [const] 1, 2, 3 … within the collaboration
    tokens BIGINT NOT NULL,              -- [const] distinct tokens in it
    wrapped_key TEXT NOT NULL,           -- [const] data key of the token file, wrapped
    salt TEXT NOT NULL,                  -- [const] 32 random bytes that open the commitment in the log, hexadecimal
    at BIGINT NOT NULL,                  -- [const] when it took effect
    leaf BIGINT NOT NULL,                -- [const] index of its leaf
    UNIQUE (collaboration, number)
);

CREATE TABLE matches (
    id TEXT PRIMARY KEY,                 -- [const] random
    collaboration TEXT NOT NULL REFERENCES collaborations (id), -- [const] what it belongs to
    advertiser_upload TEXT NOT NULL REFERENCES uploads (id),    -- [const] pinned
    partner_upload TEXT NOT NULL REFERENCES uploads (id),       -- [const] pinned
    state TEXT NOT NULL,                 -- [state] match
    about BIGINT,                        -- the released number; null while pending, and below the minimum
    leaf BIGINT,                         -- index of the gate decision's leaf
    created_at BIGINT NOT NULL           -- [const] when
);
CREATE INDEX matches_by_uploads ON matches (collaboration, advertiser_upload, partner_upload);

CREATE TABLE audiences (
    id TEXT PRIMARY KEY,                 -- [const] random; what destinations and the log know it by
    collaboration TEXT NOT NULL REFERENCES collaborations (id), -- [const] what it belongs to
    name TEXT NOT NULL,                  -- [const] the advertiser's name for it
    expression TEXT NOT NULL,            -- the expression as last given
    purpose TEXT NOT NULL,               -- target or exclude, as last given
    created_at BIGINT NOT NULL,          -- [const] when
    UNIQUE (collaboration, name)
);

CREATE TABLE decisions (
    id TEXT PRIMARY KEY,                 -- [const] random
    audience TEXT NOT NULL REFERENCES audiences (id), -- [const] which audience
    destination TEXT NOT NULL REFERENCES parties (name), -- [const] where
    question TEXT NOT NULL,              -- [const] digest of what is asked of the gate: the same question has the same answer
    expression TEXT NOT NULL,            -- [const] canonical form
    purpose TEXT NOT NULL,               -- [const] target or exclude
    advertiser_upload TEXT NOT NULL REFERENCES uploads (id), -- [const] pinned
    partner_upload TEXT NOT NULL REFERENCES uploads (id),    -- [const] pinned
    as_of TEXT NOT NULL,                 -- [const] the day it was asked; later judgements never use an earlier one
    state TEXT NOT NULL,                 -- [state] decision
    about BIGINT,                        -- the released number; null unless released
    leaf BIGINT,                         -- index of the gate decision's leaf
    number BIGINT NOT NULL,              -- [const] order of asking
    created_at BIGINT NOT NULL           -- [const] when
);
CREATE INDEX decisions_at ON decisions (audience, destination, number);
CREATE INDEX decisions_by_question ON decisions (question);

CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,                 -- [const] random
    audience TEXT NOT NULL REFERENCES audiences (id), -- [const] which audience
    destination TEXT NOT NULL REFERENCES parties (name), -- [const] where
    decision TEXT NOT NULL REFERENCES decisions (id), -- [const] the released decision whose uploads it uses
    reason TEXT NOT NULL,                -- [const] release, withdrawal or expiry
    withdrawal TEXT REFERENCES withdrawals (id), -- [const] the withdrawal it answers
    state TEXT NOT NULL,                 -- [state] delivery
    attempts BIGINT NOT NULL,            -- failed and running attempts so far
    failures BIGINT NOT NULL,            -- failures in a row since a batch was last acknowledged
    plan TEXT,                           -- the member file being sent; null: none yet
    acknowledged BIGINT NOT NULL,        -- every batch of the plan below this sequence is acknowledged
    digest TEXT NOT NULL,                -- hash chain over the plan's acknowledged batches, hexadecimal
    number BIGINT NOT NULL,              -- [const] order of queueing
    created_at BIGINT NOT NULL,          -- [const] when
    next_attempt_at BIGINT,              -- when the next attempt is due; null: not waiting after a failure
    delivered_at BIGINT,                 -- when the last batch was acknowledged
    leaf BIGINT                          -- index of the receipt's leaf
);
CREATE INDEX deliveries_at ON deliveries (audience, destination, number);
CREATE INDEX deliveries_by_withdrawal ON deliveries (withdrawal);

CREATE TABLE member_files (
    id TEXT PRIMARY KEY,                 -- [const] the delivery's id, or random if its delivery was planned anew; names the file and its batches
    audience TEXT NOT NULL REFERENCES audiences (id), -- [const] which audience
    destination TEXT NOT NULL REFERENCES parties (name), -- [const] where
    delivery TEXT NOT NULL REFERENCES deliveries (id), -- [const] the delivery it was written for
    state TEXT NOT NULL,                 -- [state] member file
    wrapped_key TEXT NOT NULL,           -- [const] data key of the file, wrapped
    judged_on TEXT NOT NULL,             -- [const] the day consent was judged on
    withdrawals BIGINT NOT NULL,         -- [const] how many withdrawals were honoured
    number BIGINT NOT NULL,              -- [const] order of writing
    created_at BIGINT NOT NULL           -- [const] when; the timestamp inside its batches
);
CREATE INDEX member_files_at ON member_files (audience, destination, number);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,                 -- [const] random
    kind TEXT NOT NULL,                  -- [const] seal, match, decide, deliver, publish or expire
    subject TEXT NOT NULL,               -- [const] what it works on
    lane TEXT NOT NULL,                  -- [const] jobs of one lane run one at a time, in order
    number BIGINT NOT NULL,              -- [const] order of queueing
    due_at BIGINT NOT NULL,              -- not before
    attempts BIGINT NOT NULL,            -- times it was leased
    lease TEXT,                          -- random, new for each lease; null: free
    lease_owner TEXT,                    -- the instance that holds the lease
    lease_until BIGINT NOT NULL,         -- when the lease ends if no heartbeat comes
    created_at BIGINT NOT NULL           -- [const] when
);
CREATE INDEX jobs_due ON jobs (due_at, number);
CREATE INDEX jobs_lane ON jobs (lane, number);

CREATE TABLE leaves (
    idx BIGINT PRIMARY KEY,              -- [const] 0, 1, 2 … without gaps
    bytes TEXT NOT NULL                  -- [const] the leaf: one canonical JSON line
);
