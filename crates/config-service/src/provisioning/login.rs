//! Calls in the name of one connection.

use futures::{FutureExt, future::BoxFuture};
use salesforce::{Http, Session, refusal::Fault, request::RequestError};

use super::failure::{Failure, Step};
use crate::{connections::Connection, org::Orgs};

/// The login of a connection.
#[derive(Clone, Copy)]
pub(super) struct Login<'a> {
    pub(super) orgs: &'a Orgs,
    pub(super) connection: &'a Connection,
    /// The Salesforce user, for messages.
    pub(super) username: &'a str,
}

impl Login<'_> {
    /// Makes a call, once more after a refused token. Every call made here may be
    /// made twice.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        step: Step,
        call: impl Fn(Http, Session) -> BoxFuture<'static, Result<T, RequestError>>,
    ) -> Result<T, Failure> {
        let with_refusals = |session| {
            let answer = call(self.orgs.http.clone(), session);
            async move {
                match answer.await {
                    Ok(value) => Ok(Ok(value)),
                    Err(RequestError::Refused(refusal)) if refusal.fault != Fault::Token => Ok(Err(refusal)),
                    Err(error) => Err(error),
                }
            }
            .boxed()
        };
        match self.orgs.with_session(self.connection, with_refusals).await {
            Ok((Ok(value), _)) => Ok(value),
            Ok((Err(refusal), _)) => Err(Failure::refused(&refusal, step, self.username)),
            Err(trouble) => Err(Failure::of_login(trouble)),
        }
    }
}
