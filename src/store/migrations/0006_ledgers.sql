-- Consent records are kept beside the sets, under keys that can be forgotten one chunk at a time.

CREATE TABLE ledgers (
    upload TEXT PRIMARY KEY REFERENCES uploads (id), -- [const] whose records; also names the directory
    wrapped_key TEXT,                    -- data key of head and hashes, wrapped; null: the records are no longer kept
    wrapped_seed TEXT,                   -- what the keys of chunks that were never rewritten are made of, wrapped; null: every chunk has a row
    leaf BIGINT,                         -- index of the upload's leaf in the log; null: not sealed yet
    tallies TEXT,                        -- JSON: rows by what their records said when they were sealed; null as above
    removed_at BIGINT                    -- when the records were no longer kept; null: they are
);

CREATE TABLE ledger_chunks (
    upload TEXT NOT NULL REFERENCES ledgers (upload), -- [const] whose records
    chunk BIGINT NOT NULL,               -- [const] which chunk, from 0
    generation BIGINT NOT NULL,          -- how often it was rewritten; names its file
    wrapped_key TEXT NOT NULL,           -- its data key, wrapped; written over when records in it are erased
    UNIQUE (upload, chunk)
);
