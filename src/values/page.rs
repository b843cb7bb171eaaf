//! Keyset paging: a cursor names a row, so that a page costs the same wherever
//! it stands in the list.

use crate::values::time;
use chrono::NaiveDateTime;

/// How many rows a list shows.
pub const PAGE: usize = 50;

/// A place in a list that is ordered by a time and an id, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the row at which the page begins or ends.
    pub at: NaiveDateTime,
    pub id: i64,
}

impl Cursor {
    /// Reads the output of `Cursor::to_string`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('_')?;
        Some(Self { at: time::parse_exact(at)?, id: id.parse().ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}_{}", time::exact(self.at), self.id)
    }
}

/// Which page of a list is requested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// The newest rows.
    #[default]
    First,
    /// The rows after this one, which are older.
    After(Cursor),
    /// The rows before this one, which are newer.
    Before(Cursor),
}

impl Place {
    /// Reads the `after` and `before` of a URL; an invalid cursor counts as absent.
    pub fn parse(after: &str, before: &str) -> Self {
        let after = Cursor::parse(after).map(Self::After);
        let before = || Cursor::parse(before).map(Self::Before);
        after.or_else(before).unwrap_or_default()
    }
}

/// Which rows of a list are requested, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub place: Place,
    /// The maximum number of rows.
    pub size: usize,
}

impl Default for Window {
    fn default() -> Self {
        Place::First.into()
    }
}

impl From<Place> for Window {
    /// The page size of the desk: [`PAGE`] rows.
    fn from(place: Place) -> Self {
        Self { place, size: PAGE }
    }
}

impl Window {
    /// How many rows to read: one more, to know whether there are further ones.
    pub fn limit(self) -> i64 {
        i64::try_from(self.size + 1).unwrap_or(i64::MAX)
    }
}

/// One page of rows, newest first, and the cursors of its neighbours.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Where newer rows begin, if there are any.
    pub newer: Option<Cursor>,
    /// Where older rows begin, if there are any.
    pub older: Option<Cursor>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), newer: None, older: None }
    }
}

impl<T> Page<T> {
    /// Creates a page from up to [`Window::limit`] rows in the order of the query: newest
    /// first, or oldest first for [`Place::Before`].
    pub fn new(mut rows: Vec<T>, window: Window, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > window.size;
        rows.truncate(window.size);
        let (has_newer, has_older) = match window.place {
            Place::First => (false, more),
            Place::After(_) => (true, more),
            Place::Before(_) => {
                rows.reverse();
                (more, true)
            }
        };
        let newer = rows.first().filter(|_| has_newer).map(&cursor);
        let older = rows.last().filter(|_| has_older).map(&cursor);
        Self { rows, newer, older }
    }

    /// Converts each row.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(change).collect(), newer: self.newer, older: self.older }
    }
}

/// Filters and orders a boxed query for one page by a time column and an id column. The
/// time has a condition of its own so that an index can start there.
#[macro_export]
macro_rules! keyset {
    ($query:expr, $window:expr, $at:expr, $id:expr) => {{
        use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _};
        match $window.place {
            $crate::values::page::Place::First => $query.order(($at.desc(), $id.desc())),
            $crate::values::page::Place::After(cursor) => $query
                .filter($at.le(cursor.at))
                .filter($at.lt(cursor.at).or($id.lt(cursor.id)))
                .order(($at.desc(), $id.desc())),
            $crate::values::page::Place::Before(cursor) => $query
                .filter($at.ge(cursor.at))
                .filter($at.gt(cursor.at).or($id.gt(cursor.id)))
                .order(($at.asc(), $id.asc())),
        }
        .limit($window.limit())
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_address() {
        let at = time::parse_exact("2026-11-22T08:00:00.123456Z").unwrap();
        let cursor = Cursor { at, id: 7 };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for bad in ["", "7", "2026_x", "x_7"] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_page_before_a_row_is_turned_round() {
        let at = time::parse_exact("2026-11-22T08:00:00Z").unwrap();
        let cursor = |id: &i64| Cursor { at, id: *id };
        let page = Page::new(vec![3, 4, 5], Place::Before(cursor(&2)).into(), cursor);
        assert_eq!(page.rows, [5, 4, 3]);
        assert_eq!((page.newer, page.older), (None, Some(cursor(&3))));
    }
}
