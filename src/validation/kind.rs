//! The accepted file types.

use crate::error::{Error, Result};
use crate::words;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;

/// Largest file, in bytes: 5 MB.
pub const MAX_BYTES: usize = 5 * 1024 * 1024;

/// Longest file name, in characters: what file systems allow.
pub const MAX_NAME: usize = 255;

/// The accepted file types. Rows and keys store the usual extension.
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

/// The properties of a file type.
pub struct Row {
    pub kind: Kind,
    /// The name shown to users.
    pub label: &'static str,
    /// File name extensions, the usual one first.
    pub extensions: &'static [&'static str],
    /// The media type with which the file is served.
    pub content_type: &'static str,
    /// Whether it is a picture that browsers can show.
    pub is_image: bool,
}

const fn document(
    kind: Kind,
    label: &'static str,
    extensions: &'static [&'static str],
    content_type: &'static str,
) -> Row {
    Row { kind, label, extensions, content_type, is_image: false }
}

const fn picture(
    kind: Kind,
    label: &'static str,
    extensions: &'static [&'static str],
    content_type: &'static str,
) -> Row {
    Row { is_image: true, ..document(kind, label, extensions, content_type) }
}

words!(Kind);

impl std::str::FromStr for Kind {
    type Err = Error;

    fn from_str(extension: &str) -> Result<Self> {
        Self::of_extension(extension).ok_or_else(|| Error::invalid("unknown file type"))
    }
}

impl Kind {
    /// The usual extension, as stored in rows.
    pub fn as_str(self) -> &'static str {
        self.extension()
    }

    /// All file types, in the order of the enum.
    pub const TABLE: [Row; 9] = [
        picture(Self::Jpeg, "JPEG", &["jpg", "jpeg", "jpe", "jfif", "jif"], "image/jpeg"),
        picture(Self::Png, "PNG", &["png"], "image/png"),
        picture(Self::Webp, "WebP", &["webp"], "image/webp"),
        picture(Self::Gif, "GIF", &["gif"], "image/gif"),
        document(Self::Pdf, "PDF", &["pdf"], "application/pdf"),
        document(Self::Txt, "TXT", &["txt"], "text/plain"),
        document(Self::Csv, "CSV", &["csv"], "text/csv"),
        document(Self::Doc, "DOC", &["doc"], "application/msword"),
        document(
            Self::Docx,
            "DOCX",
            &["docx"],
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
    ];

    /// The names of all types: `JPEG, PNG … and DOCX`.
    pub fn labels() -> String {
        let labels: Vec<&str> = Self::TABLE.iter().map(|row| row.label).collect();
        match labels.split_last() {
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => String::new(),
        }
    }

    /// The `accept` attribute of a file field: all extensions and media types. Phones choose
    /// what to offer by media type; Windows reports CSV as Excel.
    pub fn accepted() -> String {
        let names = Self::TABLE.iter().flat_map(|row| row.extensions.iter().map(|name| format!(".{name}")));
        let types = Self::TABLE.iter().map(|row| row.content_type.to_owned());
        names.chain(types).chain(["application/vnd.ms-excel".to_owned()]).collect::<Vec<_>>().join(",")
    }

    /// The type for a file name's extension, in upper or lower case.
    pub fn of_name(name: &str) -> Option<Self> {
        let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
        Self::TABLE.iter().find(|row| row.extensions.contains(&extension.as_str())).map(|row| row.kind)
    }

    /// The type for a usual extension, as stored in rows.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.extensions.first() == Some(&extension)).map(|row| row.kind)
    }

    /// The usual extension.
    pub fn extension(self) -> &'static str {
        self.row().extensions[0]
    }

    pub fn content_type(self) -> &'static str {
        self.row().content_type
    }

    pub fn is_image(self) -> bool {
        self.row().is_image
    }

    /// Whether a browser may show the file inline instead of downloading it.
    pub fn is_shown_inline(self) -> bool {
        self.is_image() || self == Self::Pdf
    }

    pub fn label(self) -> &'static str {
        self.row().label
    }

    fn row(self) -> &'static Row {
        &Self::TABLE[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_types() {
        for Row { kind, extensions, content_type, .. } in Kind::TABLE {
            assert_eq!((kind.extension(), kind.content_type()), (extensions[0], content_type));
            assert_eq!(Kind::of_extension(kind.extension()), Some(kind));
            assert_eq!(Kind::of_name(&format!("a.b.{}", extensions[0].to_uppercase())), Some(kind));
        }
        assert_eq!(Kind::of_name("noextension"), None);
        assert_eq!(Kind::of_name("x.exe"), None);
    }
}
