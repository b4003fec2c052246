//! What is allowed for a time: that tokens are replaced.

use super::*;

fn allowed() -> Retokenization {
    Retokenization {
        namespace: Namespace::new("shop").unwrap(),
        tokens_max: 400,
        until: NOW.plus_seconds(7_200),
    }
}

fn running() -> Ceremony {
    let statement = statement(Operation::Retokenize(allowed()));
    let proposed = propose(1, &statement).unwrap();
    assert_eq!(
        proposed.state,
        CeremonyState::Proposed,
        "one allows nothing"
    );
    let note = sign(2, &statement.to_string());
    let approved = proposed.approve(&charter(), note, NOW).unwrap();
    assert!(approved.is_due(NOW));
    approved.running().unwrap()
}

#[test]
fn allowance_is_read_as_it_is_written_and_no_other_way() {
    let statement = statement(Operation::Retokenize(allowed()));
    let text = statement.to_string();
    assert_eq!(Statement::read(&text), Ok(statement));
    assert!(text.contains("\nobject shop tokens 400 until 2023-11-15T00:13:20Z\n"));
    for (from, to) in [
        ("tokens 400", "tokens 0"),
        ("tokens 400", "tokens 0400"),
        ("tokens 400", "tokens -1"),
        ("tokens 400", "tokens"),
        ("tokens 400", "tokens 99999999999999999999"),
        ("shop tokens", "Shop tokens"),
        ("shop tokens", "tokens"),
        (" until ", " Until "),
        ("00:13:20Z\n", "00:13:20Z \n"),
        ("2023-11-15T00:13:20Z", "2023-11-15"),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(wrong, text, "{from}");
        let read = Statement::read(&wrong);
        assert_eq!(read, Err(CeremonyError::Statement), "{wrong}");
    }
}

#[test]
fn allowance_is_over_when_its_time_is_and_not_before() {
    let running = running();
    let until = allowed().until;
    assert_eq!(running.over(NOW.plus_seconds(7_199)), None);
    let over = running.over(until).unwrap();
    assert_eq!((over.state, over.ended), (CeremonyState::Done, Some(until)));
    assert_eq!(over.over(until), None, "once");
    // A job of another kind is not over by a time.
    let rotated = propose(1, &statement(Operation::RotateKey(key()))).unwrap();
    assert_eq!(rotated.running().unwrap().over(until), None);
}

#[test]
fn allowance_is_cancelled_by_two_while_it_runs_and_nothing_else_that_runs_is() {
    let running = running();
    let text = cancellation(&running.id());
    let one = running.cancel(&charter(), sign(1, &text), NOW).unwrap();
    assert_eq!(one.state, CeremonyState::Running, "others have signed");
    let two = one.cancel(&charter(), sign(3, &text), NOW).unwrap();
    assert_eq!(two.state, CeremonyState::Cancelled);

    let rotated = propose(1, &statement(Operation::RotateKey(key()))).unwrap();
    let rotated = rotated.running().unwrap();
    let text = cancellation(&rotated.id());
    for officer in [1, 2, 3] {
        let cancelled = rotated.cancel(&charter(), sign(officer, &text), NOW);
        assert_eq!(cancelled, Err(CeremonyError::State), "{officer}");
    }
}

#[test]
fn share_of_an_allowance_is_what_was_replaced_of_it() {
    let running = running();
    let replaced = |changed| {
        let progress = Progress {
            changed,
            ..Progress::default()
        };
        running.at(progress)
    };
    assert_eq!(running.millionths(), 0);
    assert_eq!(replaced(100).millionths(), 250_000);
    assert_eq!(replaced(400).millionths(), 1_000_000);
    // What nobody used is not done when it is over.
    let over = replaced(100).over(allowed().until).unwrap();
    assert_eq!(over.millionths(), 250_000);
    let record = over.record((7, "root")).unwrap();
    for line in [
        "does retokenize shop tokens 400 until 2023-11-15T00:13:20Z",
        "records-changed 100",
        "deviation none",
    ] {
        assert!(record.lines().any(|it| it == line), "{record}");
    }
    assert_eq!(Ceremony::decode(&over.encode()), Ok(over));
}
