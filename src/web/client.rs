//! The client of a request: its address, its bearer token or secret, and its country.

use crate::app::App;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::values::network::Network;
use crate::values::token::sha256;
use crate::web::forwarded;
use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};

/// The warning is for the operator, who needs to see it only once.
static WARNED: AtomicBool = AtomicBool::new(false);

/// The client's address: the peer's, or the one that a trusted proxy reports.
pub fn address(req: &HttpRequest, config: &Config) -> IpAddr {
    let (peer, is_trusted) = peer(req, config);
    if !is_trusted && forwarded::is_forwarded(req.headers()) {
        if !WARNED.swap(true, Ordering::Relaxed) {
            let advice = "set DOCKET_TRUSTED_PROXIES if it is your proxy, or all its visitors count as one";
            tracing::warn!(%peer, advice, "ignored a forwarded address from an untrusted peer");
        }
        return peer;
    }
    let is_proxy = |address| (is_trusted && address == peer) || config.trusted_proxies.contain(address);
    forwarded::client(peer, req.headers(), is_proxy)
}

pub fn network(req: &HttpRequest, config: &Config) -> Network {
    Network::of(address(req, config))
}

/// The server's public origin, for links that people copy: the configured one, or else the
/// host of the request.
pub fn our_origin(req: &HttpRequest, config: &Config) -> String {
    let host = || req.headers().get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    config.public_origin().unwrap_or_else(|| format!("http://{}", host()))
}

/// The token in `Authorization: Bearer …` (RFC 6750).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok())?;
    let (scheme, secret) = header.split_once(' ')?;
    // The scheme is case-insensitive (RFC 9110, 11.1).
    Some(secret.trim()).filter(|secret| scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty())
}

/// Checks that a program has sent a secret as its bearer token. Guesses are slowed down.
///
/// # Errors
/// *Signed out* when it has not, *too many* after many guesses from its network.
pub fn expect_secret(req: &HttpRequest, app: &App, secret: &str) -> Result<()> {
    let sent = bearer(req.headers()).unwrap_or_default();
    // Comparing hashes tells nothing by the time it takes.
    if sha256(sent.as_bytes()) == sha256(secret.as_bytes()) {
        return Ok(());
    }
    app.limits.guesses.check(network(req, &app.config))?;
    Err(Error::new(Kind::SignedOut, "The secret is missing or wrong."))
}

/// The client's country (ISO 3166-1 alpha-2). Only a trusted proxy can report it.
pub fn country(req: &HttpRequest, config: &Config) -> Option<String> {
    if !is_from_proxy(req, config) {
        return None;
    }
    let value = req.headers().get(config.country_header.as_str())?.to_str().ok()?.trim();
    // Cloudflare sends XX for an unknown country and T1 for Tor.
    let known = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic()) && value != "XX";
    known.then(|| value.to_ascii_uppercase())
}

/// Whether a trusted proxy has passed the request on.
pub fn is_from_proxy(req: &HttpRequest, config: &Config) -> bool {
    peer(req, config).1
}

/// The address at the other end, and whether it is a trusted proxy. Only docket's own user and group can
/// open a Unix socket, so a client there counts as a trusted proxy on this machine.
fn peer(req: &HttpRequest, config: &Config) -> (IpAddr, bool) {
    let own = (IpAddr::from(Ipv4Addr::LOCALHOST), true);
    req.peer_addr().map_or(own, |peer| {
        let address = peer.ip().to_canonical();
        (address, config.trusted_proxies.contain(address))
    })
}
