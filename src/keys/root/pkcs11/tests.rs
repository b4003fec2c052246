//! The root key on a token, tried with SoftHSM, which `./dev test` installs. Each test runs in a
//! process of its own: a module is loaded once per process, and finds its tokens by the
//! environment. Where SoftHSM is missing, the tests say that they did not try.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::crypto::SystemEntropy;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::Timestamp;
use crate::keys::Keyring;
use crate::keys::rewrap_all;
use crate::untried::not_tried;

const PIN: &str = "824619";
const TOKEN: &str = "counterfoil";
const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
];

fn module() -> Option<PathBuf> {
    MODULES.iter().map(PathBuf::from).find(|path| path.exists())
}

fn util(config: &Path, arguments: &[&str]) {
    let output = Command::new("softhsm2-util")
        .env("SOFTHSM2_CONF", config)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Runs one of the tests below, which are ignored otherwise, with a token of its own.
fn in_a_process(child: &str) {
    if module().is_none() {
        not_tried("SoftHSM is missing (softhsm2 in Debian)");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let tokens = directory.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let config = directory.path().join("softhsm2.conf");
    let text = format!(
        "directories.tokendir = {}\nlog.level = ERROR\n",
        tokens.display()
    );
    fs::write(&config, text).unwrap();
    for label in ["another", TOKEN] {
        let pins = ["--pin", PIN, "--so-pin", "13572468"];
        let arguments = ["--init-token", "--free", "--label", label];
        util(&config, &[arguments.as_slice(), &pins].concat());
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .env("SOFTHSM2_CONF", &config)
        .env(TOKENS_VARIABLE, &tokens)
        .args(["--ignored", "--exact"])
        .arg(format!("keys::root::pkcs11::tests::{child}"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("1 passed"), "{text}");
}

fn token_key(key: &str, pin: &str) -> TokenRootKey {
    let name = TokenKeyName {
        module: module().unwrap(),
        token: TOKEN.to_owned(),
        key: key.to_owned(),
    };
    TokenRootKey::new(name, pin.to_owned().into())
}

fn identity() -> KeyIdentity<'static> {
    KeyIdentity {
        purpose: KeyPurpose::AuditSigning,
        namespace: None,
        version: KeyVersion::FIRST,
    }
}

fn refused(key: &TokenRootKey) -> Pkcs11Error {
    let error = key.root_key().err().unwrap();
    let RootKeyError::Pkcs11(error) = error else {
        panic!("{error}")
    };
    error
}

#[test]
fn key_on_a_token_wraps_and_unwraps_under_a_name() {
    in_a_process("child_wraps_and_unwraps");
}

#[test]
#[ignore = "run by key_on_a_token_wraps_and_unwraps_under_a_name"]
fn child_wraps_and_unwraps() {
    let token = token_key("root", PIN);
    assert!(!token.exists().unwrap());
    assert_eq!(refused(&token), Pkcs11Error::KeyMissing);
    let made = token.create().unwrap();
    assert!(token.exists().unwrap());
    let key = KeyBytes::generate(&SystemEntropy);
    let wrapped = made.wrap(&identity(), &key, &SystemEntropy).unwrap();
    assert_eq!(wrapped.len(), RootKey::WRAPPED_BYTES);
    let found = token.root_key().unwrap();
    let opened = found.unwrap(&identity(), &wrapped).unwrap();
    assert_eq!(opened.expose(), key.expose());
    let again = made.wrap(&identity(), &key, &SystemEntropy).unwrap();
    assert_ne!(again, wrapped);

    let version = KeyVersion::new(2).unwrap();
    let other = KeyIdentity {
        version,
        ..identity()
    };
    let opening = Err(HolderError::Opening);
    assert_eq!(found.unwrap(&other, &wrapped).map(drop), opening);
    for position in 0..wrapped.len() {
        let mut damaged = wrapped.clone();
        damaged[position] ^= 1;
        assert_eq!(found.unwrap(&identity(), &damaged).map(drop), opening);
        let cut = found.unwrap(&identity(), &wrapped[..position]);
        assert_eq!(cut.map(drop), opening);
    }
    // After all those refusals the session still serves.
    assert!(found.unwrap(&identity(), &wrapped).is_ok());
}

#[test]
fn key_cannot_be_taken_off_the_token() {
    in_a_process("child_cannot_extract");
}

#[test]
#[ignore = "run by key_cannot_be_taken_off_the_token"]
fn child_cannot_extract() {
    use cryptoki::error::RvError;
    use cryptoki::object::Attribute;
    use cryptoki::object::AttributeType;
    let token = token_key("root", PIN);
    token.create().unwrap();
    let module = Module::load(&token.name.module).unwrap();
    let found = module.open(&token.name, &token.pin).unwrap();
    // CKR_ATTRIBUTE_SENSITIVE: this library leaves such an attribute out of what it returns.
    assert!(token::value_of(&found).unwrap().is_empty());
    let information = found
        .session
        .get_attribute_info(found.key, &[AttributeType::Value])
        .unwrap();
    assert!(
        format!("{information:?}").contains("Sensitive"),
        "{information:?}"
    );
    for change in [Attribute::Extractable(true), Attribute::Sensitive(false)] {
        let changed = found.session.update_attributes(found.key, &[change]);
        assert!(changed.is_err());
    }
    // The planted fault: of a key that was made readable, the same question gives the value away.
    let session = module.session_for_tests(TOKEN);
    let readable = [
        Attribute::ValueLen(32.into()),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let key = session.generate_key(&Mechanism::AesKeyGen, &readable);
    let key = key.unwrap();
    let given_away = token::value_of(&Found { session, key }).unwrap();
    assert!(matches!(given_away.as_slice(), [Attribute::Value(value)] if value.len() == 32));
    // Nor under a key of the thief's own.
    let wrapping = found
        .session
        .wrap_key(&Mechanism::AesKeyWrap, found.key, found.key);
    assert!(matches!(
        wrapping,
        Err(cryptoki::error::Error::Pkcs11(
            RvError::KeyUnextractable | RvError::KeyNotWrappable | RvError::KeyFunctionNotPermitted,
            _
        ))
    ));
}

#[test]
fn unfit_and_ambiguous_keys_are_refused() {
    in_a_process("child_refuses_unfit_keys");
}

#[test]
#[ignore = "run by unfit_and_ambiguous_keys_are_refused"]
fn child_refuses_unfit_keys() {
    use cryptoki::object::Attribute;
    use cryptoki::session::UserType;
    let token = token_key("root", PIN);
    token.create().unwrap();
    assert!(matches!(
        token.create().err().unwrap(),
        RootKeyError::Pkcs11(Pkcs11Error::KeyExists)
    ));
    let module = Module::load(&token.name.module).unwrap();
    let session = module.session_for_tests(TOKEN);
    let _ = session.login(UserType::User, Some(&token.pin));
    let make = |label: &str, length: u64, is_sensitive: bool, is_extractable: bool| {
        let template = [
            Attribute::ValueLen(length.into()),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(is_sensitive),
            Attribute::Extractable(is_extractable),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
        ];
        session
            .generate_key(&Mechanism::AesKeyGen, &template)
            .unwrap();
    };
    for (label, length, is_sensitive, is_extractable, attribute) in [
        ("short", 16, true, false, "length"),
        ("readable", 32, false, false, "sensitivity"),
        ("extractable", 32, true, true, "extractability"),
    ] {
        make(label, length, is_sensitive, is_extractable);
        let unfit = Pkcs11Error::KeyUnfit { attribute };
        assert_eq!(refused(&token_key(label, PIN)), unfit);
    }
    make("root", 32, true, false);
    assert_eq!(refused(&token), Pkcs11Error::KeyAmbiguous);
}

#[test]
fn wrong_names_and_pins_are_told_apart() {
    in_a_process("child_tells_errors_apart");
}

#[test]
#[ignore = "run by wrong_names_and_pins_are_told_apart"]
fn child_tells_errors_apart() {
    let token = token_key("root", PIN);
    token.create().unwrap();
    assert_eq!(refused(&token_key("root", "000000")), Pkcs11Error::Pin);
    assert_eq!(refused(&token_key("stem", PIN)), Pkcs11Error::KeyMissing);
    let mut missing = token_key("root", PIN);
    missing.name.token = "nowhere".to_owned();
    assert_eq!(refused(&missing), Pkcs11Error::TokenMissing);
    assert_eq!(missing.name.check(), Err(Pkcs11Error::TokenMissing));
    missing.name.module = PathBuf::from("/nowhere/module.so");
    assert_eq!(refused(&missing), Pkcs11Error::Module);
    assert_eq!(token.name.check(), Ok(()));
}

#[test]
fn lost_session_is_opened_again_and_a_lost_token_is_said() {
    in_a_process("child_loses_its_session");
}

#[test]
#[ignore = "run by lost_session_is_opened_again_and_a_lost_token_is_said"]
fn child_loses_its_session() {
    let token = token_key("root", PIN);
    let holder = token.create().unwrap();
    let key = KeyBytes::generate(&SystemEntropy);
    let wrapped = holder.wrap(&identity(), &key, &SystemEntropy).unwrap();
    // What a restart of an HSM's daemon does to its sessions.
    let module = Module::load(&token.name.module).unwrap();
    module.finalize_for_tests();
    let opened = holder.unwrap(&identity(), &wrapped).unwrap();
    assert_eq!(opened.expose(), key.expose());
    module.finalize_for_tests();
    assert!(holder.wrap(&identity(), &key, &SystemEntropy).is_ok());

    module.finalize_for_tests();
    let tokens = PathBuf::from(std::env::var_os(TOKENS_VARIABLE).unwrap());
    let away = tokens.with_file_name("away");
    fs::rename(&tokens, &away).unwrap();
    fs::create_dir(&tokens).unwrap();
    let gone = holder.unwrap(&identity(), &wrapped).map(drop);
    let reason = "the token is not there any more";
    assert_eq!(gone, Err(HolderError::Unavailable { reason }));
    let gone = holder.wrap(&identity(), &key, &SystemEntropy);
    assert!(matches!(gone, Err(HolderError::Unavailable { .. })));
    module.finalize_for_tests();
    fs::remove_dir_all(&tokens).unwrap();
    fs::rename(&away, &tokens).unwrap();
    assert!(holder.unwrap(&identity(), &wrapped).is_ok());
}

#[test]
fn ring_moves_from_memory_to_a_token_and_back() {
    in_a_process("child_moves_a_ring");
}

#[test]
#[ignore = "run by ring_moves_from_memory_to_a_token_and_back"]
fn child_moves_a_ring() {
    let memory = RootKey::new(&KeyBytes::generate(&SystemEntropy));
    let token = token_key("root", PIN).create().unwrap();
    let shop = Namespace::new("shop").unwrap();
    let now = Timestamp::from_unix_ms(5);
    let keys = Keyring::create(&memory, &[shop], now, &SystemEntropy).unwrap();
    let moved = rewrap_all(&keys, &memory, &*token, &SystemEntropy).unwrap();
    assert!(Keyring::open(&*token, &moved).is_ok());
    assert!(Keyring::open(&memory, &moved).is_err());
    let back = rewrap_all(&moved, &*token, &memory, &SystemEntropy).unwrap();
    assert!(Keyring::open(&memory, &back).is_ok());
    assert!(rewrap_all(&keys, &*token, &memory, &SystemEntropy).is_err());
}

const TOKENS_VARIABLE: &str = "COUNTERFOIL_TEST_TOKENS";
