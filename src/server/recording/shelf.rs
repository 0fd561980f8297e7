//! Where recordings are kept: a folder or a bucket of an S3-compatible store, through `object_store`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    ClientOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig, WriteMultipart,
};
use sha2::{Digest, Sha256};

use super::manifest::hex;
use crate::config::problem::SecretProblem;
use crate::config::settings::StoreSettings;
use crate::server::secret_file;
use crate::server::stream::tls;

/// Bytes that are sent or asked for at once; the least that S3 takes as one of several parts.
const PART: usize = 5 << 20;
/// So long may a bucket be silent at first, and one request take: a part at half a megabit a second.
const CONNECT: Duration = Duration::from_secs(5);
const REQUEST: Duration = Duration::from_secs(90);
/// How often a request is sent again at once. What fails longer is for whoever keeps recordings: they
/// try again, and say so.
const AGAIN: usize = 2;

/// Why something is not on the shelf, or not off it.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The store says so.
    #[error("{}", with_cause(.0))]
    Store(#[from] object_store::Error),
    /// The file that is to be kept cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What was read back is something else.
    #[error("what the store has at {0} is not what it was given")]
    Differs(String),
    /// It was deleted, and is there.
    #[error("{0} is still there after it was deleted")]
    StillThere(String),
    /// There is no access key in its file.
    #[error("the access key of the store: {0}")]
    Credentials(#[from] SecretProblem),
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Shelf {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl Shelf {
    /// The shelf that the settings ask for; `data` is the data folder.
    pub fn open(settings: &StoreSettings, data: &FilePath) -> Result<Shelf, ShelfError> {
        let prefix = Path::from(settings.prefix.as_deref().unwrap_or_default());
        let Some(bucket) = &settings.bucket else {
            let folder = settings.folder.as_deref();
            let folder = data.join(folder.unwrap_or(FilePath::new("recordings/kept")));
            std::fs::create_dir_all(&folder)?;
            let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
            return Ok(Shelf { store: Arc::new(store), prefix });
        };
        tls::provide_for_clients();
        let client = ClientOptions::new().with_connect_timeout(CONNECT).with_timeout(REQUEST);
        let retry = RetryConfig { max_retries: AGAIN, ..RetryConfig::default() };
        let s3 = AmazonS3Builder::from_env().with_client_options(client).with_retry(retry);
        let mut s3 = s3.with_bucket_name(bucket);
        if let Some(endpoint) = &settings.endpoint {
            let plain = endpoint.starts_with("http://");
            s3 = s3.with_endpoint(endpoint).with_allow_http(plain);
        }
        s3 = s3.with_region(settings.region.as_deref().unwrap_or("eu-west-2"));
        if let Some(file) = &settings.credentials_file {
            let (id, secret) = secret_file::access_key(file)?;
            s3 = s3.with_access_key_id(id).with_secret_access_key(secret.as_str());
        }
        Ok(Shelf { store: Arc::new(s3.build()?), prefix })
    }

    /// Puts a file where `place` says and reads it back; its SHA-256 and its size.
    pub async fn put(&self, file: &FilePath, place: &str) -> Result<(String, u64), ShelfError> {
        let (path, mut source) = (self.path(place), File::open(file)?);
        let mut digest = Sha256::new();
        let first = next_part(&mut source)?;
        digest.update(&first);
        let mut bytes = first.len() as u64;
        if first.len() < PART {
            self.store.put(&path, PutPayload::from(first)).await?;
        } else {
            let upload = self.store.put_multipart(&path).await?;
            let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
            upload.put(first);
            loop {
                let room = upload.wait_for_capacity(2).await.map_err(ShelfError::from);
                let part = room.and_then(|()| Ok(next_part(&mut source)?));
                let part = match part {
                    Ok(part) if part.is_empty() => break,
                    Ok(part) => part,
                    Err(error) => {
                        // Else its parts would lie in the bucket unseen, and be paid for.
                        if let Err(error) = upload.abort().await {
                            tracing::warn!(%path, %error, "parts of an upload stay in the bucket");
                        }
                        return Err(error);
                    }
                };
                digest.update(&part);
                bytes += part.len() as u64;
                upload.put(part);
            }
            upload.finish().await?;
        }
        let sha256 = hex(&digest.finalize());
        match self.digest(place).await? {
            (there, size) if there == sha256 && size == bytes => Ok((sha256, bytes)),
            (_, _) => Err(ShelfError::Differs(place.to_owned())),
        }
    }

    /// Reads what is there: its SHA-256 and its size.
    pub async fn digest(&self, place: &str) -> Result<(String, u64), ShelfError> {
        let (mut digest, mut bytes) = (Sha256::new(), 0);
        let take = |part: &Bytes| {
            digest.update(part);
            bytes += part.len() as u64;
            Ok(())
        };
        self.each_part(place, take).await?;
        Ok((hex(&digest.finalize()), bytes))
    }

    /// Copies what is there into a file.
    pub async fn fetch(&self, place: &str, file: &FilePath) -> Result<(), ShelfError> {
        let mut to = File::create(file)?;
        self.each_part(place, |part| Ok(to.write_all(part)?)).await
    }

    /// Reads what is there in requests of one part each: none takes longer because all of it is long.
    async fn each_part(
        &self,
        place: &str,
        mut take: impl FnMut(&Bytes) -> Result<(), ShelfError>,
    ) -> Result<(), ShelfError> {
        let path = self.path(place);
        let (mut at, size) = (0, self.store.head(&path).await?.size);
        while at < size {
            let end = size.min(at + PART as u64);
            let part = self.store.get_range(&path, at..end).await?;
            if part.len() as u64 != end - at {
                return Err(ShelfError::Differs(place.to_owned()));
            }
            take(&part)?;
            at = end;
        }
        Ok(())
    }

    /// What is there, whole: for manifests.
    pub async fn read(&self, place: &str) -> Result<Vec<u8>, ShelfError> {
        Ok(self.store.get(&self.path(place)).await?.bytes().await?.to_vec())
    }

    /// Every place that ends so, in order.
    pub async fn list(&self, ending: &str) -> Result<Vec<String>, ShelfError> {
        let prefix = Some(&self.prefix).filter(|prefix| !prefix.as_ref().is_empty());
        let mut found = Vec::new();
        let mut stream = self.store.list(prefix);
        while let Some(object) = stream.try_next().await? {
            let location = object.location.as_ref();
            let place = location.strip_prefix(self.prefix.as_ref()).unwrap_or(location);
            if place.ends_with(ending) {
                found.push(place.trim_start_matches('/').to_owned());
            }
        }
        found.sort();
        Ok(found)
    }

    /// Deletes what is there, and looks that it is gone.
    pub async fn delete(&self, place: &str) -> Result<(), ShelfError> {
        let path = self.path(place);
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        match self.store.head(&path).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Err(ShelfError::StillThere(place.to_owned())),
        }
    }

    fn path(&self, place: &str) -> Path {
        Path::from(format!("{}/{place}", self.prefix))
    }
}

/// What the store says, and what it was that failed below it: a name, a connection, a certificate.
fn with_cause(error: &object_store::Error) -> String {
    let (mut text, mut next) = (error.to_string(), std::error::Error::source(error));
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = error.source();
    }
    text
}

/// The next [`PART`] of a file; less at its end.
fn next_part(source: &mut File) -> std::io::Result<Bytes> {
    let mut part = Vec::with_capacity(PART.min(1 << 16));
    source.take(PART as u64).read_to_end(&mut part)?;
    Ok(part.into())
}
