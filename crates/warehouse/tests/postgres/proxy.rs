//! A socket between client and server that breaks at a COMMIT, before or after the server has it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The COMMIT never reaches the server.
    Before,
    /// The server commits; its answer never reaches the client.
    After,
}

/// Passes everything on between `folder`'s socket and the server's, and breaks the connection whose COMMIT comes once
/// `armed` is set; it disarms itself. Later connections are refused when `last` is set.
pub fn serve(folder: &Path, server: &Path, at: Break, armed: Arc<AtomicBool>, last: bool) {
    let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).unwrap();
    let server = server.join(".s.PGSQL.5432");
    tokio::spawn(async move {
        let refuse = Arc::new(AtomicBool::new(false));
        while let Ok((client, _)) = listener.accept().await {
            if refuse.load(Ordering::SeqCst) {
                continue;
            }
            let server = UnixStream::connect(&server).await.unwrap();
            let (armed, refuse) = (armed.clone(), refuse.clone());
            tokio::spawn(async move {
                if pass(client, server, at, &armed).await && last {
                    refuse.store(true, Ordering::SeqCst);
                }
            });
        }
    });
}

/// Gives whether it broke the connection.
async fn pass(mut client: UnixStream, mut server: UnixStream, at: Break, armed: &AtomicBool) -> bool {
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(length @ 1..) = read else { return false };
                let commit = up[..length].windows(7).any(|bytes| bytes == b"COMMIT\0");
                if commit && armed.swap(false, Ordering::SeqCst) {
                    if at == Break::After {
                        server.write_all(&up[..length]).await.unwrap();
                        // The answer is the proof that the server has committed.
                        assert!(server.read(&mut down).await.unwrap() > 0);
                    }
                    return true;
                }
                server.write_all(&up[..length]).await.unwrap();
            }
            read = server.read(&mut down) => {
                let Ok(length @ 1..) = read else { return false };
                if client.write_all(&down[..length]).await.is_err() {
                    return false;
                }
            }
        }
    }
}
