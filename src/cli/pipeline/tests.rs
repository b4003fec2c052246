//! What the pipeline promises to scripts.

use std::sync::Mutex;

use super::*;
use crate::cli::exit::Exit;
use crate::client::Code;

/// Answers each value with itself, reversed; `bad` fails, `break` fails the whole call.
#[derive(Default)]
struct Mirror {
    calls: Arc<Mutex<Vec<(String, usize)>>>,
}

impl LineCall for Mirror {
    type Item = String;

    fn item(&self, value: Zeroizing<String>) -> Result<String, Failure> {
        match value.as_str() {
            "" => Err(Failure::invalid("empty")),
            _ => Ok(value.to_string()),
        }
    }

    async fn call(
        &self,
        request_id: RequestId,
        items: Vec<String>,
    ) -> Result<Vec<Result<Answer, ItemError>>, ClientError> {
        let call = (request_id.as_str().to_owned(), items.len());
        self.calls.lock().unwrap().push(call);
        // The first call is the slowest, so that answers would come back in another order.
        if items.iter().any(|item| item == "slow") {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        if items.iter().any(|item| item == "break") {
            return Err(ClientError::Call {
                code: Code::PermissionDenied,
                message: "permission denied".to_owned(),
            });
        }
        let mirror = |item: String| match item.as_str() {
            "bad" => Err(ItemError {
                code: Code::InvalidArgument,
                message: "no".to_owned(),
            }),
            _ => Ok(Answer::new(&item.chars().rev().collect::<String>(), [])),
        };
        Ok(items.into_iter().map(mirror).collect())
    }
}

async fn run_text(input: Vec<u8>) -> (String, Tally, Vec<(String, usize)>) {
    let mirror = Mirror::default();
    let calls = Arc::clone(&mirror.calls);
    let mut output = Vec::new();
    let tally = run(
        mirror,
        io::Cursor::new(input),
        &mut output,
        AnswerForm::Text,
    )
    .await;
    let calls = calls.lock().unwrap().clone();
    (String::from_utf8(output).unwrap(), tally.unwrap(), calls)
}

#[tokio::test]
async fn each_line_has_its_line_in_order() {
    let mut input = String::from("slow\n");
    let mut expected = String::from("wols\n");
    for number in 0..5_000 {
        input.push_str(&format!("{number}\n"));
        expected.extend(number.to_string().chars().rev().chain(['\n']));
    }
    let (output, tally, calls) = run_text(input.into_bytes()).await;
    assert_eq!(output, expected);
    assert_eq!((tally.done, tally.exit()), (5_001, Exit::Done));
    assert!(calls.iter().all(|(_, items)| *items <= ITEMS_MAX));
    assert_eq!(calls.iter().map(|(_, items)| items).sum::<usize>(), 5_001);
}

#[tokio::test]
async fn failed_line_is_empty_and_the_rest_is_answered() {
    let input = b"ab\nbad\n\n\xff\n\\x\ncd";
    let (output, tally, _) = run_text(input.to_vec()).await;
    assert_eq!(output, "ba\n\n\n\n\ndc\n");
    assert_eq!(
        (tally.done, tally.failed, tally.exit()),
        (2, 4, Exit::Failed)
    );
}

#[tokio::test]
async fn failed_call_leaves_an_empty_line_for_each_line_that_follows() {
    let input = format!("break\n{}", "a\n".repeat(20_000));
    let (output, tally, calls) = run_text(input.into_bytes()).await;
    assert_eq!(output.lines().count(), 20_001);
    assert_eq!(tally.done + tally.failed, 20_001);
    assert_eq!(tally.exit(), Exit::Denied);
    assert!(calls.len() < 20, "{} calls after a refusal", calls.len());
}

#[tokio::test]
async fn large_lines_are_spread_over_calls() {
    let line = "a".repeat(10_000);
    let input = format!("{line}\n").repeat(1_000);
    let (_, tally, calls) = run_text(input.into_bytes()).await;
    assert_eq!(tally.done, 1_000);
    assert!(
        calls
            .iter()
            .all(|(_, items)| items * 10_000 <= BATCH_BYTES_MAX)
    );
}

#[tokio::test]
async fn each_call_has_a_request_id_of_its_own() {
    let (_, _, calls) = run_text("a\n".repeat(3_000).into_bytes()).await;
    let mut ids: Vec<_> = calls.iter().map(|(id, _)| id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), calls.len());
}
