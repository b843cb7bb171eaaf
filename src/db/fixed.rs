//! Conditions whose text is fixed.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Bool;

/// A raw SQL condition. Unlike `diesel::dsl::sql`, its statement is prepared once for each
/// connection, not for each request.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(pub &'static str);

impl Expression for Fixed {
    type SqlType = Bool;
}

impl<Group> ValidGrouping<Group> for Fixed {
    type IsAggregate = is_aggregate::Never;
}

impl<Source> AppearsOnTable<Source> for Fixed {}
impl<Source> SelectableExpression<Source> for Fixed {}

// The text is not part of the type, so statements are told apart by their whole text.
impl QueryId for Fixed {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend> QueryFragment<DB> for Fixed {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(");
        out.push_sql(self.0);
        out.push_sql(")");
        Ok(())
    }
}
