use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

/// Counts who connects.
pub(super) struct TcpTrap(Trap);

/// Counts who accepts a certificate that nobody has signed.
pub(super) struct TlsTrap(Trap);

struct Trap {
    port: u16,
    hits: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl TcpTrap {
    pub(super) async fn start() -> Self {
        Self(Trap::start(|_| async { true }).await)
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/trap", self.0.port)
    }

    pub(super) fn hits(&self) -> usize {
        self.0.hits.load(Ordering::SeqCst)
    }
}

impl TlsTrap {
    pub(super) async fn start() -> Self {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("keys/tls.cert.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("keys/tls.key.pem")).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], key))
            .expect("a server configuration");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let accepts = move |stream| {
            let acceptor = acceptor.clone();
            async move { acceptor.accept(stream).await.is_ok() }
        };
        Self(Trap::start(accepts).await)
    }

    pub(super) fn url(&self) -> String {
        format!("https://localhost:{}", self.0.port)
    }

    pub(super) fn hits(&self) -> usize {
        self.0.hits.load(Ordering::SeqCst)
    }
}

impl Trap {
    async fn start<F>(counts: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = bool> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let hits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&hits);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if counts(stream).await {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { port, hits, task }
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.task.abort();
    }
}
