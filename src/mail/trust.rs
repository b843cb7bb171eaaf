//! Which authorities may vouch for mail servers: Mozilla's list, and those of the system, to which an
//! operator adds the authority of a private server. `SSL_CERT_FILE` names another file for the latter.

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// The system's authorities that can be read.
pub(super) fn of_system() -> Vec<CertificateDer<'static>> {
    let is_readable = |certificate: &CertificateDer<'static>| RootCertStore::empty().add(certificate.clone()).is_ok();
    rustls_native_certs::load_native_certs().certs.into_iter().filter(is_readable).collect()
}

pub(super) fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(of_system());
    roots
}
