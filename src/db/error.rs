//! Converts database errors.

use crate::db::postgres::POOLED;
use crate::error::Error;

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Database, Error as Diesel};
        match &error {
            Diesel::NotFound => Self::not_found(),
            Diesel::DatabaseError(Database::SerializationFailure, _) => Self::worth_retrying(error),
            Diesel::DatabaseError(Database::ClosedConnection | Database::ReadOnlyTransaction, _)
            | Diesel::BrokenTransactionManager => Self::unavailable(error),
            Diesel::DatabaseError(Database::Unknown, info) if info.message().contains("deadlock") => {
                Self::worth_retrying(error)
            }
            // One that already exists, or does not exist, belongs to another session.
            Diesel::DatabaseError(Database::Unknown, info) if info.message().contains("prepared statement") => {
                Self::unavailable(POOLED)
            }
            Diesel::DatabaseError(
                Database::UniqueViolation
                | Database::ForeignKeyViolation
                | Database::NotNullViolation
                | Database::CheckViolation,
                _,
            )
            | Diesel::DeserializationError(_)
            | Diesel::QueryBuilderError(_) => Self::internal("a query failed", error),
            _ => Self::from_storage_text(&error.to_string()),
        }
    }
}
