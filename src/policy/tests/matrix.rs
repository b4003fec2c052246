//! Every action, by whom and where it is permitted: a new action does not compile without a row.

use super::*;
use crate::policy::Circumstances;
use crate::policy::Target;

/// What decides an action of the matrix.
struct Row {
    /// What it is about.
    target: Target,
    /// Whether a case may be asked for.
    names_case: bool,
}

/// A row for every action. No `_`: whoever adds an action says here what it is about.
fn row(action: Action) -> Row {
    let (target, names_case) = match action {
        Action::ApproveGrant
        | Action::AutoApproveGrant
        | Action::Detokenize
        | Action::DetokenizeMasked
        | Action::RequestGrant => (Target::Fields, true),
        Action::CreateDecoys
        | Action::ImportTokens
        | Action::Inspect
        | Action::Lookup
        | Action::Reindex
        | Action::Retokenize
        | Action::Tokenize
        | Action::VerifyMatch => (Target::Fields, false),
        Action::RevokeGrant => (Target::Place, true),
        Action::ApproveOperation
        | Action::CancelOperation
        | Action::CreateBackup
        | Action::DescribeSubject
        | Action::EraseSubject
        | Action::Freeze
        | Action::GetPrincipal
        | Action::ListEntries
        | Action::ListGrants
        | Action::ListKeys
        | Action::ProposeOperation
        | Action::ProveAuditLog
        | Action::ReportExposure
        | Action::Unfreeze => (Target::Place, false),
    };
    Row { target, names_case }
}

const PRINCIPALS: [&str; 3] = ["spiffe://a/b", "spiffe://a/c", "b.example"];
const PLACES: [Option<&str>; 4] = [Some("shop"), Some("other"), Some("nowhere"), None];

/// Goal: a rule of one action permits that action, to its principal, in its namespace and on its
/// field, and nothing else. Method: a policy of each action's rule, asked everything.
#[test]
fn rule_of_each_action_permits_nothing_else() {
    let (mut permitted_count, mut denied_count) = (0, 0);
    for granted in Action::ALL {
        let Row { target, names_case } = row(granted);
        assert_eq!(
            (granted.target(), granted.names_case()),
            (target, names_case)
        );
        let fields = match target {
            Target::Fields => FieldSelection::Only([field("name")].into()),
            Target::Place => FieldSelection::All,
        };
        let case = if names_case {
            CaseRequirement::Required
        } else {
            CaseRequirement::Optional
        };
        let policy = Policy::load(&sources(vec![rule(granted, fields, case)], "")).unwrap();
        for action in Action::ALL {
            for (caller, place) in PRINCIPALS
                .iter()
                .flat_map(|caller| PLACES.map(|place| (principal(caller), place)))
            {
                for case_id in [None, Some("T-1")] {
                    let asked = Asked {
                        namespace: place.map(namespace),
                        case_id: case_id.map(|text| CaseId::new(text).unwrap()),
                        ..Asked::new(action)
                    };
                    let circumstances = Circumstances::new(&caller, NOW);
                    let decision = policy.decide(&circumstances, asked, &[]);
                    let expected = action == granted
                        && caller.as_str() == "spiffe://a/b"
                        && place == Some("shop")
                        && (!names_case || case_id.is_some());
                    assert_eq!(
                        decision.is_ok(),
                        expected,
                        "{granted:?} {action:?} {place:?}"
                    );
                    permitted_count += usize::from(expected);
                    denied_count += usize::from(!expected);
                    if let Ok(permitted) = decision {
                        let covers = |name: &str| {
                            let coverage = crate::policy::Coverage::Standing;
                            permitted.permit().covers(&field(name), coverage)
                        };
                        assert_eq!(covers("name"), target == Target::Fields);
                        assert!(!covers("email") && !covers("card"));
                    }
                }
            }
        }
    }
    // Each is permitted with and without a case, but the six that must name one.
    let actions_count = Action::ALL.len();
    assert_eq!(permitted_count, actions_count * 2 - 6);
    let asked_count = actions_count * actions_count * 3 * 4 * 2;
    assert_eq!(permitted_count + denied_count, asked_count);
}
