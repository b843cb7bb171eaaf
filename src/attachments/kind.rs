//! The types of files that are taken.

use crate::error::{Error, Result};
use crate::words;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;

/// Largest file, in bytes: 5 MB.
pub const MAX_BYTES: usize = 5 * 1024 * 1024;

/// Longest file name, in characters: what file systems allow.
pub const MAX_NAME: usize = 255;

/// The types that are taken. Rows and keys hold the usual extension.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, Hash, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
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

words!(Kind);

impl std::str::FromStr for Kind {
    type Err = Error;

    fn from_str(extension: &str) -> Result<Self> {
        Self::of_extension(extension).ok_or_else(|| Error::invalid("That is no type of file."))
    }
}

impl Kind {
    /// Its usual extension, as rows store it.
    pub fn as_str(self) -> &'static str {
        self.extension()
    }

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
    pub fn accepted() -> String {
        let names = Self::TABLE.iter().flat_map(|(_, names, _)| names.iter().map(|name| format!(".{name}")));
        let types = Self::TABLE.iter().map(|(.., media)| (*media).to_owned());
        names.chain(types).chain(["application/vnd.ms-excel".to_owned()]).collect::<Vec<_>>().join(",")
    }

    /// The type that a file name's extension names, in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
        Self::TABLE.iter().find(|(_, names, _)| names.contains(&extension.as_str())).map(|(kind, _, _)| *kind)
    }

    /// The type behind its usual extension, as rows store it.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Self::TABLE.iter().find(|(_, names, _)| names.first() == Some(&extension)).map(|(kind, _, _)| *kind)
    }

    /// Its usual extension.
    pub fn extension(self) -> &'static str {
        self.row().1[0]
    }

    /// The media type with which it is served.
    pub fn content_type(self) -> &'static str {
        self.row().2
    }

    /// Whether it is a picture that browsers show.
    pub fn is_image(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Webp | Self::Gif)
    }

    /// Whether a browser may show it in place rather than save it.
    pub fn is_shown_inline(self) -> bool {
        self.is_image() || self == Self::Pdf
    }

    fn row(self) -> &'static (Self, &'static [&'static str], &'static str) {
        &Self::TABLE[self as usize]
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
}
