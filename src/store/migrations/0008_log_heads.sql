-- The head of the log as it was signed last, kept apart from the files, and what witnesses say of it.

CREATE TABLE log_heads (
    name TEXT PRIMARY KEY,               -- [const] 'log'
    size BIGINT NOT NULL,                -- leaves under the root that was signed last; only grows
    root TEXT,                           -- that root, hexadecimal; null: an earlier version signed it
    cosigned TEXT                        -- the newest checkpoint that enough witnesses cosigned, with their lines; null: none
);
INSERT INTO log_heads (name, size) SELECT 'log', value FROM counters WHERE name = 'published';
