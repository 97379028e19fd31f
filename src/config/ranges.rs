//! What each value may be.

use tamis_protocols::transparency::MAX_COSIGNATURES;

use super::{Config, ConfigError};
use crate::domain::residency::is_tag;

impl Config {
    /// Whether every value is in its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (limits, witness) = (&self.limits, &self.witness);
        let ranges = [
            (
                "url",
                self.url.starts_with("https://"),
                "an https:// address",
            ),
            ("hostnames", !self.hostnames.is_empty(), "at least one name"),
            (
                "residency",
                self.residency.iter().all(|tag| is_tag(tag)),
                "words of 2 to 16 lowercase letters, digits and hyphens",
            ),
            (
                "uploads.max_bytes",
                self.uploads.max_bytes > 0,
                "at least 1",
            ),
            (
                "uploads.expire_hours",
                (1..=720).contains(&self.uploads.expire_hours),
                "1 to 720",
            ),
            (
                "uploads.open_per_party",
                self.uploads.open_per_party > 0,
                "at least 1",
            ),
            (
                "uploads.consent_years",
                (1..=100).contains(&self.uploads.consent_years),
                "1 to 100",
            ),
            (
                "enrolment.certificate_days",
                (1..=397).contains(&self.enrolment.certificate_days),
                "1 to 397",
            ),
            (
                "enrolment.invitation_days",
                (1..=90).contains(&self.enrolment.invitation_days),
                "1 to 90",
            ),
            (
                "quarantine.rows_percent",
                (1..=100).contains(&self.quarantine.rows_percent),
                "1 to 100",
            ),
            (
                "quarantine.persons_percent",
                (1..=100).contains(&self.quarantine.persons_percent),
                "1 to 100",
            ),
            (
                "work.memory_mib",
                (64..=1 << 20).contains(&self.work.memory_mib),
                "64 to 1048576",
            ),
            (
                "work.job_memory_mib",
                (64..=65536).contains(&self.work.job_memory_mib),
                "64 to 65536",
            ),
            (
                "work.computing",
                (1..=64).contains(&self.work.computing),
                "1 to 64",
            ),
            (
                "work.delivering",
                (1..=64).contains(&self.work.delivering),
                "1 to 64",
            ),
            (
                "work.lease_seconds",
                (10..=3600).contains(&self.work.lease_seconds),
                "10 to 3600",
            ),
            (
                "work.compact_layers",
                (1..=1000).contains(&self.work.compact_layers),
                "1 to 1000",
            ),
            (
                "work.compact_percent",
                (1..=1000).contains(&self.work.compact_percent),
                "1 to 1000",
            ),
            (
                "delivery.attempts",
                (1..=1000).contains(&self.delivery.attempts),
                "1 to 1000",
            ),
            (
                "delivery.request_seconds",
                (1..=300).contains(&self.delivery.request_seconds),
                "1 to 300",
            ),
            (
                "witness.require",
                witness.require <= witness.peer.len(),
                "at most the number of [[witness.peer]]",
            ),
            (
                "witness.peer",
                witness.peer.len() <= MAX_COSIGNATURES,
                "at most 15 witnesses",
            ),
            (
                "witness.peer.url",
                witness
                    .peer
                    .iter()
                    .all(|peer| peer.url.starts_with("https://")),
                "an https:// address",
            ),
            (
                "witness.peer.vkey",
                witness.verifiers().is_some(),
                "what `tamis witness key` prints, each name and each key once",
            ),
            (
                "limits.connections",
                (1..=65536).contains(&limits.connections),
                "1 to 65536",
            ),
            (
                "limits.requests",
                (1..=65536).contains(&limits.requests),
                "1 to 65536",
            ),
            (
                "limits.uploads",
                (1..=65536).contains(&limits.uploads),
                "1 to 65536",
            ),
            (
                "limits.streams",
                (1..=1024).contains(&limits.streams),
                "1 to 1024",
            ),
            (
                "limits.header_bytes",
                (8192..=1 << 20).contains(&limits.header_bytes),
                "8192 to 1048576",
            ),
            (
                "limits.body_bytes",
                limits.body_bytes >= 16 * 1024,
                "at least 16384",
            ),
            (
                "limits.withdrawal_bytes",
                limits.withdrawal_bytes >= 16 * 1024,
                "at least 16384",
            ),
            (
                "limits.drain_seconds",
                limits.drain_seconds <= 600,
                "at most 600",
            ),
        ];
        let seconds = [
            limits.handshake_seconds,
            limits.header_seconds,
            limits.write_seconds,
            limits.idle_seconds,
            limits.request_seconds,
            limits.upload_idle_seconds,
        ];
        let range = "1 to 3600 seconds, each";
        if !seconds.iter().all(|value| (1..=3600).contains(value)) {
            return Err(ConfigError::Range {
                key: "limits.*_seconds",
                range,
            });
        }
        match ranges.into_iter().find(|(_, holds, _)| !holds) {
            Some((key, _, range)) => Err(ConfigError::Range { key, range }),
            None => Ok(()),
        }
    }
}
