//! The corpus of forgeries. Each has one thing wrong with it, and the class that must refuse it.

#![expect(clippy::too_many_lines, reason = "tables are long")]

use jsonwebtoken::Algorithm as Signature;
use serde_json::json;

use super::*;

/// A forgery: what is wrong, the class that refuses it, and the assertion.
pub(super) struct Forgery {
    pub(super) name: String,
    pub(super) refusal: Refusal,
    pub(super) assertion: String,
}

/// All of them.
pub(super) fn corpus() -> Vec<Forgery> {
    let mut corpus = Vec::new();
    corpus.extend(forms());
    corpus.extend(headers());
    corpus.extend(keys());
    corpus.extend(claims_of_one_issuer());
    corpus.extend(times());
    corpus.extend(bindings());
    corpus
}

fn forgery(name: impl ToString, refusal: Refusal, assertion: impl Into<String>) -> Forgery {
    Forgery {
        name: name.to_string(),
        refusal,
        assertion: assertion.into(),
    }
}

/// Not the compact form, or another spelling of it.
fn forms() -> Vec<Forgery> {
    let good = token(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let (header, body, signature) = (parts[0], parts[1], parts[2]);
    let malformed = |name: &str, text: String| forgery(name, Refusal::Malformed, text);
    let raw = |header: &str, claims: &str| {
        sign_with(Keys::of(Signature::ES256), Signature::ES256, header, claims)
    };
    let header_text = super::header("ES256", "es").to_string();
    let claims_text = claims().to_string();
    let inner = claims_text.trim_start_matches('{');
    // 64 bytes leave four bits of the last character, which are zero in the one spelling.
    let left_over = match good.char_indices().next_back() {
        Some((start, last)) => {
            let next = char::from(u8::try_from(last).unwrap() + 1);
            format!("{}{next}", good.split_at(start).0)
        }
        None => String::new(),
    };
    let deep = format!("{}1{}", "[".repeat(900), "]".repeat(900));
    let long = with(&claims(), &json!({"filler": "x".repeat(9_000)}));
    vec![
        malformed("a bare name", "ada".to_owned()),
        malformed("a bare name with dots", "ada.lovelace.agent".to_owned()),
        malformed("dots", "..".to_owned()),
        malformed("two parts", format!("{header}.{body}")),
        malformed("no signature", format!("{header}.{body}.")),
        malformed("no claims", format!("{header}..{signature}")),
        malformed("no header", format!(".{body}.{signature}")),
        malformed("four parts", format!("{good}.{signature}")),
        malformed("five parts, as if encrypted", format!("{good}.a.b")),
        malformed("a blank before", format!(" {good}")),
        malformed("a newline after", format!("{good}\n")),
        malformed("a NUL after", format!("{good}\0")),
        malformed("Bearer", format!("Bearer {good}")),
        malformed("padded signature", format!("{good}==")),
        malformed("padded header", format!("{header}=.{body}.{signature}")),
        malformed(
            "JSON form",
            json!({"payload": body, "signature": signature}).to_string(),
        ),
        malformed("bits left over", left_over),
        malformed("claims are no object", raw(&header_text, "[1]")),
        malformed("claims are no JSON", raw(&header_text, "{")),
        malformed(
            "something after the claims",
            raw(&header_text, &format!("{claims_text}{{}}")),
        ),
        malformed("header is no object", raw("\"ES256\"", &claims_text)),
        malformed(
            "repeated subject",
            raw(&header_text, &format!("{{\"sub\":\"x\",{inner}")),
        ),
        malformed(
            "repeated subject, escaped",
            raw(&header_text, &format!("{{\"\\u0073ub\":\"x\",{inner}")),
        ),
        malformed(
            "repeated expiry",
            raw(&header_text, &format!("{{\"exp\":9999999999,{inner}")),
        ),
        malformed(
            "repeated confirmation",
            raw(
                &header_text,
                &format!("{{\"cnf\":{{\"a\":1,\"a\":2}},{inner}"),
            ),
        ),
        malformed(
            "repeated algorithm",
            raw(
                &format!("{{\"alg\":\"none\",{}", header_text.trim_start_matches('{')),
                &claims_text,
            ),
        ),
        malformed(
            "deep claims",
            raw(&header_text, &format!("{{\"a\":{deep},{inner}")),
        ),
        forgery("oversized", Refusal::TooLong, token(&long)),
        forgery(
            "megabytes of nothing",
            Refusal::TooLong,
            ".".repeat(3 << 20),
        ),
    ]
}

/// Signed by the issuer, with a header that must not be followed.
fn headers() -> Vec<Forgery> {
    let base = header("ES256", "es");
    let changed = |members: Value| sign(&with(&base, &members), &claims());
    let own_key = jwk("es", Signature::ES256, json!({}));
    let mut found = Vec::new();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("jwk", own_key),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("cty", json!("JWT")),
    ] {
        let refusal = Refusal::Header;
        found.push(forgery(
            format!("{name}: {value}"),
            refusal,
            changed(json!({ name: value })),
        ));
    }
    for typ in [
        json!(null),
        json!("jwt"),
        json!("at+jwt"),
        json!(""),
        json!("JWT "),
        json!(1),
        json!(["JWT"]),
    ] {
        let name = format!("typ: {typ}");
        found.push(forgery(name, Refusal::Type, changed(json!({ "typ": typ }))));
    }
    for kid in [
        json!(null),
        json!(""),
        json!("ES"),
        json!("unknown"),
        json!(1),
        json!("k".repeat(300)),
        json!("../../etc/passwd"),
        json!("enc"),
        json!("p384"),
    ] {
        let name = format!("kid: {kid}");
        found.push(forgery(
            name,
            Refusal::UnknownKey,
            changed(json!({ "kid": kid })),
        ));
    }
    let twin = changed(json!({"kid": "twin"}));
    found.push(forgery("kid of two keys", Refusal::AmbiguousKey, twin));
    for alg in [
        json!(null),
        json!("none"),
        json!("None"),
        json!("nOnE"),
        json!(""),
        json!("es256"),
        json!("ES256K"),
        json!("HS256"),
        json!(["ES256"]),
    ] {
        let name = format!("alg: {alg}");
        found.push(forgery(
            name,
            Refusal::Algorithm,
            changed(json!({ "alg": alg })),
        ));
    }
    found
}

/// Another key than the one that the issuer has for it, or no key at all.
fn keys() -> Vec<Forgery> {
    let keys = Keys::shared();
    let text = claims().to_string();
    let signed = |key, signature, alg: &str, kid: &str| {
        sign_with(key, signature, &header(alg, kid).to_string(), &text)
    };
    let secret = EncodingKey::from_secret(&keys.p256_der);
    let pem = format!("{}\n", jwk("rsa", Signature::RS256, json!({})));
    let good = token(&claims());
    let (parts, signature) = good.rsplit_once('.').unwrap();
    let der = {
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let mut der = vec![0x30, 70, 0x02, 33, 0];
        der.extend(&bytes[..32]);
        der.extend([0x02, 33, 0]);
        der.extend(&bytes[32..]);
        encode(der)
    };
    let none = format!(
        "{}.{}",
        encode(r#"{"alg":"none","kid":"es","typ":"JWT"}"#),
        encode(&text)
    );
    use Refusal as R;
    use Signature as S;
    vec![
        forgery(
            "another P-256 key",
            R::Signature,
            signed(&keys.other_p256, S::ES256, "ES256", "es"),
        ),
        forgery(
            "signed with P-384",
            R::Signature,
            signed(&keys.p384, S::ES384, "ES256", "es"),
        ),
        forgery(
            "ES384 by its own name",
            R::Algorithm,
            signed(&keys.p384, S::ES384, "ES384", "p384"),
        ),
        forgery(
            "HMAC with the public key",
            R::Algorithm,
            signed(&secret, S::HS256, "HS256", "es"),
        ),
        forgery(
            "HMAC with the public key, as ES256",
            R::Signature,
            signed(&secret, S::HS256, "ES256", "es"),
        ),
        forgery(
            "HMAC with the RSA key's document",
            R::Algorithm,
            signed(
                &EncodingKey::from_secret(pem.as_bytes()),
                S::HS256,
                "HS256",
                "rsa",
            ),
        ),
        forgery(
            "HMAC with nothing",
            R::Algorithm,
            signed(&EncodingKey::from_secret(b""), S::HS256, "HS256", "es"),
        ),
        forgery(
            "RS256 under an EC key",
            R::Key,
            signed(&keys.rsa, S::RS256, "RS256", "es"),
        ),
        forgery(
            "ES256 under an RSA key",
            R::Key,
            signed(&keys.p256, S::ES256, "ES256", "rsa"),
        ),
        forgery(
            "EdDSA under an EC key",
            R::Key,
            signed(&keys.ed25519, S::EdDSA, "EdDSA", "es"),
        ),
        forgery(
            "RS256 by a key for PS256",
            R::Key,
            signed(&keys.rsa, S::RS256, "RS256", "ps-only"),
        ),
        forgery(
            "PS256, not configured",
            R::Algorithm,
            signed(&keys.rsa, S::PS256, "PS256", "rsa"),
        ),
        forgery(
            "RS512",
            R::Algorithm,
            signed(&keys.rsa, S::RS512, "RS512", "rsa"),
        ),
        forgery(
            "PS256 said to be RS256",
            R::Signature,
            signed(&keys.rsa, S::PS256, "RS256", "rsa"),
        ),
        forgery(
            "none, with a signature",
            R::Algorithm,
            format!("{none}.{signature}"),
        ),
        forgery("none, without one", R::Malformed, format!("{none}.")),
        forgery(
            "zeros for a signature",
            R::Signature,
            format!("{parts}.{}", encode([0; 64])),
        ),
        forgery(
            "one byte for a signature",
            R::Signature,
            format!("{parts}.{}", encode([1])),
        ),
        forgery(
            "DER for a signature",
            R::Signature,
            format!("{parts}.{der}"),
        ),
        forgery(
            "a longer signature",
            R::Signature,
            format!("{parts}.{signature}{}", encode([0; 3])),
        ),
    ]
}

/// Signed by an issuer, of somebody or for somebody else.
fn claims_of_one_issuer() -> Vec<Forgery> {
    let changed = |members: &Value| token(&with(&claims(), members));
    let mut found = Vec::new();
    let mut add = |refusal, members: Value| {
        found.push(forgery(&members, refusal, changed(&members)));
    };
    for value in [json!(null), json!([ISSUER]), json!(""), json!(7), json!({})] {
        add(Refusal::Claim, json!({ "iss": value }));
    }
    for text in [
        "https://login.acme.example/",
        "https://login.acme.exampl",
        "https://login.acme.example.evil.example",
        "HTTPS://login.acme.example",
        " https://login.acme.example",
        "acme",
    ] {
        add(Refusal::UnknownIssuer, json!({ "iss": text }));
    }
    for value in [
        json!(null),
        json!(7),
        json!({}),
        json!([7]),
        json!([AUDIENCE, null]),
    ] {
        add(Refusal::Claim, json!({ "aud": value }));
    }
    for value in [
        json!(""),
        json!([]),
        json!("Counterfoil"),
        json!("counterfoil "),
        json!("counterfoil,other"),
        json!("other"),
        json!(["other"]),
        json!([AUDIENCE, "other"]),
        json!(["other", AUDIENCE]),
    ] {
        add(Refusal::Audience, json!({ "aud": value }));
        add(
            Refusal::Audience,
            json!({ "aud": value, "azp": "support-tool" }),
        );
    }
    for members in [
        json!({}),
        json!({"azp": "other"}),
        json!({"azp": "Support-Tool"}),
        json!({"azp": "other", "client_id": "support-tool"}),
        json!({"aud": [AUDIENCE, "other"]}),
        json!({"aud": [AUDIENCE, "other"], "azp": "other"}),
    ] {
        add(
            Refusal::Client,
            with(&json!({"iss": ISSUER_WITH_CLIENTS}), &members),
        );
    }
    add(
        Refusal::Audience,
        json!({"iss": ISSUER_WITH_CLIENTS, "azp": "support-tool", "aud": "other"}),
    );
    for value in [json!(["support-tool"]), json!("")] {
        add(
            Refusal::Claim,
            json!({"iss": ISSUER_WITH_CLIENTS, "azp": value}),
        );
    }
    for value in [
        json!(null),
        json!(""),
        json!(7),
        json!(["1"]),
        json!("1".repeat(500)),
        json!("ada\nlovelace"),
        json!("ada\u{0}"),
        json!("ada lovelace"),
        json!("other/1"),
        json!("\u{202e}ada"),
        json!("\""),
    ] {
        add(Refusal::Subject, json!({ "sub": value }));
    }
    add(Refusal::Claim, json!({"jti": 7}));
    let many = |count: usize| (0..count).map(|n| format!("g{n}")).collect::<Vec<_>>();
    add(Refusal::TooMany, json!({"groups": many(257)}));
    add(Refusal::TooMany, json!({"amr": many(17)}));
    found
}

/// Signed by the issuer, at another time.
fn times() -> Vec<Forgery> {
    let mut found = Vec::new();
    let mut add = |refusal, members: Value| {
        let assertion = token(&with(&claims(), &members));
        found.push(forgery(&members, refusal, assertion));
    };
    for value in [
        json!("1800000240"),
        json!(-1),
        json!(1e300),
        json!(1_800_000_240.0),
        json!(1_800_000_240.5),
        json!(u64::MAX),
        json!(253_402_300_800_u64),
        json!(true),
        json!([NOW + 240]),
        json!({}),
    ] {
        for name in ["exp", "nbf", "iat", "auth_time"] {
            add(Refusal::Claim, json!({ name: value }));
        }
    }
    add(Refusal::Claim, json!({"exp": null}));
    add(Refusal::Claim, json!({"nbf": null}));
    add(Refusal::Expired, json!({"exp": NOW - 5}));
    add(Refusal::Expired, json!({"exp": 0}));
    add(Refusal::Expired, json!({"exp": NOW - 20, "nbf": NOW - 60}));
    add(Refusal::NotYetValid, json!({"nbf": NOW + 6}));
    add(Refusal::NotYetValid, json!({"nbf": NOW + 120, "iat": NOW}));
    add(Refusal::IssuedLater, json!({"iat": NOW + 6}));
    add(Refusal::Lifetime, json!({"exp": NOW - 60 + 3_601}));
    add(Refusal::Lifetime, json!({"exp": 253_402_300_799_u64}));
    add(Refusal::Lifetime, json!({"iat": NOW - 86_400}));
    add(Refusal::Lifetime, json!({"nbf": NOW - 86_400}));
    add(
        Refusal::Lifetime,
        json!({"nbf": NOW + 4, "iat": NOW + 4, "exp": NOW + 3}),
    );
    add(Refusal::LoginLater, json!({"auth_time": NOW + 6}));
    found
}

/// Signed by the issuer, for another caller.
fn bindings() -> Vec<Forgery> {
    let mut found = Vec::new();
    let mut add = |refusal, members: Value| {
        let assertion = token(&with(&claims(), &members));
        found.push(forgery(&members, refusal, assertion));
    };
    add(Refusal::Unbound, json!({"cnf": null}));
    let own = encode(CERTIFICATE);
    for value in [
        json!({}),
        json!([]),
        json!("x5t#S256"),
        json!(own),
        confirmation(&[8; 32]),
        confirmation(&[7; 31]),
        confirmation(&[7; 33]),
        confirmation(&[]),
        json!({"x5t#S256": null}),
        json!({"x5t#S256": [own]}),
        json!({"x5t#S256": format!("{own}=")}),
        json!({"x5t#S256": "07".repeat(32)}),
        json!({"x5t": own}),
        json!({"X5T#S256": own}),
        json!({"jkt": own}),
        json!({"x5t#S256": own, "jkt": own}),
        json!({"jwk": {}}),
    ] {
        add(Refusal::Binding, json!({ "cnf": value }));
    }
    found
}
