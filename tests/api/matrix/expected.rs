//! What the answer must be, from the rows alone.

use counterfoil::domain::Level;

use super::About;
use super::OF_THE_TOOL;
use super::PERMITTED;
use super::Person;
use super::Role;
use super::asking::Answer;
use super::asking::Question;
use super::grants::State;

pub(super) fn expected(role: Role, question: &Question) -> Answer {
    let is_stolen = role.person == Person::Stolen && !OF_THE_TOOL.contains(&question.call);
    if is_stolen || role.certificate == "nameless" {
        return Answer::Unauthenticated;
    }
    match question.about {
        About::Field => of_field(role, question),
        About::Reveal => of_reveal(role, question),
        About::Grant if row(role, question).is_some() => of_grant(question),
        About::Namespace | About::Vault if row(role, question).is_some() => Answer::Done,
        About::Grant | About::Namespace | About::Vault => Answer::Denied,
    }
}

/// The fields of the row that permits the call.
fn row(role: Role, question: &Question) -> Option<&'static [&'static str]> {
    let call = match (question.about, question.level) {
        (About::Reveal, Level::Masked) => "masked Detokenize",
        (About::Reveal, _) => "full Detokenize",
        (_, _) => question.call,
    };
    let key = (call, role.name, question.namespace);
    let row = PERMITTED.iter().find(|row| (row.0, row.1, row.2) == key);
    row.map(|row| row.3)
}

fn of_field(role: Role, question: &Question) -> Answer {
    match row(role, question) {
        None => Answer::Denied,
        Some(fields) if fields.contains(&question.field) => Answer::Done,
        // A grant is asked for as a whole.
        Some(_) if question.call == "GrantService/RequestGrant" => Answer::Denied,
        // Who may use every field learns which there are.
        Some(_) if matches!(role.name, "backend" | "other") => Answer::UnknownField,
        Some(_) => Answer::Forbidden,
    }
}

fn of_reveal(role: Role, question: &Question) -> Answer {
    let own = match question.state {
        State::None => return of_field(role, question),
        State::LiveOfOther => "colleague",
        _ => "agent",
    };
    let is_usable = matches!(
        question.state,
        State::Live
            | State::LiveMasked
            | State::LiveOfOtherCase
            | State::LiveOfOther
            | State::Frozen
    );
    // A grant that is not one's own, or not live, says nothing of why.
    if !is_usable || role.name != own {
        return Answer::GrantRequired;
    }
    if question.namespace != "shop" {
        return Answer::Denied;
    }
    match question.state {
        State::Frozen => Answer::Denied,
        State::LiveOfOtherCase => Answer::GrantRequired,
        State::LiveMasked if question.level == Level::Full => Answer::Forbidden,
        _ if question.field == "email" => Answer::Done,
        _ => Answer::Forbidden,
    }
}

/// What becomes of a grant that the role may decide about, or read.
fn of_grant(question: &Question) -> Answer {
    let (may_begin, is_over) = match question.state {
        State::None | State::Unknown => return Answer::Denied,
        State::Requested | State::Waiting => (true, false),
        State::Denied | State::Revoked | State::Ended => (false, true),
        State::Spent
        | State::Live
        | State::LiveMasked
        | State::LiveOfOtherCase
        | State::LiveOfOther
        | State::Frozen => (false, false),
    };
    match question.call {
        "GrantService/GetGrant" => Answer::Done,
        "GrantService/RevokeGrant" if is_over => Answer::GrantState,
        "GrantService/RevokeGrant" => Answer::Done,
        // Nobody begins what is frozen.
        _ if question.state == State::Frozen => Answer::Denied,
        _ if may_begin => Answer::Done,
        _ => Answer::GrantState,
    }
}
