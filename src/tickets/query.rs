//! What a list of tickets shows: the query of its address, and what that says.

use crate::error::{Error, Result};
use crate::search::Term;
use crate::tickets::filter::{Assignee, From, Sort, Statuses};
use crate::tickets::line::Line;
use crate::tickets::operators;
use crate::tickets::operators::{Condition, Searcher, Wanted};
use crate::tickets::source::SourceKind;
use crate::tickets::tags::parse_tag;
use crate::values::page::{Cursor, Place, Window};
use crate::values::text;
use serde::{Deserialize, Serialize};

/// The query parameters of a URL, before parsing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Query {
    pub status: String,
    pub q: String,
    pub tag: String,
    pub assignee: String,
    pub source: String,
    pub sort: String,
    pub after: String,
    pub before: String,
    /// Numbers, separated by commas: only these tickets, if the filter shows them.
    #[serde(skip_serializing)]
    pub only: String,
    /// `1` if all tickets of the list are selected.
    #[serde(skip_serializing)]
    pub all: String,
}

impl Query {
    /// Reads the query of an address.
    ///
    /// # Errors
    /// *Invalid* when a value has the wrong type.
    pub fn parse(encoded: &str) -> Result<Self> {
        serde_html_form::from_str(encoded).map_err(|_| Error::invalid("query must be the query of a list of tickets."))
    }

    /// The parts that say which tickets, in which order.
    pub fn parts(&self) -> [(&'static str, &str); 6] {
        [
            ("status", &self.status),
            ("q", &self.q),
            ("tag", &self.tag),
            ("assignee", &self.assignee),
            ("source", &self.source),
            ("sort", &self.sort),
        ]
    }

    /// The same, encoded as in an address.
    pub fn encoded(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.parts().iter().filter(|(_, value)| !value.is_empty()));
        query.finish()
    }

    /// The local path of the list.
    pub fn path(&self) -> String {
        let query = self.encoded();
        if query.is_empty() { "/tickets".into() } else { format!("/tickets?{query}") }
    }
}

/// What a list shows. Unknown values in a URL fall back to a default.
#[derive(Clone, Debug)]
pub struct Filter {
    pub statuses: Statuses,
    pub q: String,
    pub tag: String,
    pub assignee: Assignee,
    pub from: From,
    pub sort: Sort,
    pub window: Window,
    /// At most [`MAX_ONLY`] numbers; empty for all tickets.
    pub only: Vec<i64>,
    pub searcher: Searcher,
}

/// How many tickets a page checks again in one request.
const MAX_ONLY: usize = 50;

impl Filter {
    /// Parses a query. A search without a status covers all statuses.
    pub fn new(query: &Query, searcher: Searcher) -> Self {
        let q = query.q.trim().to_owned();
        let statuses = match query.status.as_str() {
            "all" => Statuses::All,
            "" if !q.is_empty() => Statuses::All,
            word => word.parse().map_or(Statuses::Open, Statuses::Only),
        };
        let assignee = match query.assignee.as_str() {
            "" => Assignee::Any,
            "me" => searcher.user_id.map_or(Assignee::Any, Assignee::User),
            "none" => Assignee::Nobody,
            id => id.parse().map_or(Assignee::Any, Assignee::User),
        };
        let from = match query.source.as_str() {
            "chat" => From::Kind(SourceKind::Chat),
            "form" => From::Kind(SourceKind::Form),
            "none" => From::Nothing,
            _ => From::Any,
        };
        let sort = match query.sort.as_str() {
            "created" => Sort::Created,
            "closed" => Sort::Closed,
            _ => Sort::Updated,
        };
        // A value that is not a valid tag matches no ticket.
        let tag = parse_tag(&query.tag).unwrap_or_else(|_| text::normalise(query.tag.trim()));
        let only = query.only.split(',').filter_map(|number| number.parse().ok()).take(MAX_ONLY).collect();
        let window = Place::parse(&query.after, &query.before).into();
        Self { statuses, q, tag, assignee, from, sort, window, only, searcher }
    }

    pub fn cursor(&self, ticket: &Line) -> Cursor {
        Cursor { at: self.sort.time(ticket), id: ticket.id }
    }

    /// # Errors
    /// *Invalid* when the words cannot be searched for.
    pub(super) fn parsed(&self) -> Result<Parsed> {
        let (all, terms) = operators::parse(&self.q, self.searcher)?;
        let is_nothing = terms.is_empty() && all.is_empty() && !self.q.is_empty();
        let (mut filter, mut conditions) = (self.clone(), Vec::new());
        for condition in all {
            match condition.wanted {
                Wanted::Statuses(statuses) if !condition.is_not && filter.statuses == Statuses::All => {
                    filter.statuses = statuses;
                }
                Wanted::Assignee(assignee) if !condition.is_not && filter.assignee == Assignee::Any => {
                    filter.assignee = assignee;
                }
                Wanted::Tag(tag) if !condition.is_not && filter.tag.is_empty() => filter.tag = tag,
                Wanted::Number(number) if !condition.is_not && filter.only.is_empty() => filter.only = vec![number],
                wanted => conditions.push(Condition { wanted, ..condition }),
            }
        }
        Ok(Parsed { filter, conditions, terms, is_nothing })
    }
}

/// A filter whose search is parsed.
pub(super) struct Parsed {
    /// With those operators that say the same as one of its choices, for which there is an
    /// index.
    pub filter: Filter,
    /// The other operators.
    pub conditions: Vec<Condition>,
    /// The words.
    pub terms: Vec<Term>,
    /// Whether the search is only punctuation, which no ticket matches.
    pub is_nothing: bool,
}
