//! Parties, their certificates, and the invitations they came by.

use jiff::Timestamp;
use tamis_protocols::wire::api::Role;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};

/// An enrolled party.
#[derive(Clone)]
pub struct Party {
    /// Unique name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Ed25519 public key, base64.
    pub signing_key: String,
    /// X25519 public key, base64.
    pub sealing_key: Option<String>,
    /// Destinations: where deliveries go.
    pub endpoint: Option<StoredEndpoint>,
}

/// Where a destination receives deliveries, and what signs them.
#[derive(Clone)]
pub struct StoredEndpoint {
    /// Address, https.
    pub url: String,
    /// PEM of the only trusted authority.
    pub ca_pem: Option<String>,
    /// Webhook secret, sealed, base64.
    pub sealed_secret: String,
    /// The data key it is sealed under, wrapped.
    pub wrapped_key: String,
    /// Days after which it drops a member that it was not told again; none: never.
    pub member_ttl_days: Option<u64>,
}

/// An invitation that can still be used.
pub struct Invitation {
    /// The party's name-to-be.
    pub name: String,
    /// Its role-to-be.
    pub role: Role,
}

/// The columns of a party, as it is read below, with what follows `FROM`.
macro_rules! select_party {
    ($rest:literal) => {
        concat!(
            "SELECT name, role, signing_key, sealing_key, endpoint_url, endpoint_ca, \
             webhook_secret, webhook_key, member_ttl_days FROM parties ",
            $rest
        )
    };
}

impl Tx {
    /// The party of that name.
    pub async fn party(&mut self, name: &str) -> Result<Option<Party>, StoreError> {
        let row = self
            .optional(sql(select_party!("WHERE name = $1")).bind(name))
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Every party of a role, by name, at most 1,000.
    pub async fn parties(&mut self, role: Role) -> Result<Vec<Party>, StoreError> {
        let rows = self
            .all(sql(select_party!("WHERE role = $1 ORDER BY name LIMIT 1000")).bind(role.as_str()))
            .await?;
        rows.iter().map(read).collect()
    }

    /// Enrols a party. One that is enrolled again gets the new keys and endpoint, and all its earlier
    /// certificates end: whoever lost a key starts anew.
    pub async fn enrol_party(&mut self, party: &Party, now: Timestamp) -> Result<(), StoreError> {
        let endpoint = party.endpoint.as_ref();
        self.many(sql("DELETE FROM certificates WHERE party = $1").bind(&party.name))
            .await?;
        self.one(
            sql(
                "INSERT INTO parties (name, role, signing_key, sealing_key, endpoint_url, \
                 endpoint_ca, webhook_secret, webhook_key, enrolled_at, member_ttl_days) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                 ON CONFLICT (name) DO UPDATE SET signing_key = excluded.signing_key, \
                 sealing_key = excluded.sealing_key, endpoint_url = excluded.endpoint_url, \
                 endpoint_ca = excluded.endpoint_ca, webhook_secret = excluded.webhook_secret, \
                 webhook_key = excluded.webhook_key, enrolled_at = excluded.enrolled_at, \
                 member_ttl_days = excluded.member_ttl_days \
                 WHERE parties.role = excluded.role",
            )
            .bind(&party.name)
            .bind(party.role.as_str())
            .bind(&party.signing_key)
            .bind(party.sealing_key.clone())
            .bind(endpoint.map(|endpoint| endpoint.url.clone()))
            .bind(endpoint.and_then(|endpoint| endpoint.ca_pem.clone()))
            .bind(endpoint.map(|endpoint| endpoint.sealed_secret.clone()))
            .bind(endpoint.map(|endpoint| endpoint.wrapped_key.clone()))
            .bind(now.as_millisecond())
            .bind(endpoint.and_then(|endpoint| endpoint.member_ttl_days.map(int))),
        )
        .await
    }

    /// Records the certificate with that SHA-256 (hexadecimal) as naming `party`.
    pub async fn add_certificate(
        &mut self,
        sha256: &str,
        party: &str,
        now: Timestamp,
        not_after: Timestamp,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO certificates (sha256, party, issued_at, not_after) \
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(sha256)
            .bind(party)
            .bind(now.as_millisecond())
            .bind(not_after.as_millisecond()),
        )
        .await
    }

    /// Whom a certificate names, if it is known and not past its last moment.
    pub async fn certificate_owner(
        &mut self,
        sha256: &str,
        now: Timestamp,
    ) -> Result<Option<(String, Role)>, StoreError> {
        let row = self
            .optional(
                sql("SELECT p.name AS name, p.role AS role FROM certificates c \
                     JOIN parties p ON p.name = c.party WHERE c.sha256 = $1 AND c.not_after > $2")
                .bind(sha256)
                .bind(now.as_millisecond()),
            )
            .await?;
        row.map(|row| Ok((row.text("name")?, role(&row)?)))
            .transpose()
    }

    /// Adds an invitation; earlier unused ones for the same name end.
    pub async fn add_invitation(
        &mut self,
        token_hash: &str,
        name: &str,
        role: Role,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.many(sql("DELETE FROM invitations WHERE name = $1 AND used_at IS NULL").bind(name))
            .await?;
        self.one(
            sql(
                "INSERT INTO invitations (token_hash, name, role, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(token_hash)
            .bind(name)
            .bind(role.as_str())
            .bind(now.as_millisecond())
            .bind(expires.as_millisecond()),
        )
        .await
    }

    /// The invitation of that token hash, if it is neither used nor past its last moment.
    pub async fn invitation(
        &mut self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        let row = self
            .optional(
                sql("SELECT name, role FROM invitations \
                     WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2")
                .bind(token_hash)
                .bind(now.as_millisecond()),
            )
            .await?;
        row.map(|row| {
            Ok(Invitation {
                name: row.text("name")?,
                role: role(&row)?,
            })
        })
        .transpose()
    }

    /// Marks an invitation as used; it must not have been.
    pub async fn use_invitation(
        &mut self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE invitations SET used_at = $1 \
                 WHERE token_hash = $2 AND used_at IS NULL AND expires_at > $3")
            .bind(now.as_millisecond())
            .bind(token_hash)
            .bind(now.as_millisecond()),
        )
        .await
    }
}

fn read(row: &Row) -> Result<Party, StoreError> {
    let endpoint = match (
        row.text_or_null("endpoint_url")?,
        row.text_or_null("webhook_secret")?,
        row.text_or_null("webhook_key")?,
    ) {
        (Some(url), Some(sealed_secret), Some(wrapped_key)) => Some(StoredEndpoint {
            url,
            ca_pem: row.text_or_null("endpoint_ca")?,
            sealed_secret,
            wrapped_key,
            member_ttl_days: row.count_or_null("member_ttl_days")?,
        }),
        (None, None, None) => None,
        _ => return Err(row.corrupt("endpoint_url")),
    };
    Ok(Party {
        name: row.text("name")?,
        role: role(row)?,
        signing_key: row.text("signing_key")?,
        sealing_key: row.text_or_null("sealing_key")?,
        endpoint,
    })
}

fn role(row: &Row) -> Result<Role, StoreError> {
    Role::parse(&row.text("role")?).ok_or(row.corrupt("role"))
}
