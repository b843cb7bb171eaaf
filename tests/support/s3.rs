//! An S3 server over a folder, inside the test.

use futures_util::future::BoxFuture;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s::{S3Result, s3_error};
use s3s_fs::FileSystem;
use std::path::Path;
use tokio::net::TcpListener;

pub const BUCKET: &str = "attachments";
pub const KEY: &str = "test-key";
pub const SECRET: &str = "test-secret";

/// What some servers lack that speak S3, and how they say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    Nothing,
    /// 501 to a write that keeps what is there.
    ConditionalWrites,
    /// 400 to the deletion of many at once, for want of an MD5 sum.
    BulkDeletesWithoutSum,
    /// 501 to the deletion of many at once.
    BulkDeletes,
}

impl S3Access for Lack {
    // The trait is made by `async_trait`; this is what that turns `async fn` into.
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
            _ => Ok(()),
        };
        Box::pin(std::future::ready(verdict))
    }
}

/// Serves a folder as a bucket, on a thread of its own, and returns the
/// endpoint's address.
pub fn serve(folder: &Path) -> String {
    serve_without(folder, Lack::Nothing)
}

/// The same by a server that lacks something.
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
                    // A client that goes away is no failure of the test.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    });
    format!("http://{address}")
}
