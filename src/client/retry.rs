//! Repeating a call that the vault was too busy for.

use std::future::Future;
use std::time::Duration;

use tonic::Code;
use tonic::Request;
use tonic::Response;
use tonic::Status;
use tonic_types::StatusExt;

use crate::client::error::ClientError;

/// Makes a call, and repeats it, with the same message and so the same request id, while the
/// vault asks for that: a bounded number of times, each attempt under a deadline.
pub(super) async fn call<M, R, F>(
    message: M,
    send: impl Fn(Request<M>) -> F,
) -> Result<R, ClientError>
where
    M: Clone,
    F: Future<Output = Result<Response<R>, Status>>,
{
    let mut delay = DELAY_FIRST;
    for _ in 1..ATTEMPTS_MAX {
        match send(request(message.clone())).await {
            Ok(response) => return Ok(response.into_inner()),
            Err(status) => match pause(&status, delay) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(status.into()),
            },
        }
        delay = delay.saturating_mul(2);
    }
    Ok(send(request(message)).await?.into_inner())
}

fn request<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(ATTEMPT_TIMEOUT);
    request
}

/// How long to wait before another attempt, or nothing where one would not help. A vault that is
/// busy says to come back soon; one whose budget is spent, in minutes or hours.
fn pause(status: &Status, delay: Duration) -> Option<Duration> {
    let asked = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    let pause = match status.code() {
        Code::Unavailable => Some(asked.unwrap_or(delay)),
        Code::ResourceExhausted => asked.filter(|asked| *asked <= DELAY_MAX),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => None,
    };
    pause.map(|pause| pause.clamp(DELAY_FIRST, DELAY_MAX))
}

const ATTEMPTS_MAX: u32 = 6;
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const DELAY_FIRST: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tonic_types::ErrorDetails;

    use super::*;

    fn busy(delay: Option<Duration>) -> Status {
        let mut details = ErrorDetails::new();
        if let Some(delay) = delay {
            details.set_retry_info(Some(delay));
        }
        Status::with_error_details(Code::ResourceExhausted, "busy", details)
    }

    #[test]
    fn exhausted_budget_is_not_asked_again() {
        assert_eq!(pause(&busy(None), DELAY_FIRST), None);
    }

    #[test]
    fn vault_says_when_to_come_back() {
        let second = Duration::from_secs(1);
        assert_eq!(pause(&busy(Some(second)), DELAY_FIRST), Some(second));
        let hour = Duration::from_secs(3_600);
        // A budget that is spent: whoever waits for that, waits on their own.
        assert_eq!(pause(&busy(Some(hour)), DELAY_FIRST), None);
    }

    #[tokio::test]
    async fn unavailable_vault_is_asked_again_with_the_same_message() {
        let attempts = Cell::new(0);
        let answer = call("id", |request| {
            attempts.set(attempts.get() + 1);
            let late = attempts.get() == 2;
            async move {
                match late {
                    true => Ok(Response::new(request.into_inner())),
                    false => Err(Status::unavailable("")),
                }
            }
        })
        .await;
        assert_eq!(answer.unwrap(), "id");
        assert_eq!(attempts.get(), 2);
    }

    #[tokio::test]
    async fn refusal_is_final() {
        let attempts = Cell::new(0);
        let answer: Result<(), _> = call((), |_| {
            attempts.set(attempts.get() + 1);
            async { Err(Status::permission_denied("")) }
        })
        .await;
        assert!(answer.unwrap_err().is_denied());
        assert_eq!(attempts.get(), 1);
    }
}
