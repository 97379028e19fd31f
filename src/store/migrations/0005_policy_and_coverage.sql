-- Policies that a party tightened after signing, and what was told of a partner's cookies.

CREATE TABLE tightenings (
    collaboration TEXT NOT NULL REFERENCES collaborations (id), -- [const] what is tightened
    party TEXT NOT NULL REFERENCES parties (name), -- [const] who signed it, one of the two sides
    number BIGINT NOT NULL,              -- [const] 1, 2, 3 … of this party in this collaboration
    document TEXT NOT NULL,              -- [const] the exact signed bytes
    signature TEXT NOT NULL,             -- [const] the party's, base64
    at BIGINT NOT NULL,                  -- [const] when it took effect
    leaf BIGINT NOT NULL,                -- [const] index of its leaf in the log; also their order
    UNIQUE (collaboration, party, number)
);

CREATE TABLE coverages (
    upload TEXT PRIMARY KEY REFERENCES uploads (id), -- [const] the partner's upload whose set was counted
    collaboration TEXT NOT NULL REFERENCES collaborations (id), -- [const] where it is told
    destinations TEXT NOT NULL,          -- [const] JSON: destination and released percent, in the order of their names
    at BIGINT NOT NULL,                  -- [const] when it was released
    leaf BIGINT NOT NULL                 -- [const] index of its leaf in the log
);
CREATE INDEX coverages_by_collaboration ON coverages (collaboration, leaf);
