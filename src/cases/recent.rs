//! Answers of the case system that are new enough to be used again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::cases::CaseAnswer;
use crate::cases::CaseQuestion;
use crate::domain::CaseId;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Subject;
use crate::domain::Timestamp;

/// Answers of the case system that are new enough to be used again.
#[derive(Debug, Default)]
pub(super) struct Recent {
    answers: Mutex<HashMap<Key, (Timestamp, CaseAnswer)>>,
}

#[derive(Debug, Eq, Hash, PartialEq)]
struct Key {
    namespace: Namespace,
    case_id: CaseId,
    person: PersonId,
    subjects: Vec<Subject>,
}

impl Recent {
    /// The answer, if it is at most [`ANSWER_SECONDS_MAX`] old.
    pub(super) fn find(&self, question: &CaseQuestion<'_>, now: Timestamp) -> Option<CaseAnswer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, answer) = answers.get(&Key::of(question))?;
        is_recent(*since, now).then_some(*answer)
    }

    /// Keeps an answer. Where there is no room, those that are old make it, or else all do.
    pub(super) fn keep(&self, question: &CaseQuestion<'_>, now: Timestamp, answer: CaseAnswer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ANSWERS_MAX {
            answers.retain(|_, (since, _)| is_recent(*since, now));
        }
        if answers.len() >= ANSWERS_MAX {
            answers.clear();
        }
        answers.insert(Key::of(question), (now, answer));
    }
}

impl Key {
    fn of(question: &CaseQuestion<'_>) -> Self {
        let subjects = question.subjects.iter();
        Self {
            namespace: question.namespace.clone(),
            case_id: question.case_id.clone(),
            person: question.person.clone(),
            subjects: subjects.map(|subject| (*subject).clone()).collect(),
        }
    }
}

fn is_recent(since: Timestamp, now: Timestamp) -> bool {
    now < since.plus_seconds(ANSWER_SECONDS_MAX)
}

/// How long an answer is used: a case that was closed opens nothing after that.
const ANSWER_SECONDS_MAX: u64 = 10;
/// How many answers are kept.
const ANSWERS_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_is_used_for_ten_seconds_and_for_its_question_alone() {
        let namespace = Namespace::new("shop").unwrap();
        let (case, other_case) = (CaseId::new("T-1").unwrap(), CaseId::new("T-2").unwrap());
        let person = PersonId::read("acme/ada").unwrap();
        let (one, two) = (
            Subject::new("cus_1").unwrap(),
            Subject::new("cus_2").unwrap(),
        );
        let (of_one, of_both) = ([&one], [&one, &two]);
        let question = CaseQuestion {
            namespace: &namespace,
            case_id: &case,
            person: &person,
            subjects: &of_one,
        };
        let at = |seconds: u64| Timestamp::from_unix_ms(1_000_000 + seconds * 1_000);
        let answer = CaseAnswer {
            open: true,
            ..CaseAnswer::default()
        };
        let recent = Recent::default();
        assert!(recent.find(&question, at(0)).is_none());
        recent.keep(&question, at(0), answer);
        assert_eq!(recent.find(&question, at(9)), Some(answer));
        assert!(recent.find(&question, at(10)).is_none());
        let others = [
            CaseQuestion {
                case_id: &other_case,
                ..question
            },
            CaseQuestion {
                subjects: &of_both,
                ..question
            },
        ];
        for other in others {
            assert!(recent.find(&other, at(0)).is_none());
        }
    }
}
