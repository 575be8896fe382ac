//! Whether a server's certificate is one to believe.

use crate::mode::{Mode, Protection, Roots};
use crate::tls::is;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;

/// Certificates whose signature counts. Reads files.
pub(crate) fn read(roots: &Roots) -> Result<Vec<CertificateDer<'static>>, String> {
    match roots {
        Roots::File(path) => read_file(path),
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            match found.certs.is_empty() {
                false => Ok(found.certs),
                true => Err("this machine has no certificates of its own; name a file of them with sslrootcert".into()),
            }
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("the certificates {} cannot be read: {why}", path.display());
    let text = std::fs::read(path).map_err(|error| wrong(&error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(wrong(&"it holds no certificate in PEM form")),
    }
}

/// Asked by a handshake.
#[derive(Debug)]
pub(crate) struct Verifier {
    /// None believes anyone.
    roots: Option<Known>,
    named: bool,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
struct Known {
    certificates: Vec<CertificateDer<'static>>,
    anchors: RootCertStore,
}

impl Verifier {
    pub(crate) fn new(protection: &Protection, provider: Arc<CryptoProvider>) -> Result<Verifier, String> {
        let known = |certificates: Vec<CertificateDer<'static>>| {
            let mut anchors = RootCertStore::empty();
            let (taken, _) = anchors.add_parsable_certificates(certificates.iter().cloned());
            match taken {
                0 => Err("none of the certificates to trust can be used".to_owned()),
                _ => Ok(Known { certificates, anchors }),
            }
        };
        let roots = protection.roots.as_ref().map(|roots| read(roots).and_then(known)).transpose()?;
        Ok(Verifier { roots, named: protection.mode == Mode::VerifyFull, provider })
    }

    fn signed(
        &self,
        known: &Known,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(leaf)?;
        match verify_server_cert_signed_by_trust_anchor(&parsed, &known.anchors, between, now, algorithms) {
            // A server's own self-signed certificate is its own authority; its dates were looked at before its kind.
            Err(error) if is_authority(&error) && known.certificates.iter().any(|known| known == leaf) => Ok(()),
            other => other,
        }
    }
}

fn is_authority(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => is(other, webpki::Error::CaUsedAsEndEntity),
        _ => false,
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(known) = &self.roots {
            self.signed(known, end_entity, intermediates, now)?;
        }
        if self.named {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    // Who believes anyone learns nothing from a signature, and old certificates could not be read for it.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.roots {
            None => Ok(HandshakeSignatureValid::assertion()),
            Some(_) => verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.roots {
            None => Ok(HandshakeSignatureValid::assertion()),
            Some(_) => verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
