//! The driver's streams, encrypted.

use crate::mode::{Protection, Roots};
use crate::trust::Verifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as Encrypted;

/// A handshake that did not come about, or that gave a certificate that is not believed.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Handshake {
    reason: String,
    source: Option<io::Error>,
}

/// How to encrypt connections to one server.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    /// Whose signatures count, in words.
    trusted: Arc<str>,
}

impl Tls {
    /// Reads the certificates to trust; blocks.
    pub(crate) fn new(protection: &Protection) -> Result<Tls, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier::new(protection, provider.clone())?;
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| format!("TLS cannot be set up: {error}"))?;
        let verified = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = verified.with_no_client_auth();
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        let trusted = match &protection.roots {
            Some(Roots::File(path)) => path.display().to_string(),
            Some(Roots::System) | None => "this machine".to_owned(),
        };
        Ok(Tls { config: Arc::new(config), trusted: trusted.into() })
    }
}

impl<S> MakeTlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Stream<S>;
    type TlsConnect = Connect;
    type Error = Handshake;

    fn make_tls_connect(&mut self, host: &str) -> Result<Connect, Handshake> {
        Ok(Connect { tls: self.clone(), host: host.to_owned() })
    }
}

pub(crate) struct Connect {
    tls: Tls,
    host: String,
}

impl<S> TlsConnect<S> for Connect
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Stream<S>;
    type Error = Handshake;
    type Future = Pin<Box<dyn Future<Output = Result<Stream<S>, Handshake>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host.clone()).map_err(|_| Handshake {
                reason: format!("{} is no name that a certificate can have", self.host),
                source: None,
            })?;
            let connected = TlsConnector::from(self.tls.config.clone()).connect(name, stream).await;
            connected.map(Stream).map_err(|error| explained(error, &self.host, &self.tls.trusted))
        })
    }
}

fn explained(error: io::Error, host: &str, trusted: &str) -> Handshake {
    let told = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let reason = match told {
        Some(rustls::Error::InvalidCertificate(wrong)) => match wrong {
            CertificateError::UnknownIssuer => {
                format!("the server's certificate is signed by nobody whom {trusted} trusts")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("the server's certificate is not made out for {host}")
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet".to_owned()
            }
            CertificateError::Other(other) if is(other, webpki::Error::CaUsedAsEndEntity) => {
                format!("the server's certificate is signed by itself and {trusted} does not trust it; name it with sslrootcert")
            }
            CertificateError::Other(other) if is(other, webpki::Error::UnsupportedCertVersion) => {
                "the server's certificate is of X.509 version 1, which cannot be verified; make one with alternative names"
                    .to_owned()
            }
            other => format!("the server's certificate is not accepted: {other}"),
        },
        Some(other) => format!("no TLS with the server: {other}"),
        None => format!("no TLS with the server: {error}"),
    };
    Handshake { reason, source: told.is_none().then_some(error) }
}

/// Whether the verifier's error, for which rustls has no word of its own, is this one.
pub(crate) fn is(error: &rustls::OtherError, wanted: webpki::Error) -> bool {
    error.0.downcast_ref() == Some(&wanted)
}

/// A connection's bytes.
pub(crate) struct Stream<S>(Encrypted<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    /// Passwords are proved without binding them to the channel: servers accept both.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}
