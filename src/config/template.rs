//! The commented form of a configuration.

use std::fmt::Write;

use super::Config;

/// What stands above each key; keys without a comment of their own follow the one before.
const COMMENTS: &[(&str, &str)] = &[
    ("listen", "Where the HTTPS API listens."),
    (
        "url",
        "The API's address as parties reach it; it stands in invitations.",
    ),
    (
        "hostnames",
        "Names and addresses of the server's certificate; it is made anew when they change.",
    ),
    (
        "metrics_listen",
        "Prometheus metrics, plain HTTP: keep it on loopback or a private network.\n# Port 0 is a free one, said in the log; without the line there are none.",
    ),
    (
        "data_dir",
        "Where uploads, sets and the log lie; relative to this directory.",
    ),
    (
        "residency",
        "Where data_dir and the database lie, as tags that terms may demand, e.g. \"eu\"; empty: no place is promised.",
    ),
    (
        "log_origin",
        "The origin line of the log's checkpoints. Never change it: the log's key is bound to it.",
    ),
    ("max_bytes", "Longest upload, bytes."),
    (
        "expire_hours",
        "Hours after which an incomplete upload ends.",
    ),
    (
        "open_per_party",
        "Incomplete uploads that one party may have.",
    ),
    (
        "consent_years",
        "Years for which consent records are kept, as evidence, after their upload was replaced by a full one.",
    ),
    (
        "k_min",
        "The release policy: the floor of all terms, which may only be stricter, as may either party later.\n# A looser value than the ones here, which are the defaults of the program, is refused.\n# Fewest persons of an audience or a count, before the margin for noise; at least 100.",
    ),
    (
        "cell_min",
        "Fewest persons of any combination of audiences; at least 50.",
    ),
    (
        "noise_scale",
        "Scale of the noise on counts and thresholds, persons, 5 to 100.",
    ),
    (
        "round_to",
        "Counts are rounded to multiples of this; at least 10.",
    ),
    (
        "pair_cap",
        "Privacy budget of an advertiser with a partner, thousandths of ε in a window; at most 8,000.",
    ),
    (
        "partner_cap",
        "Privacy budget of a partner with all advertisers, thousandths of ε in a window; at most 80,000.",
    ),
    (
        "window_days",
        "Days after which a charge is given back; at least 30.",
    ),
    (
        "look_back_days",
        "Days for which an audience that was replaced still counts as known; at least 90.",
    ),
    (
        "upload_min",
        "Fewest rows of an advertiser's set; at least 1,000.",
    ),
    (
        "tenure_days",
        "Days that a partner's person must have been there before it counts.",
    ),
    (
        "window_minutes",
        "Results are told at multiples of so many minutes of the day only, at most 1,440; 0: at once.",
    ),
    (
        "certificate_days",
        "Days that a client certificate is valid, 1 to 397.",
    ),
    (
        "invitation_days",
        "Days that an invitation is valid, 1 to 90.",
    ),
    (
        "rows_percent",
        "Match rate in percent of the advertiser's rows above which nothing is delivered before `tamis quarantine --clear`.",
    ),
    (
        "persons_percent",
        "The same in percent of the partner's persons.",
    ),
    (
        "threads",
        "Threads of matching; 0: as many as there are cores.",
    ),
    (
        "memory_mib",
        "Memory of all sealings, matches and decisions together, MiB; one that does not fit waits.",
    ),
    (
        "job_memory_mib",
        "Memory of one of them, MiB; small ones take less, and larger ones use the disk.",
    ),
    (
        "computing",
        "Sealings, matches and decisions at a time, as far as their memory allows.",
    ),
    ("delivering", "Deliveries at a time."),
    (
        "lease_seconds",
        "Seconds after which the job of a dead service is taken over.",
    ),
    (
        "compact_layers",
        "A set that was added to or removed from so often is written as one again, in the background.\n# Fewer: faster matches, more writing; it never changes an answer.",
    ),
    (
        "compact_percent",
        "The same once what was added and removed weighs so much, in percent of the full upload.",
    ),
    (
        "allowed_networks",
        "Networks that endpoints may lie in although they are not public, e.g. \"10.1.0.0/16\".",
    ),
    (
        "attempts",
        "Attempts of a batch before its delivery counts as failed; 36 take about a day.",
    ),
    (
        "require",
        "Witnesses that must vouch for the log before an audience leaves; 0: none. Each has a section:\n# [[witness.peer]]\n# url = \"https://witness.example\"\n# vkey = \"what `tamis witness key` prints\"\n# ca = \"a PEM file, unless its certificate is of the public web\"\n# One on a private network is reached if delivery.allowed_networks has it.",
    ),
    ("connections", "Open connections; further ones wait."),
    ("handshake_seconds", "Seconds for a TLS handshake."),
    (
        "header_seconds",
        "Seconds for the head of an HTTP/1 request, and between two of them.",
    ),
    ("header_bytes", "Bytes of a request's head."),
    (
        "write_seconds",
        "Seconds in which a peer must take some of the bytes it asked for.",
    ),
    (
        "idle_seconds",
        "Seconds that a connection may stay open without a request.",
    ),
    ("streams", "Concurrent streams of one HTTP/2 connection."),
    (
        "reset_streams",
        "Streams that a peer may reset before it is cut off.",
    ),
    (
        "requests",
        "Requests in progress, uploads apart; one more is answered 503.",
    ),
    ("uploads", "Uploads in progress."),
    ("body_bytes", "Bytes of a JSON body."),
    (
        "withdrawal_bytes",
        "Bytes of a withdrawal: 50,000 tokens take about 1.8 MB.",
    ),
    (
        "upload_idle_seconds",
        "Seconds between two pieces of an upload; after them the mean rate counts too.",
    ),
    ("upload_rate", "Bytes per second."),
    (
        "drain_seconds",
        "Seconds for open requests to finish when the service stops.",
    ),
];

/// Keys that mean something else in another section.
const SECTIONED: &[(&str, &str, &str)] = &[
    ("delivery", "request_seconds", "Seconds for one batch."),
    (
        "limits",
        "request_seconds",
        "Seconds for a whole request, uploads apart.",
    ),
];

pub(super) fn write(config: &Config) -> String {
    let mut text = String::from(
        "# Tamis: the operator's configuration. Unknown keys are refused.\n\
         # Made by `tamis init`; every value may be changed, the service reads it when it starts.\n",
    );
    let plain = toml::to_string_pretty(config).unwrap_or_default();
    let mut section = String::new();
    let mut optional_written = false;
    for line in plain.lines() {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            if !optional_written {
                text.push_str(optional(config).as_str());
                optional_written = true;
            }
            section = name.to_owned();
        } else if let Some((key, _)) = line.split_once(" = ") {
            let sectioned = SECTIONED
                .iter()
                .find(|(of, name, _)| *of == section && *name == key)
                .map(|(.., comment)| comment);
            let comment = sectioned.or_else(|| {
                let found = COMMENTS.iter().find(|(name, _)| *name == key);
                found.map(|(_, comment)| comment)
            });
            if let Some(comment) = comment {
                let _ = write!(text, "\n# {comment}\n");
            }
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The keys that have no value by default, as comments.
fn optional(config: &Config) -> String {
    let mut text = String::new();
    if config.database.is_none() {
        text.push_str(
            "# A database: absent, an SQLite file in this directory.\n\
             # database = \"postgres://tamis@localhost/tamis\"\n\n",
        );
    }
    if config.kek_command.is_none() {
        text.push_str(
            "# A command that prints the key-encryption key (then delete the key file here);\n\
             # TAMIS_KEK_COMMAND in the environment comes before it.\n\
             # kek_command = \"systemd-creds decrypt /etc/tamis/kek.cred -\"\n\n",
        );
    }
    text
}
