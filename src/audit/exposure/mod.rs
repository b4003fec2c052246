//! Who was seen: the list of customers whose values somebody saw, from the log alone.
//!
//! A [`Scan`] reads entries in their order and keeps rows. [`report_store`] and [`report_export`]
//! find the part of a log that matters, have it read, and prove that it is that part of the log
//! that a checkpoint was signed for, and all of it.

mod behind;
mod compare;
mod document;
mod grants;
mod leaves;
mod lines;
mod query;
mod read;
mod row;
mod scan;
#[cfg(test)]
mod tests;

pub use behind::report_export_behind;
pub use behind::report_store_behind;
pub use compare::Comparison;
pub use compare::Difference;
pub use document::Document;
pub use document::DocumentError;
pub use grants::HeldGrant;
pub use grants::LOOK_BACK_SECONDS;
pub use grants::Unseen;
pub use lines::GrantLine;
pub use lines::LogLine;
pub use lines::NamespaceLine;
pub use lines::QueryLine;
pub use lines::RowLine;
pub use lines::SummaryLine;
pub use lines::UnseenLine;
pub use query::Query;
pub use query::Who;
pub use read::ExposureError;
pub use read::LogRange;
pub use read::RangeReport;
pub use read::index_from;
pub use read::newest_checkpoint;
pub use read::report_export;
pub use read::report_store;
pub use row::Count;
pub use row::Exposure;
pub use row::Kind;
pub use row::Row;
pub use row::Seen;
pub use row::Status;
pub use row::Summary;
pub use row::Tally;
pub use row::Whose;
pub use scan::SEEN_MAX;
pub use scan::Scan;
pub use scan::TooMany;
