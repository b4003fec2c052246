//! An officer's key on a PKCS#11 token, tried with SoftHSM.

use std::fs;

use counterfoil::ceremony::Operation;
use counterfoil::ceremony::Statement;
use counterfoil::crypto::note::NoteVerifier;
use counterfoil::crypto::note::SignedNote;
use counterfoil::domain::Timestamp;

use crate::PASSPHRASE_FILE;
use crate::commands::PIN;
use crate::commands::Stage;

pub(crate) fn statement() -> String {
    let proposed = Timestamp::from_unix_ms(1_800_000_000_000);
    let statement = Statement {
        vault: "shop.example/audit".to_owned(),
        operation: Operation::ChangeCharter([7; 32]),
        charter: [8; 32],
        nonce: [9; 16],
        proposed,
        expires: proposed.plus_seconds(3_600),
    };
    statement.to_string()
}

/// Goal: what a token signs is the officer's signature, and the key is nobody's who has no PIN.
#[test]
fn officer_signs_with_a_key_on_a_token() {
    let mut stage = Stage::new(PASSPHRASE_FILE);
    let Some(module) = stage.soft_hsm() else {
        return;
    };
    fs::write(stage.path("pin"), format!("{PIN}\n")).unwrap();
    fs::write(stage.path("wrong"), "112233\n").unwrap();
    fs::write(stage.path("statement"), statement()).unwrap();
    let token = format!("--officer-token counterfoil --officer-module {module}");

    let new = format!("keys officer new --name officer1 {token} --passphrase-file pin");
    let verifier: NoteVerifier = stage.done(&new).trim_end().parse().unwrap();
    assert_eq!(verifier.name().as_str(), "officer1");
    let again = stage.run(&new);
    assert_eq!(again.code, 1, "{}", again.words);
    assert!(again.words.contains("label already"), "{}", again.words);

    let sign = format!("keys sign statement --name officer1 {token} --yes");
    let signed = stage.done(&format!("{sign} --officer-passphrase-file pin"));
    let note: SignedNote = signed.parse().unwrap();
    assert_eq!(verifier.verify(&note), Ok(statement().as_str()));
    // The same key in another's name is another signature.
    let other = sign.replace("officer1", "officer2");
    let signed = stage.done(&format!("{other} --officer-passphrase-file pin"));
    assert!(verifier.verify(&signed.parse().unwrap()).is_err());

    let wrong = stage.run(&format!("{sign} --officer-passphrase-file wrong"));
    assert_eq!((wrong.code, wrong.output.as_str()), (1, ""));
    assert!(wrong.words.contains("refuses the PIN"), "{}", wrong.words);
    assert!(!wrong.words.contains("112233"));
    let missing = stage.run(&format!(
        "{sign} --officer-token-key other --officer-passphrase-file pin"
    ));
    assert_eq!(missing.code, 1);
    assert!(missing.words.contains("no key with this label"));
    let half = stage.run("keys sign statement --name officer1 --officer-token counterfoil --yes");
    assert_eq!(half.code, 2, "{}", half.words);
}
