//! Access: what is kept of one person on the caller's own side (GDPR Art. 15).
//!
//! Only the caller's own uploads, requests and audiences are looked at: the answer is the same whatever the
//! other side sent, so it tells nothing of whether the other side knows the person.

use roaring::RoaringBitmap;
use tamis_protocols::intersection::Expression;
use tamis_protocols::token::Token;
use tamis_protocols::wire::api::{
    SubjectAudience, SubjectRequest, SubjectRequestView, SubjectRow, SubjectView,
};

use super::append::blocking;
use super::withdraw::parse;
use super::work::open::Layers;
use super::{Caller, Service, ServiceError, scope};
use crate::sets::{self, OwnRow};
use crate::store::audiences::Audience;
use crate::store::layers::Stack;
use crate::store::snapshot;
use crate::store::uploads::Kind;
use crate::store::withdrawals::Withdrawal;

/// Most tokens of one person.
const MOST_TOKENS: usize = 64;
/// Most rows that are listed.
const MOST_ROWS: usize = 1_000;

/// What is looked at.
struct Case {
    sets: Vec<Layers>,
    requests: Vec<Withdrawal>,
    audiences: Vec<Audience>,
}

impl Service {
    /// What the caller's side of a collaboration keeps of a person.
    ///
    /// # Errors
    /// `invalid_token`; [`ServiceError::NotFound`] unless it is a collaboration of the caller's.
    pub async fn subject(
        &self,
        caller: &Caller,
        collaboration: &str,
        request: SubjectRequest,
    ) -> Result<SubjectView, ServiceError> {
        let id = scope::id(collaboration)?;
        let case = snapshot!(self.store(), "subject", |tx| {
            let found = scope::collaboration(tx, caller, id).await?;
            let is_advertiser = found.advertiser == caller.name;
            let kind = if is_advertiser {
                Kind::Crm
            } else {
                Kind::Graph
            };
            let mut sets = Vec::new();
            for (upload, compacted) in Stack::tops(&tx.stacks(id, kind).await?) {
                sets.push(Layers::from(tx.layers_of_form(upload, compacted).await?));
            }
            let audiences = match is_advertiser {
                true => tx.audiences(id).await?,
                false => Vec::new(),
            };
            Ok::<_, ServiceError>(Case {
                sets,
                requests: tx.withdrawals_of(id, &caller.name).await?,
                audiences,
            })
        })?;
        let mut tokens = parse(&request.tokens, MOST_TOKENS)?;
        tokens.sort_unstable();
        tokens.dedup();
        let (service, id) = (self.clone(), id.to_string());
        blocking(move || service.told(id, &case, &tokens)).await
    }

    fn told(&self, id: String, case: &Case, tokens: &[Token]) -> Result<SubjectView, ServiceError> {
        let mut rows: Vec<OwnRow> = Vec::new();
        for layers in &case.sets {
            let set = self
                .open_set(layers)
                .map_err(|error| ServiceError::internal("sealed set", error))?;
            let most = MOST_ROWS.saturating_sub(rows.len());
            let found = sets::rows_of(&set, tokens, most)
                .map_err(|error| ServiceError::internal("sealed set", error))?;
            for row in found {
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
        let mut requests = Vec::new();
        for request in &case.requests {
            let own = self
                .withdrawn(request)
                .map_err(|error| ServiceError::internal("withdrawal file", error))?;
            if tokens.iter().any(|token| own.binary_search(token).is_ok()) {
                requests.push(SubjectRequestView {
                    id: request.id.to_string(),
                    kind: request.kind,
                    at: request.at.to_string(),
                });
            }
        }
        let mut audiences: Vec<SubjectAudience> = case
            .audiences
            .iter()
            .filter(|audience| rows.iter().any(|row| fits(row, &audience.expression)))
            .map(|audience| SubjectAudience {
                name: audience.name.clone(),
                expression: audience.expression.clone(),
                purpose: audience.purpose,
            })
            .collect();
        audiences.sort_by(|one, next| one.name.cmp(&next.name));
        Ok(SubjectView {
            collaboration: id,
            rows: rows.into_iter().map(view).collect(),
            requests,
            audiences,
        })
    }
}

/// Whether a row has the segments that an audience asks for.
fn fits(row: &OwnRow, expression: &str) -> bool {
    let Ok(expression) = Expression::parse(expression) else {
        return false;
    };
    let only = RoaringBitmap::from_iter([0]);
    let segment = |label: &str| {
        let has = row.segments.iter().any(|own| own == label);
        has.then_some(&only)
    };
    !expression.evaluate(&only, &segment).is_empty()
}

fn view(row: OwnRow) -> SubjectRow {
    SubjectRow {
        upload: row.upload,
        row: row.row.into(),
        valid_until: row.last_day.map(|day| day.to_string()),
        // Labels of the service's own say whom a row may be used for: its consent record does too.
        segments: (row.segments.into_iter())
            .filter(|label| !label.starts_with("tamis:"))
            .collect(),
        cookies_at: row.cookies_at,
    }
}
