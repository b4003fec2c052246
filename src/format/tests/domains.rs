//! The domains of e-mail tokens: replaced, tagged, kept.

use super::closure::assert_restored;
use super::*;

fn email(domain: EmailDomain) -> Format {
    let spec = FormatSpec {
        domain,
        ..spec(FormatKind::Email)
    };
    Format::new(spec).unwrap()
}

/// A format of an operator who has `acme.example` and `bücher.example`.
fn keeping() -> Format {
    email(EmailDomain::Keep {
        own_domains: vec!["Acme.example".to_owned(), "bücher.example".to_owned()],
    })
}

fn read(format: &Format, text: &str) -> Parsed {
    format.parse(&Plaintext::new(text.to_owned())).unwrap()
}

/// The token at a seventh of the slice, which is as good as any.
fn shape_token(parsed: &Parsed) -> Result<Token, FormatError> {
    let slice = &parsed.shaped().unwrap().slice;
    let mut seventh = Rank::from_limbs(slice.domain().limbs().to_vec().into());
    seventh.divide(7);
    slice.unrank(&seventh).map(Option::unwrap)
}

fn outline_token(parsed: &Parsed) -> Result<Token, FormatError> {
    let rank = Rank::from_u64(9_876_543_210);
    let token = parsed.outlined().unrank(OutlineSize::Small, &rank)?;
    Ok(token.unwrap())
}

fn tagged(text: &str, tag: u64) -> Parsed {
    let mut parsed = read(&email(EmailDomain::ReplaceTagged), text);
    parsed.set_domain_tag(&Rank::from_u64(tag)).unwrap();
    parsed
}

#[test]
fn own_domain_is_kept_behind_a_mark() {
    for (text, shape, outline) in [
        (
            "John.Doe+x@ACME.example",
            "tok0.dsow.hld+s@acme.example",
            "tok0.pebat.fifuldel@acme.example",
        ),
        (
            "john.doe@BÜCHER.example",
            "tok0.dsow.hld@xn--bcher-kva.example",
            "tok0.pebat.fifuldel@xn--bcher-kva.example",
        ),
        (
            "john.doe@mail.acme.example",
            "dsow.hld@tok.acme.example",
            "pebat.fifuldel@tok.acme.example",
        ),
        (
            "john.doe@example.com",
            "dsow.hld@tok.acme.example",
            "pebat.fifuldel@tok.acme.example",
        ),
    ] {
        let format = keeping();
        let parsed = read(&format, text);
        for (token, expected) in [
            (shape_token(&parsed).unwrap(), shape),
            (outline_token(&parsed).unwrap(), outline),
        ] {
            assert_eq!(token.expose(), expected);
            assert_eq!(format.recognize(&token), Recognition::Token);
            assert!(email_address::EmailAddress::is_valid(token.expose()));
        }
        assert_restored(&format, &parsed);
    }
}

#[test]
fn token_with_a_kept_domain_is_read_in_every_spelling() {
    let format = keeping();
    let parsed = read(&format, "John.Doe@acme.example");
    let token = shape_token(&parsed).unwrap();
    let residue = parsed.residue(Fidelity::Shape).unwrap();
    let slice = &parsed.shaped().unwrap().slice;
    for spelling in [
        token.expose().to_owned(),
        token.expose().to_uppercase(),
        format!(" {}\n", token.expose()),
    ] {
        let read = format.read_token(&Token::new(spelling), &residue).unwrap();
        assert_eq!(read.slice.tweak(), slice.tweak());
        assert_eq!(
            read.slice.unrank(&read.rank).unwrap().unwrap().expose(),
            token.expose()
        );
    }
    let unmarked = Token::new("dsow.hld@acme.example".to_owned());
    let refused = format.read_token(&unmarked, &residue).err();
    let position = 0;
    assert_eq!(refused, Some(FormatError::ShapeMismatch { position }));
}

/// Goal: a token says its domain for certain. Method: no two domains have the same tweak.
#[test]
fn kept_domain_is_bound() {
    let tweak = |text: &str| {
        let parsed = read(&keeping(), text);
        parsed.shaped().unwrap().slice.tweak().to_vec()
    };
    let acme = tweak("john.doe@acme.example");
    assert_eq!(
        acme,
        [&[0x42, 12][..], b"acme.example", &[65, 4, 128, 65, 3]].concat()
    );
    assert_ne!(tweak("john.doe@bücher.example"), acme);
    let replaced = tweak("john.doe@example.com");
    assert_eq!(replaced, tweak("john.doe@mail.acme.example"));
    assert_eq!(replaced, [2, 65, 4, 128, 65, 3]);
}

#[test]
fn real_mailbox_of_a_kept_domain_is_no_token() {
    for text in [
        "john.doe@acme.example",
        "tok0@acme.example",
        "tok0.x@example.com",
    ] {
        let recognition = keeping().recognize(&Token::new(text.to_owned()));
        assert_eq!(recognition, Recognition::NotToken, "{text}");
    }
}

/// Goal: what a domain is treated as is the record's, not today's list's.
#[test]
fn token_opens_when_the_own_domains_have_changed() {
    let replacing = || format(FormatKind::Email);
    for (before, after) in [(keeping(), replacing()), (replacing(), keeping())] {
        let parsed = read(&before, "John.Doe@acme.example");
        let token = shape_token(&parsed).unwrap();
        let residue = parsed.residue(Fidelity::Shape).unwrap();
        let Shaped { slice, rank } = after.read_token(&token, &residue).unwrap();
        assert_eq!(slice.tweak(), parsed.shaped().unwrap().slice.tweak());
        assert_eq!(
            slice.unrank(&rank).unwrap().unwrap().expose(),
            token.expose()
        );
        let own = &parsed.shaped().unwrap().rank;
        let value = after.restore(&slice, own, &residue).unwrap();
        assert_eq!(value.expose(), "John.Doe@acme.example");
    }
}

#[test]
fn tag_is_before_the_token_domain() {
    let parsed = tagged("John.Doe@Example.COM", 9_876_543);
    let token = shape_token(&parsed).unwrap();
    let (local, domain) = token.expose().split_once('@').unwrap();
    let (tag, rest) = domain.split_once('.').unwrap();
    assert_eq!((local, rest), ("dsow.hld", "tok.acme.example"));
    let outline = outline_token(&parsed).unwrap();
    assert_eq!(outline.expose(), format!("pebat.fifuldel@{domain}"));
    let same = tagged("li@example.com", 9_876_543);
    assert!(outline_token(&same).unwrap().expose().ends_with(domain));
    let other = tagged("John.Doe@example.org", 9_876_544);
    assert!(!shape_token(&other).unwrap().expose().contains(tag));
    let format = email(EmailDomain::ReplaceTagged);
    for text in [token.expose(), outline.expose(), "x@tok.acme.example"] {
        let recognition = format.recognize(&Token::new(text.to_owned()));
        assert_eq!(recognition, Recognition::Token, "{text}");
        assert!(email_address::EmailAddress::is_valid(text));
    }
    for text in ["x@example.com", "x@mail.tok.acme.example", "x@acme.example"] {
        let recognition = format.recognize(&Token::new(text.to_owned()));
        assert_eq!(recognition, Recognition::NotToken, "{text}");
    }
}

/// Goal: a tag may go or change without a token getting lost by that. Method: the tweak and the
/// rank of the token without it.
#[test]
fn tag_is_no_part_of_what_is_enciphered() {
    let format = email(EmailDomain::ReplaceTagged);
    let parsed = tagged("John.Doe@Example.COM", 7);
    let slice = &parsed.shaped().unwrap().slice;
    assert_eq!(slice.tweak(), [2, 65, 4, 128, 65, 3]);
    let residue = parsed.residue(Fidelity::Shape).unwrap();
    for text in [
        "dsow.hld@tok.acme.example",
        "dsow.hld@kelzirnat.tok.acme.example",
    ] {
        let read = format
            .read_token(&Token::new(text.to_owned()), &residue)
            .unwrap();
        assert_eq!(read.slice.tweak(), slice.tweak());
        assert_eq!(read.rank.expose_limbs(), [1_147_401_453]);
    }
    assert_restored(&format, &parsed);
}

#[test]
fn tag_is_asked_for_until_it_is_set() {
    let format = email(EmailDomain::ReplaceTagged);
    let mut parsed = read(&format, "John.Doe@Bücher.example");
    assert_eq!(parsed.domain_tag(), Some(&b"xn--bcher-kva.example"[..]));
    let missing = Some(FormatError::DomainTagMissing);
    assert_eq!(shape_token(&parsed).err(), missing);
    assert_eq!(outline_token(&parsed).err(), missing);
    let outside = Rank::from_limbs(Parsed::domain_tags().limbs().to_vec().into());
    let refused = parsed.set_domain_tag(&outside);
    assert_eq!(refused, Err(FormatError::RankOutsideDomain));
    parsed.set_domain_tag(&Rank::from_u64(0)).unwrap();
    assert_eq!(parsed.domain_tag(), None);
    assert!(shape_token(&parsed).is_ok());
}

#[test]
fn only_tagged_fields_have_tags() {
    let lenient = FormatSpec {
        domain: EmailDomain::ReplaceTagged,
        on_invalid: OnInvalid::Outline,
        ..spec(FormatKind::Email)
    };
    for (format, text, ending) in [
        (format(FormatKind::Email), "li@x.com", "@tok.acme.example"),
        (keeping(), "li@acme.example", "@acme.example"),
        (format(FormatKind::Name), "Li", " Fifuldel"),
        (
            Format::new(lenient).unwrap(),
            "no address",
            "@tok.acme.example",
        ),
    ] {
        let mut parsed = read(&format, text);
        assert_eq!(parsed.domain_tag(), None);
        parsed.set_domain_tag(&Rank::from_u64(7)).unwrap();
        assert!(outline_token(&parsed).unwrap().expose().ends_with(ending));
    }
}

#[test]
fn token_with_mark_or_tag_is_short_enough() {
    let too_long = (Fidelity::Outline, FidelityReason::TooLong);
    let shape = (Fidelity::Shape, FidelityReason::Configured);
    let kept = |length: usize| {
        let text = format!("{}@acme.example", "a".repeat(length));
        read(&keeping(), &text).preferred()
    };
    assert_eq!((kept(59), kept(60)), (shape, too_long));
    let long = FormatSpec {
        token_domain: Some(format!("{0}.{0}.{0}.example", "a".repeat(60))),
        domain: EmailDomain::ReplaceTagged,
        ..spec(FormatKind::Email)
    };
    let long = Format::new(long).unwrap();
    let tagged = |length: usize| {
        let text = format!("{}@x.com", "a".repeat(length));
        let mut parsed = read(&long, &text);
        parsed.set_domain_tag(&Rank::from_u64(34_410_249)).unwrap();
        let token = outline_token(&parsed).unwrap();
        assert!(token.expose().len() <= 254);
        parsed.preferred()
    };
    assert_eq!((tagged(53), tagged(54)), (shape, too_long));
}

#[test]
fn wrong_domains_are_refused() {
    let refused = |spec| Format::new(spec).err();
    let long = format!("{0}.{0}.{0}.{0}", "a".repeat(59));
    let kept = |own_domains: &[&str]| FormatSpec {
        domain: EmailDomain::Keep {
            own_domains: own_domains.iter().copied().map(str::to_owned).collect(),
        },
        ..spec(FormatKind::Email)
    };
    for (own_domains, error) in [
        (&[][..], FormatSpecError::OwnDomainsMissing),
        (
            &["acme.example", "a b"],
            FormatSpecError::OwnDomainInvalid { position: 1 },
        ),
        (
            &["TOK.acme.example", "acme.example"],
            FormatSpecError::TokenDomainIsOwn,
        ),
        (
            &[&long],
            FormatSpecError::OwnDomainTooLong {
                position: 0,
                octets_max: 229,
            },
        ),
    ] {
        assert_eq!(refused(kept(own_domains)), Some(error));
    }
    let tagged = FormatSpec {
        domain: EmailDomain::ReplaceTagged,
        token_domain: long.get(11..).map(str::to_owned),
        ..spec(FormatKind::Email)
    };
    let octets_max = 224;
    let too_long = FormatSpecError::TokenDomainTooLong { octets_max };
    assert_eq!(refused(tagged), Some(too_long));
    let tagged = FormatSpec {
        domain: EmailDomain::ReplaceTagged,
        ..spec(FormatKind::Name)
    };
    assert_eq!(refused(tagged), Some(FormatSpecError::DomainUnexpected));
}

/// Goal: whoever configures a stranger's domain is told so. Method: domains of mail services and
/// public suffixes, as token domain and among one's own, in both fidelities.
#[test]
fn domain_of_strangers_is_warned_of() {
    let warnings = |token_domain: &str, domain: EmailDomain, fidelity| {
        let spec = FormatSpec {
            token_domain: Some(token_domain.to_owned()),
            domain,
            fidelity,
            ..spec(FormatKind::Email)
        };
        Format::new(spec).unwrap().summary().warnings
    };
    for fidelity in [Fidelity::Shape, Fidelity::Outline] {
        for domain in ["gmail.com", "Tok.GMX.de", "co.uk"] {
            let told = warnings(domain, EmailDomain::Replace, fidelity);
            let key = format!("token_domain: {}", domain.to_lowercase());
            assert!(told.iter().any(|it| it.starts_with(&key)), "{domain}");
        }
        let own = warnings("tok.acme.com", EmailDomain::Replace, fidelity);
        assert_eq!(own, Vec::<String>::new());
        let own_domains = vec!["acme.com".to_owned(), "gmail.com".to_owned()];
        let told = warnings("tok.acme.com", EmailDomain::Keep { own_domains }, fidelity);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("own_domains: gmail.com"));
    }
}
