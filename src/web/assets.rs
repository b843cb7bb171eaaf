//! Styles, scripts and pictures: inside the binary, under an address that
//! changes with their content, compressed once.

use crate::error::{Error, Result};
use crate::values::token;
use actix_web::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::{Compression, write::GzEncoder};
use rust_embed::RustEmbed;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// The style sheet is one file made of these, in this order.
const STYLES: [&str; 8] = ["layers", "tokens", "base", "layout", "parts", "tickets", "attachments", "inbox"];

/// The part of the bubble that finds links, which stands in a file of its own.
const LINKS: &str = "links.js";

struct Asset {
    content_type: &'static str,
    hash: String,
    plain: Bytes,
    gzip: Bytes,
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let styles = STYLES.iter().flat_map(|name| file(&format!("css/{name}.css"))).collect();
    let rest = Files::iter().filter(|name| !name.starts_with("css/") && *name != LINKS);
    let mut assets: BTreeMap<String, Asset> =
        rest.map(|name| (name.to_string(), Asset::new(&name, file(&name)))).collect();
    assets.insert("app.css".into(), Asset::new("app.css", styles));
    // Scripts of other websites are one file each.
    let place = format!("/* {LINKS} */");
    let bubble = text("embed.js").replace(&place, &text(LINKS));
    assets.insert("embed.js".into(), Asset::new("embed.js", bubble.into_bytes()));
    assets
});

fn file(name: &str) -> Vec<u8> {
    Files::get(name).map(|file| file.data.into_owned()).unwrap_or_default()
}

fn text(name: &str) -> String {
    String::from_utf8(file(name)).unwrap_or_default()
}

impl Asset {
    fn new(name: &str, plain: Vec<u8>) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory cannot fail; if it did, the plain bytes are served.
        let gzip = encoder.write_all(&plain).and_then(|()| encoder.finish()).unwrap_or_default();
        let content_type = match name.rsplit('.').next() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        };
        let hash = token::sha256(&plain)[..16].to_owned();
        Self { content_type, hash, plain: plain.into(), gzip: gzip.into() }
    }
}

/// The address of an asset, below the base path. It changes with the content.
pub fn path(name: &str) -> String {
    let hash = ASSETS.get(name).map_or("missing", |asset| asset.hash.as_str());
    format!("/static/{hash}/{name}")
}

/// The content of an asset.
pub fn bytes(name: &str) -> &'static [u8] {
    ASSETS.get(name).map_or(&[], |asset| &asset.plain)
}

/// Prepares all assets, so that the first visitor does not wait for it.
pub fn warm_up() {
    LazyLock::force(&ASSETS);
}

/// An asset under an address without a hash, which is asked for again after a while.
///
/// # Errors
/// *Not found* when there is none of that name.
pub fn by_name(req: &HttpRequest, name: &str) -> Result<HttpResponse> {
    let asset = ASSETS.get(name).ok_or_else(Error::not_found)?;
    Ok(answer(req, asset, "public, max-age=600"))
}

/// `GET /static/{hash}/{name}`
///
/// # Errors
/// *Not found* for another name or an outdated hash.
pub async fn serve(req: HttpRequest, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    let (hash, name) = path.into_inner();
    let asset = ASSETS.get(&name).filter(|asset| asset.hash == hash).ok_or_else(Error::not_found)?;
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
