-- The release gate: what was emitted, what it cost, and what the operator has to look at first.

CREATE TABLE charges (
    subject TEXT PRIMARY KEY,            -- [const] the decision or match that it was for
    collaboration TEXT NOT NULL REFERENCES collaborations (id), -- [const] where
    advertiser TEXT NOT NULL REFERENCES parties (name), -- [const] whose account with the partner
    partner TEXT NOT NULL REFERENCES parties (name), -- [const] whose account with all advertisers
    amount BIGINT NOT NULL,              -- [const] thousandths of ε
    at BIGINT NOT NULL                   -- [const] when; given back a window later
);
CREATE INDEX charges_by_pair ON charges (advertiser, partner, at);
CREATE INDEX charges_by_partner ON charges (partner, at);

CREATE TABLE emissions (
    id TEXT PRIMARY KEY,                 -- [const] the decision that emitted it
    advertiser TEXT NOT NULL REFERENCES parties (name), -- [const] of whom the destination has it
    partner TEXT NOT NULL REFERENCES parties (name), -- [const] whose persons
    destination TEXT NOT NULL REFERENCES parties (name), -- [const] who has it
    collaboration TEXT NOT NULL REFERENCES collaborations (id), -- [const] under whose keys it was decided
    kept BIGINT NOT NULL,                -- [const] 1: it has persons that only earlier decisions of its audience reached
    replaced_at BIGINT                   -- when the last audience that is at this emission moved on; null: current
);
CREATE INDEX emissions_at ON emissions (advertiser, partner, destination);

CREATE TABLE emission_files (
    id TEXT PRIMARY KEY,                 -- [const] random; names the file
    emission TEXT NOT NULL REFERENCES emissions (id), -- [const] whose persons
    partner_upload TEXT NOT NULL REFERENCES uploads (id), -- [const] the set in whose numbers they are
    compacted BIGINT NOT NULL,           -- [const] 1: in the numbers of the one layer that the set was written to
    first BIGINT NOT NULL,               -- [const] 1: as it was decided; 0: renumbered for later decisions
    wrapped_key TEXT NOT NULL            -- [const] data key of the file, wrapped
);
CREATE INDEX emission_files_of ON emission_files (emission);

ALTER TABLE decisions ADD COLUMN emission TEXT REFERENCES emissions (id); -- whose persons are delivered: its own, or those of the earlier decision of the same question; null unless released
ALTER TABLE decisions ADD COLUMN holdout BIGINT NOT NULL DEFAULT 0; -- [const] percent kept back for comparison
ALTER TABLE decisions ADD COLUMN control_about BIGINT; -- released size of the control group; null if there is none
ALTER TABLE decisions ADD COLUMN held BIGINT NOT NULL DEFAULT 0; -- 1: released, but not delivered before the operator has looked at its upload
ALTER TABLE audiences ADD COLUMN holdout BIGINT NOT NULL DEFAULT 0; -- percent kept back for comparison, as last given
ALTER TABLE uploads ADD COLUMN sealed_at BIGINT; -- when it was sealed; null: not yet, or before this was noted
ALTER TABLE uploads ADD COLUMN bridges TEXT REFERENCES collaborations (id); -- [const] graph: the collaboration whose tokens its rows carry as well; null: none

CREATE TABLE quarantines (
    upload TEXT PRIMARY KEY REFERENCES uploads (id), -- [const] the advertiser's upload with an abnormal match rate
    at BIGINT NOT NULL,                  -- [const] when it was noticed
    cleared_at BIGINT                    -- when the operator let it go on; null: not yet
);

CREATE TABLE choices (
    advertiser TEXT NOT NULL REFERENCES parties (name), -- [const] of whom
    partner TEXT NOT NULL REFERENCES parties (name), -- [const] and whom
    sealed_key TEXT NOT NULL,            -- [const] key of who is held back and kept for control, sealed, base64
    wrapped_key TEXT NOT NULL,           -- [const] data key that it is sealed under, wrapped
    UNIQUE (advertiser, partner)
);

-- Decisions of a pair of parties are taken one after the other, whatever the collaboration.
UPDATE jobs SET lane = (SELECT 'decide/' || advertiser || '/' || partner FROM collaborations WHERE collaborations.id = jobs.subject)
WHERE kind = 'decide' AND EXISTS (SELECT 1 FROM collaborations WHERE collaborations.id = jobs.subject);
