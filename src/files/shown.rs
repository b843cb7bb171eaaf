//! A file of a message or a submission as pages show it.

use crate::attachments::attachment::readable_size;
use crate::conversations::messages;
use crate::db::Connection;
use crate::error::Result;
use crate::source_files::file;
use crate::source_files::file::SourceFile;
use crate::web::layout::Layout;

#[derive(Clone, Debug)]
pub struct ShownFile {
    pub id: String,
    pub filename: String,
    /// The name of its type, for the icon.
    pub label: &'static str,
    /// For people, such as `12 KB`.
    pub size: String,
    pub url: String,
    pub thumbnail_url: Option<String>,
}

impl ShownFile {
    /// `base` is the address below which these files are served.
    pub fn new(file: &SourceFile, base: &str) -> Self {
        let url = format!("{base}/{}", file.id);
        Self {
            id: file.id.clone(),
            filename: file.filename.clone(),
            label: file.kind.label(),
            size: readable_size(file.size),
            thumbnail_url: file.thumbnail.as_ref().map(|_| format!("{url}/thumbnail")),
            url,
        }
    }

    /// Files for the team.
    pub fn of_team(files: &[SourceFile], layout: &Layout) -> Vec<Self> {
        let base = layout.href("/files");
        files.iter().map(|file| Self::new(file, &base)).collect()
    }

    /// The text of a message, unless it only repeats the names of its files.
    pub fn text_beside(files: &[Self], body: String) -> String {
        messages::text_beside(body, files.iter().map(|file| file.filename.as_str()))
    }
}

/// The files of a submission, for the team.
pub fn of_submission(conn: &mut Connection, layout: &Layout, seq: i64) -> Result<Vec<ShownFile>> {
    Ok(ShownFile::of_team(&file::of_submission(conn, seq)?, layout))
}
