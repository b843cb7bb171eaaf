//! Style sheets, scripts and pictures, embedded in the binary and compressed once. Their
//! address contains a hash of all of them, so it changes when any of them changes.

use crate::error::{Error, Result};
use crate::values::token;
use actix_web::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::{Compression, write::GzEncoder};
use rust_embed::RustEmbed;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// The parts of the style sheet, in order. They are joined into one file.
const STYLES: [&str; 28] = [
    "layers",
    "tokens",
    "base",
    "layout",
    "frame",
    "menu",
    "buttons",
    "fields",
    "cards",
    "notices",
    "badges",
    "tabs",
    "guide",
    "rows",
    "facts",
    "tags",
    "charts",
    "ticket-list",
    "ticket",
    "revisions",
    "files",
    "upload",
    "viewer",
    "messages",
    "conversation",
    "submissions",
    "palette",
    "utilities",
];

/// The parts of the script of every page, in order. They are joined into one module, because
/// loading a dozen small ones takes longer.
const FRAME: [&str; 14] = [
    // First, so that its listener runs before all others.
    "input-method",
    "mark",
    "announcements",
    "auto-submit",
    "copying",
    "editors",
    "keys",
    "lengths",
    "menus",
    "sending",
    "sign-out",
    "stray-files",
    "suggestions",
    "times",
];

/// The parts of the chat bubble's script, in order. They share one scope.
const BUBBLE: [&str; 10] =
    ["settings", "memory", "server", "messages", "line", "files", "sending", "links", "drawing", "panel"];

struct Asset {
    content_type: &'static str,
    plain: Bytes,
    gzip: Bytes,
}

struct Tree {
    /// Covers all assets: scripts import one another, so their addresses must change
    /// together.
    hash: String,
    assets: BTreeMap<String, Asset>,
}

static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let joined = ["css/", "embed/", "js/frame/"];
    let rest = Files::iter().filter(|name| !joined.iter().any(|folder| name.starts_with(folder)));
    let mut assets: BTreeMap<String, Asset> =
        rest.map(|name| (name.to_string(), Asset::new(&name, text(&name)))).collect();
    let styles = STYLES.iter().map(|name| text(&format!("css/{name}.css"))).collect();
    assets.insert("app.css".into(), Asset::new("app.css", styles));
    assets.insert("js/frame.js".into(), Asset::new("js/frame.js", frame()));
    assets.insert("embed.js".into(), Asset::new("embed.js", bubble()));
    let mut hash = Vec::new();
    for (name, asset) in &assets {
        hash.extend_from_slice(name.as_bytes());
        hash.extend_from_slice(&asset.plain);
    }
    Tree { hash: token::sha256(&hash)[..16].to_owned(), assets }
});

/// The script of every page: each part in a scope of its own, after what they import. All of
/// them import from `shared.js` only.
fn frame() -> String {
    let parts = FRAME.map(|name| text(&format!("js/frame/{name}.js")));
    let (mut imported, mut bodies) = (BTreeSet::new(), String::new());
    for line in parts.iter().flat_map(|part| ["{"].into_iter().chain(part.lines()).chain(["}"])) {
        match line.strip_prefix("import {").and_then(|rest| rest.split_once('}')) {
            Some((names, _)) => imported.extend(names.split(',').map(str::trim)),
            None => bodies.extend([line, "\n"]),
        }
    }
    let imported: Vec<&str> = imported.into_iter().collect();
    format!("import {{ {} }} from \"./shared.js\";\n{bodies}", imported.join(", "))
}

/// The script for other websites. It is one file, because a website includes one script,
/// and one scope, because it must not define globals on the website's page.
fn bubble() -> String {
    let style = text("embed/style.css");
    let parts: String = BUBBLE.iter().map(|name| text(&format!("embed/{name}.js")) + "\n").collect();
    format!("(() => {{\n\"use strict\";\n\nconst STYLE = `{style}`;\n\n{parts}}})();\n")
}

fn text(name: &str) -> String {
    let bytes = Files::get(name).map(|file| file.data.into_owned()).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

impl Asset {
    fn new(name: &str, plain: String) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory cannot fail. If it did, the uncompressed bytes would be served.
        let gzip = encoder.write_all(plain.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
        let content_type = match name.rsplit('.').next() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        };
        Self { content_type, plain: plain.into(), gzip: gzip.into() }
    }
}

/// The address of an asset, below the base path.
pub fn path(name: &str) -> String {
    format!("/static/{}/{name}", TREE.hash)
}

pub fn bytes(name: &str) -> &'static [u8] {
    TREE.assets.get(name).map_or(&[], |asset| &asset.plain)
}

/// Prepares all assets at startup, so that the first request doesn't have to wait.
pub fn warm_up() {
    LazyLock::force(&TREE);
}

/// Serves an asset whose address has no hash. Clients may cache it for 10 minutes.
pub fn by_name(req: &HttpRequest, name: &str) -> Result<HttpResponse> {
    let asset = TREE.assets.get(name).ok_or_else(Error::not_found)?;
    Ok(answer(req, asset, "public, max-age=600"))
}

/// `GET /static/{hash}/{name}`
///
/// # Errors
/// *Not found* for an unknown name or an outdated hash.
pub async fn serve(req: HttpRequest, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    let (hash, name) = path.into_inner();
    let asset = TREE.assets.get(&name).filter(|_| hash == TREE.hash).ok_or_else(Error::not_found)?;
    Ok(answer(&req, asset, "public, max-age=31536000, immutable"))
}

fn answer(req: &HttpRequest, asset: &Asset, caching: &'static str) -> HttpResponse {
    let accepts = |value: &str| value.split(',').any(|part| part.trim().starts_with("gzip"));
    let header = req.headers().get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let zipped = header.is_some_and(accepts) && !asset.gzip.is_empty();
    let (encoding, bytes) = if zipped { ("gzip", &asset.gzip) } else { ("identity", &asset.plain) };
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.content_type))
        .insert_header((CONTENT_ENCODING, encoding))
        .insert_header((CACHE_CONTROL, caching))
        .insert_header((VARY, "Accept-Encoding"))
        .body(bytes.clone())
}
