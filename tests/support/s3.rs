//! An S3 server inside the test, on top of a folder.

use futures_util::future::BoxFuture;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s::{S3Result, s3_error};
use s3s_fs::FileSystem;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::net::TcpListener;

pub const BUCKET: &str = "attachments";
const KEY: &str = "test-key";
pub const SECRET: &str = "test-secret";

/// The settings of a program that keeps its files in the bucket.
pub fn settings(endpoint: &str) -> [(&'static str, String); 5] {
    [
        ("STORAGE_URL", format!("s3://{BUCKET}/desk")),
        ("AWS_ENDPOINT_URL", endpoint.into()),
        ("AWS_REGION", "us-east-1".into()),
        ("AWS_ACCESS_KEY_ID", KEY.into()),
        ("AWS_SECRET_ACCESS_KEY", SECRET.into()),
    ]
}

/// Features that some S3 servers lack, and how they respond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    Nothing,
    /// 501 to writes that must not overwrite an object.
    ConditionalWrites,
    /// 400 to bulk deletes without an MD5 sum.
    BulkDeletesWithoutSum,
    /// 501 to bulk deletes.
    BulkDeletes,
    /// 503 to every second request.
    Time,
    /// 500 to every request, as long as [`BROKEN`].
    Health,
}

/// Counts requests to servers that lack [`Lack::Time`].
static REQUESTS: AtomicUsize = AtomicUsize::new(0);
/// Whether servers that lack [`Lack::Health`] answer with errors.
pub static BROKEN: AtomicBool = AtomicBool::new(false);

impl S3Access for Lack {
    // The trait uses `async_trait`, which turns `async fn` into this signature.
    fn check<'life0, 'life1, 'life2, 'async_trait>(
        &'life0 self,
        cx: &'life1 mut S3AccessContext<'life2>,
    ) -> BoxFuture<'async_trait, S3Result<()>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
    {
        let is_bulk = cx.s3_op().name() == "DeleteObjects";
        let verdict = match self {
            _ if cx.credentials().is_none() => Err(s3_error!(AccessDenied)),
            Self::ConditionalWrites if cx.headers().contains_key("if-none-match") => Err(s3_error!(NotImplemented)),
            Self::BulkDeletesWithoutSum if is_bulk => Err(s3_error!(InvalidRequest)),
            Self::BulkDeletes if is_bulk => Err(s3_error!(NotImplemented)),
            Self::Time if REQUESTS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) => Err(s3_error!(SlowDown)),
            Self::Health if BROKEN.load(Ordering::Relaxed) => Err(s3_error!(InternalError)),
            _ => Ok(()),
        };
        Box::pin(std::future::ready(verdict))
    }
}

/// Serves a folder as a bucket on a separate thread and returns the endpoint's address.
pub fn serve(folder: &Path) -> String {
    serve_without(folder, Lack::Nothing)
}

/// The same, with a server that lacks a feature.
pub fn serve_without(folder: &Path, lack: Lack) -> String {
    std::fs::create_dir_all(folder.join(BUCKET)).unwrap();
    let mut builder = S3ServiceBuilder::new(FileSystem::new(folder).unwrap());
    builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
    builder.set_access(lack);
    let service = builder.build();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    // A client that disconnects must not fail the test.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    });
    format!("http://{address}")
}
