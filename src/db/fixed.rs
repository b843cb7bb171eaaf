//! Expressions that Diesel lacks: conditions whose text is fixed, so that they are prepared
//! once, and columns for which no index is used.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType};

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

/// Whether a column has one of some values. Unlike `eq_any`, its statement is prepared once for
/// each connection and power of two, up to which the last value is repeated.
#[derive(Clone, Debug)]
pub struct OneOf<C, T> {
    column: C,
    values: Vec<T>,
}

/// Longer lists are prepared each time, as those of `eq_any` are.
const MOST_PREPARED: usize = 512;

pub fn one_of<C, T: Clone>(column: C, values: &[T]) -> OneOf<C, T> {
    let mut values = values.to_vec();
    if let Some(last) = values.last().cloned()
        && values.len() <= MOST_PREPARED
    {
        values.resize(values.len().next_power_of_two(), last);
    }
    OneOf { column, values }
}

impl<C: Expression, T> Expression for OneOf<C, T> {
    type SqlType = Bool;
}

impl<C, T, Group> ValidGrouping<Group> for OneOf<C, T> {
    type IsAggregate = is_aggregate::Never;
}

impl<C: AppearsOnTable<Source>, T, Source> AppearsOnTable<Source> for OneOf<C, T> {}
impl<C: SelectableExpression<Source>, T, Source> SelectableExpression<Source> for OneOf<C, T> {}

// How many values there are is not part of the type.
impl<C, T> QueryId for OneOf<C, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB, C, T> QueryFragment<DB> for OneOf<C, T>
where
    DB: Backend + HasSqlType<C::SqlType>,
    C: Expression + QueryFragment<DB>,
    T: ToSql<C::SqlType, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.values.is_empty() {
            out.push_sql("1 = 0");
            return Ok(());
        }
        if self.values.len() > MOST_PREPARED {
            out.unsafe_to_cache_prepared();
        }
        self.column.walk_ast(out.reborrow())?;
        for (index, value) in self.values.iter().enumerate() {
            out.push_sql(if index == 0 { " IN (" } else { ", " });
            out.push_bind_param::<C::SqlType, _>(value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}
