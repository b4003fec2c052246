//! How many requests a listener takes on at once; more are turned away before they are decoded.
//!
//! Unlike tower's load shedding it says when to try again, and health answers always: a vault that
//! has much to do is well.
//!
//! A request that was taken on ends at its deadline. Its place is free only once it is over.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use http::Request;
use http::Response;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tower::Layer;
use tower::Service;

use crate::server::overdue::Overdue;
use crate::server::status;

/// Takes on so many requests at once.
#[derive(Clone, Debug)]
pub(super) struct AdmissionLayer {
    free: Arc<Semaphore>,
    deadline: Duration,
    overdue: Overdue,
}

/// A service with so many requests at once.
#[derive(Clone, Debug)]
pub(super) struct Admission<S> {
    layer: AdmissionLayer,
    service: S,
}

impl AdmissionLayer {
    pub(super) fn new(requests_max: usize, deadline: Duration, overdue: Overdue) -> Self {
        let free = Arc::new(Semaphore::new(requests_max));
        Self {
            free,
            deadline,
            overdue,
        }
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admission<S>;

    fn layer(&self, service: S) -> Admission<S> {
        let layer = self.clone();
        Admission { layer, service }
    }
}

impl<S, B> Service<Request<B>> for Admission<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.uri().path().starts_with(HEALTH) {
            return Box::pin(self.service.call(request));
        }
        let AdmissionLayer {
            free,
            deadline,
            overdue,
        } = &self.layer;
        match Arc::clone(free).try_acquire_owned() {
            Ok(place) => {
                let answer = self.service.call(request);
                let answer = overdue.start(async move {
                    let answer = answer.await;
                    drop(place);
                    answer
                });
                let answer = tokio::time::timeout(*deadline, answer);
                Box::pin(async move {
                    let late = |_| Ok(status::late().into_http());
                    answer.await.unwrap_or_else(late)
                })
            }
            Err(_) => Box::pin(async { Ok(status::busy().into_http()) }),
        }
    }
}

/// The calls of `grpc.health.v1.Health`.
const HEALTH: &str = "/grpc.health.v1.Health/";
