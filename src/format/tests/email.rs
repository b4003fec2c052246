//! E-mail addresses: what is equal, what is refused, and where tokens lie.

use super::*;

#[test]
fn spellings_of_an_email_are_equal_and_the_first_is_restored() {
    for (text, canonical, restored) in [
        (
            "John.Doe+news@Example.COM",
            "john.doe+news@example.com",
            "John.Doe+news@example.com",
        ),
        ("\"john\"@x.com", "john@x.com", "\"john\"@x.com"),
        (
            "\"jo\\hn.doe\"@x.com",
            "john.doe@x.com",
            "\"jo\\hn.doe\"@x.com",
        ),
        (
            "JOHN@BÜCHER.example",
            "john@xn--bcher-kva.example",
            "JOHN@xn--bcher-kva.example",
        ),
        (
            "\"john doe\"@x.com",
            "\"john doe\"@x.com",
            "\"john doe\"@x.com",
        ),
        (
            "\"a@b\\\"\"@x.com",
            "\"a@b\\\"\"@x.com",
            "\"a@b\\\"\"@x.com",
        ),
        ("Weiß@x.com", "weiß@x.com", "Weiß@x.com"),
    ] {
        assert_eq!(equality(FormatKind::Email, text), canonical);
        let parsed = parse(FormatKind::Email, text).unwrap();
        let whole = parsed.residue(Fidelity::Outline).unwrap();
        assert_eq!(whole.expose(), restored.as_bytes());
        if let Ok(Shaped { slice, rank }) = parsed.shaped() {
            let residue = parsed.residue(Fidelity::Shape).unwrap();
            let value = format(FormatKind::Email)
                .restore(slice, rank, &residue)
                .unwrap();
            assert_eq!(value.expose(), restored);
        }
    }
    let equal = |one, other| equality(FormatKind::Email, one) == equality(FormatKind::Email, other);
    assert!(!equal("john.doe@x.com", "johndoe@x.com"));
    assert!(!equal("john+a@x.com", "john@x.com"));
}

#[test]
fn invalid_emails_are_refused_with_their_fault() {
    for (text, fault) in [
        ("john", EmailFault::NoSeparator),
        ("\"john@x\"", EmailFault::NoSeparator),
        ("a@b@c", EmailFault::LocalPart),
        ("a..b@x", EmailFault::LocalPart),
        (".a@x", EmailFault::LocalPart),
        ("@x", EmailFault::LocalPart),
        ("\"\"@x", EmailFault::LocalPart),
        ("john(comment)@x.com", EmailFault::LocalPart),
        ("John Doe <john@x.com>", EmailFault::LocalPart),
        ("Friends:a@x.com,b@x.com", EmailFault::LocalPart),
        (" john@x.com", EmailFault::LocalPart),
        ("john@x.com ", EmailFault::Domain),
        ("john@[127.0.0.1]", EmailFault::Domain),
        ("john@-x.com", EmailFault::Domain),
        ("john@x..com", EmailFault::Domain),
        ("john@x_y.com", EmailFault::Domain),
        ("john@", EmailFault::Domain),
        (
            &format!("{}@x.com", "a".repeat(65)),
            EmailFault::LocalPartTooLong,
        ),
    ] {
        let refused = parse(FormatKind::Email, text).err();
        assert_eq!(refused, Some(FormatError::InvalidEmail { fault }), "{text}");
    }
}

#[test]
fn invalid_email_gets_an_outline_where_the_field_says_so() {
    let lenient = Format::new(FormatSpec {
        on_invalid: OnInvalid::Outline,
        ..spec(FormatKind::Email)
    });
    let lenient = lenient.unwrap();
    for text in ["a@b@c", "a..b@x", "n/a", " john@x.com"] {
        let parsed = lenient.parse(&Plaintext::new(text.to_owned())).unwrap();
        assert_eq!(
            parsed.preferred(),
            (Fidelity::Outline, FidelityReason::Invalid)
        );
        assert_eq!(parsed.equality(), text.as_bytes());
        let residue = parsed.residue(Fidelity::Outline).unwrap();
        assert_eq!(lenient.restore_outline(&residue).unwrap().expose(), text);
    }
    assert!(lenient.parse(&Plaintext::new("a\0@x".to_owned())).is_err());
}

#[test]
fn email_tokens_are_short_enough() {
    let domain = format!("{0}.{0}.{0}.example", "a".repeat(60));
    let long = FormatSpec {
        token_domain: Some(domain),
        ..spec(FormatKind::Email)
    };
    let long = Format::new(long).unwrap();
    let local = "a".repeat(64);
    let parsed = long
        .parse(&Plaintext::new(format!("{local}@x.com")))
        .unwrap();
    assert_eq!(
        parsed.preferred(),
        (Fidelity::Outline, FidelityReason::TooLong)
    );
    let parsed = parse(FormatKind::Email, &format!("{local}@x.com")).unwrap();
    let Shaped { slice, rank } = parsed.shaped().unwrap();
    assert!(
        slice
            .unrank(rank)
            .unwrap()
            .unwrap()
            .expose()
            .ends_with("@tok.acme.example")
    );
}
