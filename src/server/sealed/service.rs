//! SealService on the wire.

use std::mem;
use std::sync::Arc;

use tonic::Request;
use tonic::Response;
use tonic::Status;
use zeroize::Zeroizing;

use crate::crypto::SecretShare;
use crate::keys::root::shares::ShareOffer;
use crate::protocol;
use crate::protocol::SealState;
use crate::protocol::seal_service_server::SealService;
use crate::protocol::seal_service_server::SealServiceServer;
use crate::server::identity;
use crate::server::limits::ServerLimits;
use crate::server::sealed::gate::Gate;
use crate::server::sealed::gate::Sealed;
use crate::server::status;

/// Answers SealService: of a vault with a gate that is sealed, without one that is open.
#[derive(Clone)]
pub(in crate::server) struct SealEndpoint {
    gate: Option<Arc<Gate>>,
}

impl SealEndpoint {
    pub(in crate::server) fn service(
        gate: Option<Arc<Gate>>,
        limits: &ServerLimits,
    ) -> SealServiceServer<Self> {
        SealServiceServer::new(Self { gate })
            .max_decoding_message_size(limits.message_bytes_max)
            .max_encoding_message_size(limits.message_bytes_max)
    }
}

#[tonic::async_trait]
impl SealService for SealEndpoint {
    async fn get_seal_status(
        &self,
        request: Request<protocol::GetSealStatusRequest>,
    ) -> Result<Response<protocol::SealStatus>, Status> {
        identity::of(&request)?;
        let sealed = self.gate.as_ref().map(|gate| gate.status());
        Ok(Response::new(message(sealed)))
    }

    async fn unseal(
        &self,
        request: Request<protocol::UnsealRequest>,
    ) -> Result<Response<protocol::SealStatus>, Status> {
        let caller = identity::of(&request)?;
        let mut request = request.into_inner();
        let share = Zeroizing::new(mem::take(&mut request.share));
        let Some(gate) = &self.gate else {
            return Err(Status::failed_precondition("vault is not sealed"));
        };
        let offer = offer(&request, &share)?;
        let sealed = gate.give(offer, &caller)?;
        Ok(Response::new(message(Some(sealed))))
    }
}

fn offer(request: &protocol::UnsealRequest, share: &[u8]) -> Result<ShareOffer, Status> {
    let sharing = request.sharing.as_slice().try_into();
    let sharing = sharing.map_err(|_| status::invalid("sharing", "is not 32 bytes"))?;
    let number = u8::try_from(request.number);
    let number = number.map_err(|_| status::invalid("number", "is not a share's"))?;
    let share = SecretShare::from_bytes(number, share);
    let share = share.ok_or_else(|| status::invalid("share", "is not 64 bytes"))?;
    Ok(ShareOffer { sharing, share })
}

fn message(sealed: Option<Sealed>) -> protocol::SealStatus {
    let (state, given, needed) = match sealed {
        None => (SealState::Unsealed, 0, 0),
        Some(Sealed::Opening) => (SealState::Opening, 0, 0),
        Some(Sealed::Waiting(progress)) => (SealState::Sealed, progress.given, progress.needed),
    };
    // Both are at most 16.
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    protocol::SealStatus {
        state: state.into(),
        shares_given: count(given),
        shares_needed: count(needed),
    }
}
