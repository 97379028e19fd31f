//! A party's answer to a sample. Everything that an auditor's verifier would refuse is refused here already.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_protocols::audit::{Substantiation, verify_substantiation};
use tamis_protocols::consent::{ProofError, RecordProof, batch_head};
use tamis_protocols::wire::api::{RequestKind, SampleView, SubstantiationRequest};

use crate::domain::id::Id;
use crate::service::propose::stored_key;
use crate::service::{Caller, Service, ServiceError, scope};
use crate::store::{StoreError, Tx, transact};

/// Longest document in bytes: with its line it fits into a pack.
const LONGEST: usize = 2 << 20;

impl Service {
    /// Takes a signed substantiation of drawn records of the caller's uploads.
    ///
    /// # Errors
    /// `invalid_substantiation`, `invalid_signature`, `not_drawn`; not found if nothing of the caller was drawn.
    pub async fn substantiate(
        &self,
        caller: &Caller,
        sample: &str,
        request: SubstantiationRequest,
    ) -> Result<SampleView, ServiceError> {
        let id = scope::id(sample)?;
        let now = self.now();
        transact!(self.store(), "substantiate", |tx| {
            let found = tx.sample(id).await?.ok_or(ServiceError::NotFound)?;
            self.sample_view(tx, caller, &found).await?;
            let document = read(&request.document)?;
            if document.sample != id.to_string() || document.party != caller.name {
                return Err(bad(
                    "The document must name this sample and you as its party.",
                ));
            }
            signed(tx, caller, &request).await?;
            for proof in &document.proofs {
                self.proven(tx, caller, id, proof).await?;
            }
            let signed = (request.document.as_str(), request.signature.as_str());
            tx.add_substantiation(id, &caller.name, signed, now).await?;
            self.sample_view(tx, caller, &found).await
        })
    }

    async fn proven(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        sample: Id,
        proof: &RecordProof,
    ) -> Result<(), ServiceError> {
        let upload = Id::parse(&proof.upload).ok_or_else(not_drawn)?;
        let upload = scope::upload(tx, caller, upload).await;
        let upload = upload.map_err(|_| not_drawn())?;
        match tx.answer_drawn(sample, upload.id, proof.row).await {
            Err(StoreError::NotOneRow { .. }) => return Err(not_drawn()),
            done => done?,
        }
        let head = tx.head_of(upload.id).await?.ok_or_else(not_drawn)?;
        let mut root = [0; 32];
        hex::decode_to_slice(&head.root, &mut root)
            .map_err(|error| ServiceError::internal("stored root", error))?;
        match proof.check(&batch_head(head.records, &root)) {
            Ok(_) => Ok(()),
            Err(ProofError::Erased) if asked_to_erase(tx, caller, upload.collaboration).await? => {
                Ok(())
            }
            Err(_) => Err(bad(
                "A proof does not lead to the upload's leaf in the log: fetch it again.",
            )),
        }
    }
}

/// Whether this party asked for an erasure there: only then can a record of it be erased.
async fn asked_to_erase(
    tx: &mut Tx,
    caller: &Caller,
    collaboration: Id,
) -> Result<bool, ServiceError> {
    let all = tx.withdrawals(collaboration).await?;
    let own = all.iter().filter(|one| one.sender == caller.name);
    Ok(own
        .map(|one| one.kind)
        .any(|kind| kind == RequestKind::Erasure))
}

fn read(document: &str) -> Result<Substantiation, ServiceError> {
    if document.len() > LONGEST {
        return Err(bad("The document is longer than 2 MiB: send several."));
    }
    let read: Substantiation = serde_json::from_str(document).map_err(|error| {
        bad(&format!(
            "The document is not a substantiation: see line {}, column {}.",
            error.line(),
            error.column()
        ))
    })?;
    let some = (1..=Substantiation::MOST).contains(&read.proofs.len());
    match some && read.version == Substantiation::VERSION {
        true => Ok(read),
        false => Err(bad("A document of version 1 has 1 to 500 proofs.")),
    }
}

async fn signed(
    tx: &mut Tx,
    caller: &Caller,
    request: &SubstantiationRequest,
) -> Result<(), ServiceError> {
    let party = tx
        .party(&caller.name)
        .await?
        .ok_or(ServiceError::NotFound)?;
    let key = stored_key(&party.signing_key)?;
    let given = BASE64_STANDARD
        .decode(&request.signature)
        .unwrap_or_default();
    if verify_substantiation(&key, request.document.as_bytes(), &given) {
        return Ok(());
    }
    Err(ServiceError::invalid(
        "invalid_signature",
        "The signature is not yours over exactly this document: sign the bytes as they are.",
    ))
}

fn not_drawn() -> ServiceError {
    ServiceError::conflict(
        "not_drawn",
        "A record was not drawn from your uploads, or is substantiated already: read the sample again.",
    )
}

fn bad(detail: &str) -> ServiceError {
    ServiceError::invalid("invalid_substantiation", detail)
}
