//! What a vault says of its health, each listener of the service that it has.

use std::time::Duration;

use counterfoil::protocol::detokenization_service_server;
use counterfoil::protocol::token_service_server;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::server::Server;
use crate::testbed::Failure;

/// Who asks both listeners of a vault.
pub(crate) struct Health {
    listeners: [(Channel, &'static str); 2],
}

impl Health {
    pub(crate) fn of(server: &Server) -> Self {
        let reveal = detokenization_service_server::SERVICE_NAME;
        Self {
            listeners: [
                (server.token.clone(), token_service_server::SERVICE_NAME),
                (server.reveal.clone(), reveal),
            ],
        }
    }

    /// Whether both listeners say this now. One that does not answer says nothing.
    pub(crate) async fn says(&self, serving: Serving) -> bool {
        for (listener, service) in &self.listeners {
            let said = ask(listener, service).await.ok();
            if said != Some(serving) {
                return false;
            }
        }
        true
    }

    /// Whether both come to say this.
    pub(crate) async fn comes_to_say(&self, serving: Serving) -> bool {
        let said = async {
            while !self.says(serving).await {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::time::timeout(TIME_MAX, said).await.is_ok()
    }
}

/// Whether the process is gone, or both listeners come to say that they do not serve.
pub(crate) async fn stops_serving(server: &mut Server) -> Result<bool, Failure> {
    let health = Health::of(server);
    let stopped = async {
        while !server.has_ended()? && !health.says(Serving::No).await {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok::<_, Failure>(())
    };
    match tokio::time::timeout(TIME_MAX, stopped).await {
        Ok(stopped) => stopped.map(|()| true),
        Err(_) => Ok(false),
    }
}

/// What a listener may say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Serving {
    Yes,
    No,
}

async fn ask(listener: &Channel, service: &str) -> Result<Serving, Failure> {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let mut client = HealthClient::new(listener.clone());
    let answer = tokio::time::timeout(TIME_MAX, client.check(request)).await??;
    match answer.into_inner().status() {
        ServingStatus::Serving => Ok(Serving::Yes),
        ServingStatus::NotServing => Ok(Serving::No),
        ServingStatus::ServiceUnknown | ServingStatus::Unknown => Err("nothing is said".into()),
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Longer than the vault takes to look at the disk again, and than it waits for one that hangs.
const TIME_MAX: Duration = Duration::from_secs(20);
