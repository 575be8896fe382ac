//! TLS with a real server: which certificates each `sslmode` believes, and what is said of the others.
#![allow(clippy::unwrap_used)]

mod cluster;

use assay_postgres::{Ambient, Server};
use cluster::{Cluster, Signed};

/// Whether the session is encrypted.
async fn encrypted(url: &str, roots: Option<&str>) -> Result<bool, String> {
    let ambient = Ambient::of(|name| match name {
        "PGPASSWORD" => Some("hunter2".to_owned()),
        "PGSSLROOTCERT" => roots.map(str::to_owned),
        _ => None,
    });
    let server = Server::url(url, &ambient).map_err(|error| format!("{error} {error:?}"))?;
    let client = server.connect("SET timezone = 'UTC'").await.map_err(|error| {
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2"), "{text}");
        error.to_string()
    })?;
    let row = client.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await.unwrap();
    Ok(row.get(0))
}

#[tokio::test]
async fn a_certificate_counts_as_much_as_the_mode_asks() {
    let server = Cluster::start("hostssl", Signed::ByAuthority);
    let (good, other) = (server.file("ca.crt"), server.file("other.crt"));
    // The certificate is made out for `localhost` alone.
    let url = |host: &str, mode: &str, roots: &str| {
        let roots = if roots.is_empty() { String::new() } else { format!("&sslrootcert={roots}") };
        server.url(host, &format!("?sslmode={mode}{roots}"))
    };
    let cases = [
        ("localhost", "verify-full", good.as_str(), None),
        ("127.0.0.1", "verify-full", &good, Some("not made out for 127.0.0.1")),
        ("127.0.0.1", "verify-ca", &good, None),
        ("localhost", "verify-full", &other, Some("signed by nobody whom")),
        ("localhost", "verify-ca", &other, Some("signed by nobody whom")),
        ("localhost", "verify-full", "", Some("signed by nobody whom this machine trusts")),
        ("localhost", "verify-full", "/nowhere/ca.crt", Some("/nowhere/ca.crt cannot be read")),
        ("127.0.0.1", "require", "", None),
        ("127.0.0.1", "require", &other, Some("signed by nobody whom")),
        ("127.0.0.1", "prefer", "", None),
        ("127.0.0.1", "allow", "", None),
        ("127.0.0.1", "disable", "", Some("sslmode=disable, so TLS was not tried")),
        // The server takes no other connection either, and both reasons are told.
        ("127.0.0.1", "prefer", &other, Some("without TLS: no pg_hba.conf entry")),
    ];
    for (host, mode, roots, refused) in cases {
        let found = encrypted(&url(host, mode, roots), None).await;
        match refused {
            None => assert_eq!(found, Ok(true), "{host} {mode} {roots}"),
            Some(said) => {
                let text = found.unwrap_err();
                assert!(text.contains(said) && text.contains(host), "{host} {mode} {roots}: {text}");
            }
        }
    }
    // The variable serves where the URL names no certificates.
    assert_eq!(encrypted(&url("localhost", "verify-full", ""), Some(&good)).await, Ok(true));
    assert!(encrypted(&url("localhost", "verify-full", &other), Some(&good)).await.is_err());
    let text = encrypted(&url("localhost", "require", "system"), None).await.unwrap_err();
    assert!(text.contains("has to be verify-full"), "{text}");
}

#[tokio::test]
async fn a_self_signed_certificate_is_believed_when_it_is_the_one_that_is_named() {
    let server = Cluster::start("hostssl", Signed::ByItself);
    let own = server.file("server.crt");
    let named = |mode: &str| server.url("localhost", &format!("?sslmode={mode}&sslrootcert={own}"));
    assert_eq!(encrypted(&server.url("localhost", "?sslmode=require"), None).await, Ok(true));
    assert_eq!(encrypted(&named("verify-full"), None).await, Ok(true));
    assert_eq!(encrypted(&named("verify-ca"), None).await, Ok(true));
    let elsewhere = server.url("127.0.0.1", &format!("?sslmode=verify-full&sslrootcert={own}"));
    assert!(encrypted(&elsewhere, None).await.unwrap_err().contains("not made out for"));
    let other = server.url("localhost", &format!("?sslmode=verify-ca&sslrootcert={}", server.file("other.crt")));
    let text = encrypted(&other, None).await.unwrap_err();
    assert!(text.contains("is signed by itself") && text.contains("other.crt does not trust it"), "{text}");
}

#[tokio::test]
async fn an_old_certificate_is_told() {
    let server = Cluster::start("hostssl", Signed::LongAgo);
    let url = server.url("localhost", &format!("?sslmode=verify-ca&sslrootcert={}", server.file("server.crt")));
    let text = encrypted(&url, None).await.unwrap_err();
    assert!(text.contains("has expired"), "{text}");
    assert_eq!(encrypted(&server.url("localhost", "?sslmode=require"), None).await, Ok(true));
}

#[tokio::test]
async fn without_tls_at_the_server_only_the_weak_modes_connect() {
    let server = Cluster::start("host", Signed::ByNobody);
    for mode in ["", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer"] {
        assert_eq!(encrypted(&server.url("127.0.0.1", mode), None).await, Ok(false), "{mode}");
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let text = encrypted(&server.url("127.0.0.1", &format!("?sslmode={mode}")), None).await.unwrap_err();
        assert!(text.contains("server does not support TLS"), "{text}");
    }
}

#[tokio::test]
async fn where_only_plain_connections_have_a_rule_the_weak_modes_take_one() {
    let server = Cluster::start("hostnossl", Signed::ByItself);
    assert_eq!(encrypted(&server.url("127.0.0.1", "?sslmode=prefer"), None).await, Ok(false));
    assert_eq!(encrypted(&server.url("127.0.0.1", "?sslmode=allow"), None).await, Ok(false));
    let text = encrypted(&server.url("127.0.0.1", "?sslmode=require"), None).await.unwrap_err();
    assert!(text.contains("no pg_hba.conf entry") && text.contains("28000"), "{text}");
}

#[tokio::test]
async fn a_server_that_never_answers_a_handshake_and_one_that_answers_nonsense_are_told() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 8];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(b"Sthis is no handshake").await.unwrap();
        }
    });
    let url = format!("postgresql://ann@127.0.0.1:{port}/shop?sslmode=require");
    let text = encrypted(&url, None).await.unwrap_err();
    assert!(text.contains("no TLS with the server") && text.contains(&port.to_string()), "{text}");
}
