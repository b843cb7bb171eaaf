//! Why a connection is opened.

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reads for pages, with a time limit on Postgres.
    Pages,
    /// Changes, and upkeep's long reads.
    Everything,
}

impl Purpose {
    /// In words of monitoring.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Pages => "reading",
            Self::Everything => "writing",
        }
    }
}
