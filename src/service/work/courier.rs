//! How a delivery leaves: a small trait, so that tests need no network.

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::delivery::webhook::{SendError, Session, Target, WebhookSender};

/// Opens routes to destinations.
pub trait Courier: Send + Sync {
    /// Vets the endpoint and prepares to send to it, for one attempt of a delivery.
    fn open(&self, target: Target) -> BoxFuture<'_, Result<Box<dyn Route>, SendError>>;
}

/// A way to one destination.
pub trait Route: Send + Sync {
    /// Sends one batch; `Ok` is its acknowledgement. `id` and `body` are the same in every attempt.
    fn send<'a>(
        &'a self,
        id: &'a str,
        now: Timestamp,
        body: Bytes,
    ) -> BoxFuture<'a, Result<(), SendError>>;
}

impl Courier for WebhookSender {
    fn open(&self, target: Target) -> BoxFuture<'_, Result<Box<dyn Route>, SendError>> {
        Box::pin(async move {
            let session = WebhookSender::open(self, target).await?;
            Ok(Box::new(session) as Box<dyn Route>)
        })
    }
}

impl Route for Session {
    fn send<'a>(
        &'a self,
        id: &'a str,
        now: Timestamp,
        body: Bytes,
    ) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move { Session::send(self, id, now, body).await.map(|_| ()) })
    }
}
