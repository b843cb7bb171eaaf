//! The client's address behind trusted proxies.

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};
use std::net::IpAddr;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whether the headers say that a proxy forwarded the request.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

/// The client's address: the peer's, or the one that trusted proxies report.
///
/// Each proxy appends the address that it saw, so the list is read from its end for as long
/// as the proxy that wrote the entry is trusted. An invalid entry ends the search, because
/// the client may have forged everything before it.
pub fn client(peer: IpAddr, headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer.to_canonical();
    for hop in hops(headers).into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        let Some(address) = hop else { break };
        client = address;
    }
    client
}

/// The hops in the order in which proxies wrote them, from `X-Forwarded-For` or else from
/// `Forwarded` (RFC 7239). `None` for an entry that isn't an address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let (name, read): (_, fn(&str) -> Option<IpAddr>) =
        if headers.contains_key(FORWARDED_FOR) { (FORWARDED_FOR, address) } else { (FORWARDED, forwarded_for) };
    // Separators are ASCII, so invalid UTF-8 affects only its own entry.
    let lines = headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    lines.flat_map(|line| line.split(',').map(read).collect::<Vec<_>>()).collect()
}

/// The `for` parameter of one element of a `Forwarded` header.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for")).and_then(|(_, value)| address(value))
}

/// Parses an address that may have quotes, brackets or a port, or be IPv4-mapped IPv6.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"').trim();
    let is_port = |text: &str| text.parse::<u16>().is_ok() && !text.starts_with('+');
    let bare = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inside, "")) => inside,
        Some((inside, after)) => after.strip_prefix(':').filter(|port| is_port(port)).map(|_| inside)?,
        None => match text.split_once(':') {
            Some((inside, port)) if is_port(port) => inside,
            _ => text,
        },
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::network::Network;
    use actix_web::http::header::HeaderValue;

    fn client_of(peer: &str, lines: &[(&str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let trusted: Vec<ipnet::IpNet> =
            ["10.0.0.0/8", "127.0.0.1/32", "2001:db8:ffff::/48"].map(|text| text.parse().unwrap()).into();
        let is_trusted = |address| trusted.iter().any(|network| network.contains(&address));
        client(peer.parse().unwrap(), &headers, is_trusted).to_string()
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_not_ours() {
        let cases = [
            // The headers of an untrusted peer are ignored.
            ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
            ("10.1.1.1", "", "10.1.1.1"),
            ("10.1.1.1", "198.51.100.7", "198.51.100.7"),
            ("::ffff:10.1.1.1", "198.51.100.7", "198.51.100.7"),
            // Entries from the client itself are further left.
            ("10.1.1.1", "8.8.8.8, 198.51.100.7", "198.51.100.7"),
            ("10.1.1.1", "8.8.8.8, 198.51.100.7, 10.2.2.2", "198.51.100.7"),
            ("10.1.1.1", "198.51.100.7,10.2.2.2 , 127.0.0.1", "198.51.100.7"),
            ("10.1.1.1", "10.3.3.3", "10.3.3.3"),
            // Ports, brackets, quotes, IPv4-mapped IPv6.
            ("10.1.1.1", "198.51.100.7:5000", "198.51.100.7"),
            ("10.1.1.1", "[2001:db8::7]:5000", "2001:db8::7"),
            ("10.1.1.1", "[2001:db8::7]", "2001:db8::7"),
            ("10.1.1.1", "2001:DB8::7", "2001:db8::7"),
            ("10.1.1.1", "\"[2001:db8::7]:5000\"", "2001:db8::7"),
            ("10.1.1.1", "\"198.51.100.7:5000\"", "198.51.100.7"),
            ("10.1.1.1", "::ffff:198.51.100.7", "198.51.100.7"),
            ("10.1.1.1", "[::ffff:198.51.100.7]:80, 10.2.2.2:80", "198.51.100.7"),
            ("2001:db8:ffff::1", "[2001:db8::7]:1, [2001:db8:ffff::2]:2", "2001:db8::7"),
            // An invalid entry ends the search and is never skipped.
            ("10.1.1.1", "8.8.8.8, unknown", "10.1.1.1"),
            ("10.1.1.1", "8.8.8.8, unknown, 10.2.2.2", "10.2.2.2"),
            ("10.1.1.1", "8.8.8.8, ", "10.1.1.1"),
            ("10.1.1.1", "8.8.8.8, 198.51.100.7:x", "10.1.1.1"),
            ("10.1.1.1", "8.8.8.8, 198.51.100.7:70000", "10.1.1.1"),
            ("10.1.1.1", "8.8.8.8, [2001:db8::7", "10.1.1.1"),
            ("10.1.1.1", "8.8.8.8, fe80::1%eth0", "10.1.1.1"),
            ("10.1.1.1", "8.8.8.8, _hidden", "10.1.1.1"),
            ("10.1.1.1", "8.8.8.8, sé, 10.2.2.2", "10.2.2.2"),
        ];
        for (peer, value, expected) in cases {
            let lines = [("x-forwarded-for", value)];
            let lines = if value.is_empty() { &[][..] } else { &lines };
            assert_eq!(client_of(peer, lines), expected, "{peer}: {value}");
        }
    }

    #[test]
    fn several_headers_are_one_list_and_forwarded_is_read_where_there_is_no_other() {
        let cases: [(&[(&str, &str)], &str); 8] = [
            (&[("x-forwarded-for", "8.8.8.8"), ("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
            (&[("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "10.2.2.2")], "198.51.100.7"),
            (&[("forwarded", "for=198.51.100.7")], "198.51.100.7"),
            (&[("forwarded", "proto=https;For=\"[2001:db8::7]:4711\";by=10.1.1.1")], "2001:db8::7"),
            (&[("forwarded", "for=8.8.8.8, for=198.51.100.7;proto=http, for=10.2.2.2")], "198.51.100.7"),
            (&[("forwarded", "for=8.8.8.8, for=unknown")], "10.1.1.1"),
            (&[("forwarded", "for=8.8.8.8, proto=https")], "10.1.1.1"),
            (&[("forwarded", "for=8.8.8.8"), ("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
        ];
        for (lines, expected) in cases {
            assert_eq!(client_of("10.1.1.1", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_network_is_one_address_or_a_64() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("192.0.2.1").to_string(), "192.0.2.1");
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("2001:db8::1").to_string(), "2001:db8::/64");
    }
}
