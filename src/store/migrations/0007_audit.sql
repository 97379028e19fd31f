-- What an auditor is shown beside the log: the documents whose digests leaves have, and samples of consent records.

CREATE TABLE policies (
    digest TEXT PRIMARY KEY,             -- [const] what leaves name it by, 64 hexadecimal digits
    version BIGINT NOT NULL,             -- [const] of the gate's rules
    policy TEXT NOT NULL                 -- [const] JSON: every parameter
);

CREATE TABLE party_keys (
    leaf BIGINT PRIMARY KEY,             -- [const] index of the leaf of the enrolment
    party TEXT NOT NULL REFERENCES parties (name), -- [const] who enrolled
    signing_key TEXT NOT NULL,           -- [const] Ed25519 public key, base64
    sealing_key TEXT                     -- [const] X25519 public key, base64; null: takes open cookies
);

CREATE TABLE heads (
    upload TEXT PRIMARY KEY REFERENCES uploads (id), -- [const] whose consent records
    leaf BIGINT NOT NULL,                -- [const] index of the upload's leaf in the log; also their order
    records BIGINT NOT NULL,             -- [const] how many there are
    root TEXT NOT NULL                   -- [const] Merkle root over their commitments, 64 hexadecimal digits
);
CREATE INDEX heads_by_leaf ON heads (leaf);

CREATE TABLE samples (
    id TEXT PRIMARY KEY,                 -- [const] 32 hexadecimal digits
    auditor TEXT NOT NULL REFERENCES parties (name), -- [const] who asked
    checkpoint TEXT NOT NULL,            -- [const] the signed note that it was drawn from
    nonce TEXT NOT NULL,                 -- [const] the auditor's, may be empty
    wanted BIGINT NOT NULL,              -- [const] records asked for
    collaboration TEXT REFERENCES collaborations (id), -- [const] whose uploads only; null: all
    at BIGINT NOT NULL                   -- [const] when it was drawn; also their order
);

CREATE TABLE substantiations (
    sample TEXT NOT NULL REFERENCES samples (id), -- [const] what is answered
    number BIGINT NOT NULL,              -- [const] 0, 1, 2 … of the sample
    party TEXT NOT NULL REFERENCES parties (name), -- [const] who signed it
    document TEXT NOT NULL,              -- [const] the exact signed bytes
    signature TEXT NOT NULL,             -- [const] the party's, base64
    at BIGINT NOT NULL,                  -- [const] when it came
    UNIQUE (sample, number)
);

CREATE TABLE drawn (
    sample TEXT NOT NULL REFERENCES samples (id), -- [const] what drew it
    upload TEXT NOT NULL REFERENCES uploads (id), -- [const] whose record
    record BIGINT NOT NULL,              -- [const] its row, from 0
    answered BIGINT NOT NULL,            -- 1: a substantiation proves it; else 0
    UNIQUE (sample, upload, record)
);
