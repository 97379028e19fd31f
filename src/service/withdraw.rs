//! Withdrawing, opposing, asking to be erased: effective at once, for everything that is decided, delivered
//! or being delivered.
//!
//! The tokens go to a sealed file first; then one transaction counts the withdrawal, writes its leaf
//! and queues a delivery for every released audience. Whatever is being evaluated meanwhile sees, when
//! it commits or sends its next batch, that the collaboration's count of withdrawals has moved, and
//! judges again. A withdrawal bypasses the gate: removals are never held back. An erasure queues, beside
//! that, the job that destroys what is kept of its people; the list of their tokens stays, sealed, because
//! to keep somebody out one must remember whom.
//!
//! The log learns a salted commitment to the tokens, nothing else.

use sha2::{Digest, Sha256};
use tamis_protocols::token::Token;
use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::{DeliveryReason, RequestKind, WithdrawalRequest, WithdrawalView};

use super::append::blocking;
use super::files::{Object, remove};
use super::work::erase::erase_lane;
use super::{Caller, Service, ServiceError, scope};
use crate::domain::state;
use crate::sets;
use crate::store::jobs::JobKind;
use crate::store::withdrawals::Withdrawal;
use crate::store::{Tx, grouped, snapshot};

/// Most tokens of one withdrawal.
const MOST: usize = 50_000;

impl Service {
    /// Takes the tokens of people who withdrew, opposed or want to be erased, from either side of a
    /// collaboration that both have signed; also after its last day.
    ///
    /// # Errors
    /// `not_active`, `invalid_token`.
    pub async fn withdraw(
        &self,
        caller: &Caller,
        collaboration: &str,
        request: WithdrawalRequest,
    ) -> Result<WithdrawalView, ServiceError> {
        let collaboration = scope::id(collaboration)?;
        snapshot!(self.store(), "withdraw-check", |tx| {
            let found = scope::collaboration(tx, caller, collaboration).await?;
            if found.state == state::Collaboration::Proposed {
                return self.must_be_in_force(&found);
            }
            Ok(())
        })?;
        let mut tokens = parse(&request.tokens, MOST)?;
        tokens.sort_unstable();
        tokens.dedup();
        let mut salt = [0; 32];
        self.entropy().fill(&mut salt);
        let commitment = commitment(&salt, &tokens);
        let id = self.id();
        let object = Object::Withdrawal(id);
        let (key, wrapped_key) = self.new_key(object);
        let mut new = Withdrawal {
            id,
            collaboration,
            sender: caller.name.clone(),
            number: 0,
            tokens: tokens.len() as u64,
            wrapped_key,
            salt: hex::encode(salt),
            at: self.now(),
            leaf: 0,
            kind: request.kind,
            erased: None,
        };
        let path = self.files().withdrawal(id);
        let context = object.context();
        blocking(move || {
            sets::write_tokens(&path, &key, &context, &mut tokens)
                .map_err(|error| ServiceError::internal("withdrawal file", error))
        })
        .await?;
        let written = grouped!(self.store(), "withdraw", |tx| {
            self.take_effect(tx, &mut new, &commitment).await
        });
        if let Err(error) = written {
            // A commit that was reported failed may have happened: then the file must stay.
            let known = snapshot!(self.store(), "withdraw-undo", |tx| {
                Ok::<_, ServiceError>(tx.withdrawal(id).await?.is_some())
            });
            if matches!(known, Ok(false)) {
                let _ = remove(&self.files().withdrawal(id));
            }
            return Err(error);
        }
        self.wake();
        self.withdrawal(caller, &id.to_string()).await
    }

    async fn take_effect(
        &self,
        tx: &mut Tx,
        new: &mut Withdrawal,
        commitment: &str,
    ) -> Result<(), ServiceError> {
        new.number = tx.count_withdrawal(new.collaboration).await?;
        let event = Event::Withdrawal {
            collaboration: new.collaboration.to_string(),
            withdrawal: new.id.to_string(),
            commitment: commitment.to_owned(),
            kind: match new.kind {
                RequestKind::Withdrawal => None,
                kind => Some(kind.as_str().to_owned()),
            },
        };
        new.leaf = self.record(tx, new.at, &new.sender, event, None).await?;
        tx.add_withdrawal(new).await?;
        for newest in tx.released_decisions(new.collaboration).await? {
            let decision = self.vouched_or_newest(tx, newest).await?;
            let reason = DeliveryReason::Withdrawal;
            self.queue_delivery(tx, &decision, reason, Some(new.id), new.at)
                .await?;
        }
        if new.kind == RequestKind::Erasure {
            let lane = erase_lane(new.collaboration);
            let subject = new.id.to_string();
            self.queue(tx, JobKind::Erase, &subject, &lane, new.at)
                .await?;
        }
        Ok(())
    }
}

/// 1 to `most` tokens.
pub(super) fn parse(tokens: &[String], most: usize) -> Result<Vec<Token>, ServiceError> {
    let bad = || {
        let detail = format!("Send 1 to {most} tokens of 32 lowercase hexadecimal digits each.");
        ServiceError::invalid("invalid_token", &detail)
    };
    if tokens.is_empty() || tokens.len() > most {
        return Err(bad());
    }
    let token = |text: &String| Token::from_hex(text).ok_or_else(bad);
    tokens.iter().map(token).collect()
}

/// SHA-256 of the salt and the sorted tokens: with 32 random bytes in front nobody can guess at it.
fn commitment(salt: &[u8; 32], tokens: &[Token]) -> String {
    let mut hash = Sha256::new_with_prefix("tamis/v1/withdrawal");
    hash.update(salt);
    for token in tokens {
        hash.update(token.0);
    }
    hex::encode(hash.finalize())
}
