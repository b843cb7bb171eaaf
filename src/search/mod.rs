//! Full-text search: one tokenizer for both engines, and the query language.

mod fold;
pub mod hits;
mod query;
mod terms;
mod units;

pub use fold::fold;
pub use query::{Phrase, Piece, Term, parse, pieces, requester_term, requester_words, terms};
pub use terms::{Part, parts, whole};
pub use units::{Unit, units};

/// The version of the tokenizer. With another one, the index has to be built again.
pub const VERSION: i64 = 1;
