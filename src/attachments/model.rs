//! What a file on a ticket is, without a database.

use chrono::NaiveDateTime;

/// Largest file, in bytes: 5 MB.
pub const MAX_BYTES: usize = 5 * 1024 * 1024;
/// Longest file name, in characters: what file systems allow.
pub const MAX_NAME: usize = 255;

/// The types that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    Jpeg,
    Png,
    Webp,
    Gif,
    Pdf,
    Txt,
    Csv,
    Doc,
    Docx,
}

impl Kind {
    /// All of them, with the extensions that name them (the usual one first)
    /// and the media type with which they are served. The one table of types.
    pub const TABLE: [(Self, &'static [&'static str], &'static str); 9] = [
        (Self::Jpeg, &["jpg", "jpeg", "jpe", "jfif", "jif"], "image/jpeg"),
        (Self::Png, &["png"], "image/png"),
        (Self::Webp, &["webp"], "image/webp"),
        (Self::Gif, &["gif"], "image/gif"),
        (Self::Pdf, &["pdf"], "application/pdf"),
        (Self::Txt, &["txt"], "text/plain"),
        (Self::Csv, &["csv"], "text/csv"),
        (Self::Doc, &["doc"], "application/msword"),
        (Self::Docx, &["docx"], "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ];

    /// What a page's file field asks for: every extension and every media type.
    /// Phones know by the types what to offer; Windows calls CSV after Excel.
    #[must_use]
    pub fn accepted() -> String {
        let names = Self::TABLE.iter().flat_map(|(_, names, _)| names.iter().map(|name| format!(".{name}")));
        let types = Self::TABLE.iter().map(|(.., media)| (*media).to_owned());
        names.chain(types).chain(["application/vnd.ms-excel".to_owned()]).collect::<Vec<_>>().join(",")
    }

    /// The type that a file name's extension names, in any case.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
        Self::TABLE.iter().find(|(_, names, _)| names.contains(&extension.as_str())).map(|(kind, _, _)| *kind)
    }

    /// The type behind its usual extension, as rows store it.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        Self::TABLE.iter().find(|(_, names, _)| names.first() == Some(&extension)).map(|(kind, _, _)| *kind)
    }

    /// Its usual extension.
    #[must_use]
    pub fn extension(self) -> &'static str {
        self.row().1[0]
    }

    /// The media type with which it is served.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        self.row().2
    }

    /// Whether it is a picture that browsers show.
    #[must_use]
    pub fn is_image(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Webp | Self::Gif)
    }

    /// Whether a browser may show it in place rather than save it.
    #[must_use]
    pub fn is_shown_inline(self) -> bool {
        self.is_image() || self == Self::Pdf
    }

    fn row(self) -> &'static (Self, &'static [&'static str], &'static str) {
        &Self::TABLE[self as usize]
    }
}

/// Why a file was not taken: a word for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
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
    #[must_use]
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
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// An attachment's row.
#[derive(Clone, Debug, diesel::Queryable)]
#[allow(missing_docs)]
pub struct Attachment {
    pub id: String,
    pub account_id: i64,
    pub ticket_id: i64,
    pub state: String,
    pub filename: String,
    pub kind: String,
    pub size: i64,
    pub sha256: String,
    pub stamp: i64,
    pub thumbnail: Option<String>,
    pub uploaded_by: String,
    pub created_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
}

impl Attachment {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::of_extension(&self.kind).unwrap_or(Kind::Txt)
    }

    /// The key of its bytes in the storage.
    #[must_use]
    pub fn key(&self) -> String {
        key(self.account_id, self.stamp, self.kind())
    }

    /// The key of its thumbnail, if it has one.
    #[must_use]
    pub fn thumbnail_key(&self) -> Option<String> {
        self.thumbnail.as_ref().map(|extension| thumbnail_key(self.account_id, self.stamp, extension))
    }

    /// Every key that may hold something of it. A row that is not ready does not
    /// know yet which thumbnail it gets.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let possible: &[&str] = match &self.thumbnail {
            Some(extension) => &[extension.as_str()],
            None if self.state == "ready" => &[],
            None => &THUMBNAILS,
        };
        let thumbnails = possible.iter().map(|extension| thumbnail_key(self.account_id, self.stamp, extension));
        std::iter::once(self.key()).chain(thumbnails).collect()
    }
}

/// The extensions of thumbnails.
const THUMBNAILS: [&str; 2] = ["jpg", "png"];

/// The key of a file: `tickets/<account>/<milliseconds>.<extension>`.
#[must_use]
pub fn key(account_id: i64, stamp: i64, kind: Kind) -> String {
    format!("tickets/{account_id}/{stamp}.{}", kind.extension())
}

/// The key of a thumbnail.
#[must_use]
pub fn thumbnail_key(account_id: i64, stamp: i64, extension: &str) -> String {
    format!("thumbnails/{account_id}/{stamp}.{extension}")
}

/// Account and stamp of a key of ours, and its extension. `None` for any other key.
#[must_use]
pub fn parse_key(key: &str) -> Option<(i64, i64, &str)> {
    let mut steps = key.split('/');
    let (folder, account, name) = (steps.next()?, steps.next()?, steps.next()?);
    let (stamp, extension) = name.split_once('.')?;
    let is_ours = match folder {
        "tickets" => Kind::of_extension(extension).is_some(),
        "thumbnails" => THUMBNAILS.contains(&extension),
        _ => false,
    };
    let (account_id, number): (i64, i64) = (account.parse().ok()?, stamp.parse().ok()?);
    let is_exact = format!("{folder}/{account_id}/{number}.{extension}") == key;
    (is_ours && is_exact).then_some((account_id, number, extension))
}

/// A number of bytes for people: `12 KB`, `1.4 MB`.
#[must_use]
pub fn readable_size(bytes: i64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KB", bytes.div_euclid(1024)),
        _ => format!("{}.{} MB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_types() {
        for (kind, extensions, content_type) in Kind::TABLE {
            assert_eq!((kind.extension(), kind.content_type()), (extensions[0], content_type));
            assert_eq!(Kind::of_extension(kind.extension()), Some(kind));
            assert_eq!(Kind::of_name(&format!("a.b.{}", extensions[0].to_uppercase())), Some(kind));
        }
        assert_eq!(Kind::of_name("noextension"), None);
        assert_eq!(Kind::of_name("x.exe"), None);
    }

    #[test]
    fn keys_are_read_back() {
        assert_eq!(parse_key(&key(7, 1_234, Kind::Jpeg)), Some((7, 1_234, "jpg")));
        assert_eq!(parse_key(&thumbnail_key(7, 1_234, "png")), Some((7, 1_234, "png")));
        for other in [
            "tickets/7/a.jpg",
            "tickets/7/1.exe",
            "tickets/7/1.jpg/x",
            "thumbnails/7/1.gif",
            "x/7/1.jpg",
            "",
            "tickets/07/+1.jpg",
        ] {
            assert_eq!(parse_key(other), None, "{other}");
        }
    }

    #[test]
    fn sizes_read_well() {
        let cases =
            [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KB"), (5_242_880, "5.0 MB"), (1_500_000, "1.4 MB")];
        for (bytes, text) in cases {
            assert_eq!(readable_size(bytes), text);
        }
    }
}
