//! Expressions that Diesel lacks: conditions whose text is fixed, and columns for which no
//! index is used.

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

/// A column of whose indexes none is used: SQLite knows nothing of the rows, and would read
/// all of an account rather than look up some by id.
#[derive(Clone, Copy, Debug, QueryId)]
pub struct WithoutIndex<C>(pub C);

impl<C: Expression> Expression for WithoutIndex<C> {
    type SqlType = C::SqlType;
}

impl<C, Group> ValidGrouping<Group> for WithoutIndex<C> {
    type IsAggregate = is_aggregate::Never;
}

impl<C: AppearsOnTable<Source>, Source> AppearsOnTable<Source> for WithoutIndex<C> {}
impl<C: SelectableExpression<Source>, Source> SelectableExpression<Source> for WithoutIndex<C> {}

impl<DB: Backend, C: QueryFragment<DB>> QueryFragment<DB> for WithoutIndex<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // Neither engine sees through this.
        out.push_sql("coalesce(");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}
