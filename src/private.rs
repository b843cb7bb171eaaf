//! Folders and files that only this system user can read, and advice when a permission is
//! missing.

use rustix::fs::{Access, access};
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

/// Names in our own folders. A folder that contains nothing else may be closed to others.
const OURS: [&str; 8] =
    ["docket.db", "files", "installations", "rows", "snapshots", "sources", "thumbnails", "tickets"];

/// Ensures that a folder exists, is writable, and is closed to others.
///
/// # Errors
/// One line that names the folder and the remedy.
pub fn own_dir(path: &Path) -> Result<(), String> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| trouble(path, &error))?;
    let metadata = fs::metadata(path).map_err(|error| trouble(path, &error))?;
    if !metadata.is_dir() {
        return Err(format!("{} is not a folder", path.display()));
    }
    writable(path)?;
    if metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(|error| trouble(path, &error))?;
    let is_account = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let is_ours = |name: &str| OURS.iter().any(|ours| name.starts_with(ours)) || is_account(name);
    let is_shared = entries.flatten().any(|entry| !entry.file_name().to_str().is_some_and(is_ours));
    let closed = || fs::set_permissions(path, Permissions::from_mode(metadata.mode() & 0o700)).is_ok();
    if !is_shared && closed() {
        tracing::warn!(folder = %path.display(), "removed other users' access to this folder");
        return Ok(());
    }
    Err(format!(
        "other users can read {}: choose a folder of docket's own, or run chmod 700 on this one",
        path.display()
    ))
}

/// Removes other users' access to a file, if it exists.
///
/// # Errors
/// One line that names the file and the remedy.
pub fn own_file(path: &Path) -> Result<(), String> {
    let closed = || -> io::Result<()> {
        let mode = fs::metadata(path)?.mode();
        access(path, Access::READ_OK | Access::WRITE_OK)?;
        if mode & 0o077 == 0 { Ok(()) } else { fs::set_permissions(path, Permissions::from_mode(mode & 0o700)) }
    };
    match closed() {
        // SQLite removes its log files when the last connection closes.
        Err(error) if error.kind() != ErrorKind::NotFound => Err(trouble(path, &error)),
        _ => Ok(()),
    }
}

/// Checks that this user may write to a path.
///
/// # Errors
/// One line that names the owner, the current user, and the remedy.
pub fn writable(path: &Path) -> Result<(), String> {
    let wanted = if path.is_dir() { Access::WRITE_OK | Access::EXEC_OK } else { Access::WRITE_OK };
    access(path, Access::READ_OK | wanted).map_err(|error| trouble(path, &error.into()))
}

/// Explains a failed step on a file or folder, with a remedy where one is known.
pub fn trouble(path: &Path, error: &io::Error) -> String {
    let me = rustix::process::geteuid().as_raw();
    // The nearest accessible path upwards shows who must change something.
    let seen = path.ancestors().find_map(|place| fs::metadata(place).ok().map(|metadata| (place, metadata)));
    match (error.kind(), seen) {
        (ErrorKind::PermissionDenied, Some((place, metadata))) => {
            let (place, owner) = (place.display(), metadata.uid());
            let remedy = if owner == me {
                format!("run chmod -R u+rwX {place}")
            } else {
                format!("run chown -R {me} {place}, or run docket as user {owner}")
            };
            format!(
                "{} cannot be written: {place} belongs to user {owner} (mode {:o}) and docket runs as user {me}; {remedy}",
                path.display(),
                metadata.mode() & 0o777,
            )
        }
        _ => format!("{} cannot be used: {error}", path.display()),
    }
}
