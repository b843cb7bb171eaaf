//! Connections to either engine.
//!
//! Queries lose their types before they reach an engine. Otherwise the whole way to each engine
//! would be compiled again for every query, several hundred times.

use crate::db::engine::{Engine, MultiBackend};
use diesel::connection::{
    CacheSize, Instrumentation, LoadConnection, SimpleConnection, TransactionManager, TransactionManagerStatus,
};
use diesel::expression::QueryMetadata;
use diesel::internal::derives::multiconnection::ConnectionSealed;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;
use diesel::{ConnectionResult, PgConnection, QueryResult, SqliteConnection};

/// A connection to either engine.
pub struct Connection {
    pub engine: Engine,
}

impl From<SqliteConnection> for Connection {
    fn from(conn: SqliteConnection) -> Self {
        Self { engine: Engine::Sqlite(conn) }
    }
}

impl From<PgConnection> for Connection {
    fn from(conn: PgConnection) -> Self {
        Self { engine: Engine::Postgres(conn) }
    }
}

/// The part of a query that is needed to run it. With `QueryFragment` itself, methods would be
/// compiled that nobody calls.
trait Walk {
    fn walk<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()>;
}

impl<T: QueryFragment<MultiBackend>> Walk for T {
    fn walk<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.walk_ast(pass)
    }
}

/// A query without its type. Prepared statements are found by their text.
struct UntypedQuery<'q>(Box<dyn Walk + 'q>);

impl QueryFragment<MultiBackend> for UntypedQuery<'_> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk(pass)
    }
}

impl Query for UntypedQuery<'_> {
    type SqlType = Untyped;
}

impl QueryId for UntypedQuery<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

type Cursor<'conn, 'query> = <Engine as LoadConnection>::Cursor<'conn, 'query>;

/// On its own, because the bound on the type of a query would be taken for one on [`UntypedQuery`].
fn load<'conn, 'query>(engine: &'conn mut Engine, query: UntypedQuery<'query>) -> QueryResult<Cursor<'conn, 'query>> {
    engine.load(query)
}

impl LoadConnection for Connection {
    type Cursor<'conn, 'query> = Cursor<'conn, 'query>;
    type Row<'conn, 'query> = <Engine as LoadConnection>::Row<'conn, 'query>;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<MultiBackend> + QueryId + 'query,
        MultiBackend: QueryMetadata<T::SqlType>,
    {
        load(&mut self.engine, UntypedQuery(Box::new(source)))
    }
}

impl diesel::Connection for Connection {
    type Backend = MultiBackend;
    type TransactionManager = Self;

    fn establish(url: &str) -> ConnectionResult<Self> {
        Engine::establish(url).map(|engine| Self { engine })
    }

    fn execute_returning_count<T>(&mut self, source: &T) -> QueryResult<usize>
    where
        T: QueryFragment<MultiBackend> + QueryId,
    {
        self.engine.execute_returning_count(&UntypedQuery(Box::new(source)))
    }

    fn transaction_state(&mut self) -> &mut Self {
        self
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.engine.instrumentation()
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.engine.set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.engine.set_prepared_statement_cache_size(size);
    }
}

impl ConnectionSealed for Connection {}

impl SimpleConnection for Connection {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.engine.batch_execute(query)
    }
}

impl TransactionManager<Self> for Connection {
    type TransactionStateData = Self;

    fn begin_transaction(conn: &mut Self) -> QueryResult<()> {
        <Engine as TransactionManager<Engine>>::begin_transaction(&mut conn.engine)
    }

    fn rollback_transaction(conn: &mut Self) -> QueryResult<()> {
        <Engine as TransactionManager<Engine>>::rollback_transaction(&mut conn.engine)
    }

    fn commit_transaction(conn: &mut Self) -> QueryResult<()> {
        <Engine as TransactionManager<Engine>>::commit_transaction(&mut conn.engine)
    }

    fn transaction_manager_status_mut(conn: &mut Self) -> &mut TransactionManagerStatus {
        <Engine as TransactionManager<Engine>>::transaction_manager_status_mut(&mut conn.engine)
    }

    fn is_broken_transaction_manager(conn: &mut Self) -> bool {
        <Engine as TransactionManager<Engine>>::is_broken_transaction_manager(&mut conn.engine)
    }
}
