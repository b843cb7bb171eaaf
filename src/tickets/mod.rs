//! Tickets: rules, rows, notes, history and search.

mod bounded;
pub mod bulk;
pub mod change;
mod conditions;
pub mod copies;
pub mod counts;
pub mod create;
pub mod excerpts;
pub mod figures;
pub mod filter;
pub mod find;
pub mod history;
pub mod line;
pub mod list;
pub mod merge;
pub mod names;
pub mod notes;
pub mod operators;
pub mod person;
pub mod query;
pub mod revisions;
pub mod search;
pub mod source;
pub mod source_copy;
pub mod source_links;
pub mod status;
pub mod tags;
pub mod themes;
pub mod ticket;
pub mod trash;
pub mod undo;
pub mod views;

/// A query in the order of a list, from a place on.
macro_rules! in_order {
    ($query:expr, $sort:expr, $window:expr) => {{
        use $crate::db::schema::tickets;
        use $crate::keyset;
        match $sort {
            Sort::Updated => keyset!($query, $window, tickets::updated_at, tickets::id),
            Sort::Created => keyset!($query, $window, tickets::created_at, tickets::id),
            Sort::Closed => {
                keyset!($query.filter(tickets::closed_at.is_not_null()), $window, tickets::closed_at, tickets::id)
            }
        }
    }};
}
use in_order;
