//! Why a file is not taken.

/// Why a file was not taken: a word for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    TooLarge,
    TypeNotAllowed,
    ContentMismatch,
    Empty,
    BadName,
    Unreadable,
    NoRoom,
}

impl Code {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::TypeNotAllowed => "type_not_allowed",
            Self::ContentMismatch => "content_mismatch",
            Self::Empty => "empty",
            Self::BadName => "bad_name",
            Self::Unreadable => "unreadable",
            Self::NoRoom => "no_room",
        }
    }
}

/// Why a file was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// For scripts.
    pub code: Code,
    /// For people: what is wrong and what would do.
    pub message: String,
}

impl Rejection {
    /// A rejection.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
