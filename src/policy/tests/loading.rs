//! What policies may say, and how they are refused.

use std::collections::BTreeSet;
use std::fs;

use super::*;

/// Goal: what is wrong with a policy is told with its place and a remedy, and it never takes
/// effect. Method: one fault each, in the third line.
#[test]
fn wrong_policy_is_refused_with_its_place() {
    let cases = [
        ("permit (principal, action, resource)", "test.cedar:"),
        (
            "permit (principal, action, resource) when { context.purpose };",
            "test.cedar:3: ",
        ),
        (
            "permit (principal, action == Action::\"reveal\", resource);",
            "test.cedar:3: ",
        ),
        (
            "permit (principal == User::\"ada\", action, resource);",
            "test.cedar:3: ",
        ),
        (
            "permit (principal, action == Action::\"detokenize\", resource)\n\
             when { context.purpose == \"support\" };",
            "test.cedar:4: ",
        ),
        (
            "permit (principal, action == Action::\"tokenize\", resource)\n\
             when { context has person && context.person.isbound };",
            "test.cedar:4: ",
        ),
        (
            "permit (principal, action == Action::\"tokenize\", resource)\n\
             when { context.time > 5 };",
            "test.cedar:4: ",
        ),
        (
            "permit (principal == ?principal, action, resource);",
            "test.cedar: has a template",
        ),
    ];
    for (text, start) in cases {
        let error = error_of(&format!("// first\n\n{text}")).to_string();
        assert!(error.starts_with(start), "{error}");
        assert_eq!(error.lines().count(), 2, "no remedy: {error}");
    }
}

#[test]
fn misspelt_attribute_is_named() {
    let error = error_of(
        "permit (principal, action == Action::\"tokenize\", resource)\n\
         when { context has person && context.person.isbound };",
    );
    let error = error.to_string();
    assert!(
        error.contains("test.cedar#0") && error.contains("isbound"),
        "{error}"
    );
}

#[test]
fn ids_are_the_annotation_or_the_file_and_the_number() {
    let text = "permit (principal, action, resource);\n\n\
                @id(\"mine\")\npermit (principal, action, resource);\n\
                permit (principal, action, resource);";
    let rule = rule(
        Action::Tokenize,
        FieldSelection::All,
        CaseRequirement::Optional,
    );
    let policy = Policy::load(&sources(vec![rule], text)).unwrap();
    let places: Vec<_> = policy
        .summaries()
        .iter()
        .map(|it| (it.id.as_str(), it.place.as_str()))
        .collect();
    let expected = [
        ("mine", "test.cedar:3"),
        ("permit-0", "permit[0]"),
        ("test.cedar#0", "test.cedar:1"),
        ("test.cedar#2", "test.cedar:5"),
    ];
    assert_eq!(places, expected);
    let twice = "@id(\"a\")\npermit (principal, action, resource);\n".repeat(2);
    let error = error_of(&twice).to_string();
    assert!(
        error.starts_with("test.cedar:3: the id \"a\" is taken"),
        "{error}"
    );
}

#[test]
fn hash_tells_policies_apart_and_not_their_layout() {
    let rules = |action, fields, case| Policy::load(&sources(vec![rule(action, fields, case)], ""));
    let (all, optional) = (FieldSelection::All, CaseRequirement::Optional);
    let name = FieldSelection::Only([field("name")].into());
    let policies = [
        Policy::load(&sources(Vec::new(), "")),
        rules(Action::Detokenize, all.clone(), optional),
        rules(Action::Detokenize, all.clone(), CaseRequirement::Required),
        rules(Action::Tokenize, all, optional),
        rules(Action::Tokenize, name, optional),
        Ok(policy("permit (principal, action, resource);")),
        Ok(policy("forbid (principal, action, resource);")),
        Ok(policy("@id(\"a\") forbid (principal, action, resource);")),
    ];
    let hashes: BTreeSet<_> = policies.into_iter().map(|it| it.unwrap().hash()).collect();
    assert_eq!(hashes.len(), 8);
    let plain = policy("permit (principal, action, resource);");
    let laid_out = policy("// all\npermit (\n  principal,\n  action,\n  resource\n);\n");
    assert_eq!(plain.hash(), laid_out.hash());
    assert_eq!(default_policy().hash(), default_policy().hash());
}

#[test]
fn what_deserves_a_second_look_is_told() {
    let cases = [
        (
            "permit (principal, action, resource);",
            Some("without asking for a grant"),
        ),
        (
            "permit (principal, action == Action::\"detokenize\", resource)\n\
             when { context has case_id };",
            Some("without asking for a grant"),
        ),
        (
            "permit (principal, action == Action::\"detokenize\", resource)\n\
             when { context has purpose && context.purpose == \"billing\" };",
            None,
        ),
        (
            "permit (principal, action == Action::\"detokenize\", resource)\n\
             when { context has grant.level };",
            None,
        ),
        ("forbid (principal, action, resource);", None),
        (
            "permit (principal, action == Action::\"detokenize_masked\", resource);",
            None,
        ),
        (
            "permit (principal, action == Action::\"tokenize\", resource in Namespace::\"shpo\");",
            Some("names Namespace::\"shpo\", which is not configured"),
        ),
        (
            "permit (principal, action == Action::\"tokenize\", resource == Field::\"shop/nam\");",
            Some("names Field::\"shop/nam\", which is not configured"),
        ),
        (
            "permit (principal, action == Action::\"freeze\", resource is Field);",
            Some(""),
        ),
    ];
    for (text, warning) in cases {
        let policy = policy(text);
        let [summary] = policy.summaries() else {
            panic!("one policy")
        };
        let warnings = summary.warnings.join("; ");
        match warning {
            Some(words) => assert!(
                !warnings.is_empty() && warnings.contains(words),
                "{warnings}"
            ),
            None => assert_eq!(warnings, "", "{text}"),
        }
    }
}

#[test]
fn directory_is_read_in_the_order_of_its_names() {
    let directory = tempfile::tempdir().unwrap();
    let error = PolicyFile::read_all(directory.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("has no file that ends in .cedar"), "{error}");
    for name in ["b.cedar", "a.cedar", "README.md"] {
        fs::write(directory.path().join(name), "").unwrap();
    }
    let files = PolicyFile::read_all(directory.path()).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a.cedar", "b.cedar"]);
    let large = " ".repeat((1 << 20) + 1);
    fs::write(directory.path().join("c.cedar"), large).unwrap();
    let error = PolicyFile::read_all(directory.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("there are more than 1048576"), "{error}");
    let error = PolicyFile::read_all(&directory.path().join("none")).unwrap_err();
    assert!(error.to_string().starts_with("cannot read "), "{error}");
}

/// Goal: mistyped policies are refused or load, and nothing else. Method: bytes of a good file
/// left out in turn.
#[test]
fn no_slip_of_the_pen_panics() {
    let file = default_files().swap_remove(0);
    let mut refused_count = 0;
    for position in (0..file.text.len()).step_by(13) {
        let mut bytes = file.text.clone().into_bytes();
        bytes.remove(position);
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        refused_count += usize::from(Policy::load(&sources(Vec::new(), &text)).is_err());
    }
    assert!(refused_count > 0);
}
