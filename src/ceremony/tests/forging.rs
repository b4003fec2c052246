//! Every set of officers below the number that is needed, and every signature that is not theirs.

use super::*;

/// Goal: nothing short of two officers' own signatures on this very text gets a key destroyed.
/// Method: each way to come by a second signature is tried on a ceremony that one has proposed.
#[test]
fn no_forged_or_borrowed_signature_counts() {
    let proposed = propose(1, &destroy()).unwrap();
    let text = destroy().to_string();
    let other = Statement {
        nonce: [8; 16],
        ..destroy()
    };
    let (_, second) = officer(2);
    let stranger = sign(7, &text);
    let renamed = second
        .sign(NoteKeyName::new("officer3").unwrap(), &text)
        .unwrap();
    let both = sign(2, &text).with_signatures_of(sign(3, &text)).unwrap();
    let cancelling = sign(2, &cancellation(&proposed.id()));
    let forgeries = [
        ("a stranger's", stranger, CeremonyError::Signature),
        ("in another's name", renamed, CeremonyError::Signature),
        (
            "of another statement",
            sign(2, &other.to_string()),
            CeremonyError::Signature,
        ),
        ("two at once", both, CeremonyError::Signature),
        ("of a cancellation", cancelling, CeremonyError::Signature),
        (
            "one's own again",
            sign(1, &text),
            CeremonyError::SignedAlready,
        ),
    ];
    for (what, note, error) in forgeries {
        assert_eq!(
            proposed.approve(&charter(), note, NOW),
            Err(error),
            "{what}"
        );
    }
    let genuine = sign(2, &text).to_string();
    let signature_starts = genuine.rfind(' ').unwrap() + 1;
    for position in signature_starts..genuine.len() - 1 {
        let mut bytes = genuine.clone().into_bytes();
        bytes[position] ^= 1;
        let Ok(note) = String::from_utf8(bytes).unwrap().parse() else {
            continue;
        };
        let approved = proposed.approve(&charter(), note, NOW);
        assert_eq!(approved, Err(CeremonyError::Signature), "{position}");
    }
}

#[test]
fn statement_for_another_vault_or_charter_is_refused() {
    let for_other = Statement {
        vault: "other.example/audit".to_owned(),
        ..destroy()
    };
    assert_eq!(propose(1, &for_other), Err(CeremonyError::OtherCharter));
    let under_other = Statement {
        charter: [0; 32],
        ..destroy()
    };
    assert_eq!(propose(1, &under_other), Err(CeremonyError::OtherCharter));

    let proposed = propose(1, &destroy()).unwrap();
    let [one, two] = [1, 2].map(|number| officer(number).1.verifier(officer(number).0));
    let fewer = Charter::new([one, two], BTreeMap::new()).unwrap();
    let note = sign(2, &destroy().to_string());
    let approved = proposed.approve(&fewer, note, NOW);
    assert_eq!(approved, Err(CeremonyError::OtherCharter));
}

#[test]
fn statement_has_one_form_and_a_bounded_time() {
    let text = destroy().to_string();
    assert_eq!(Statement::read(&text), Ok(destroy()));
    for position in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[position] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else {
            continue;
        };
        assert_ne!(Statement::read(&changed), Ok(destroy()), "{position}");
    }
    let long = Statement {
        expires: NOW.plus_seconds(STATEMENT_SECONDS_MAX + 3_600),
        ..destroy()
    };
    assert_eq!(propose(1, &long), Err(CeremonyError::Expired));
    let over = Statement {
        expires: NOW,
        ..destroy()
    };
    assert_eq!(propose(1, &over), Err(CeremonyError::Expired));
}

#[test]
fn key_of_a_namespace_names_one_and_a_key_of_the_vault_none() {
    let text = destroy().to_string();
    let without = text.replace("wrapping/shop/1", "wrapping/1");
    assert_eq!(Statement::read(&without), Err(CeremonyError::Statement));
    let with = text.replace("wrapping/shop/1", "audit-signing/shop/1");
    assert_eq!(Statement::read(&with), Err(CeremonyError::Statement));
    let vault = text.replace("wrapping/shop/1", "audit-signing/1");
    assert!(Statement::read(&vault).is_ok());
    for odd in ["wrapping/shop/0", "wrapping/shop/01", "wrapping/shop/1/"] {
        let odd = text.replace("wrapping/shop/1", odd);
        assert_eq!(Statement::read(&odd), Err(CeremonyError::Statement));
    }
}
