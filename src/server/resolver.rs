//! The domain name system, asked for the names of trunks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

use crate::trunk::names::{Answer, Query, RecordKind, Records, ResolveError};
use crate::trunk::srv::SrvRecord;

/// How long one server is waited for, and how often it is asked.
const TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 2;

/// Asks the domain name system. Cheap to copy.
#[derive(Clone)]
pub struct Resolver {
    /// None if there are no name servers to ask.
    inner: Option<Arc<TokioResolver>>,
    runtime: tokio::runtime::Handle,
}

impl Resolver {
    /// One that asks `servers`, or those of the system (/etc/resolv.conf) if none are given. Must be
    /// made within a tokio runtime, which does the asking.
    pub fn new(servers: &[SocketAddr]) -> Resolver {
        let runtime = tokio::runtime::Handle::current();
        let built = match servers {
            [] => TokioResolver::builder_tokio(),
            servers => {
                let at = |server: &SocketAddr| {
                    let on = |mut connection: ConnectionConfig| {
                        connection.port = server.port();
                        connection
                    };
                    let both = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(on);
                    NameServerConfig::new(server.ip(), true, both.to_vec())
                };
                let servers = servers.iter().map(at).collect();
                let config = ResolverConfig::from_parts(None, Vec::new(), servers);
                let provider = TokioRuntimeProvider::default();
                Ok(TokioResolver::builder_with_config(config, provider))
            }
        };
        let inner = built.and_then(|mut builder| {
            change(builder.options_mut());
            builder.build()
        });
        if let Err(error) = &inner {
            tracing::warn!(%error, "no name server can be asked: trunks need numeric addresses");
        }
        Resolver { inner: inner.ok().map(Arc::new), runtime }
    }

    /// Asks, and tells the answer from another thread.
    pub fn ask(
        &self,
        query: Query,
        tell: impl FnOnce(Query, Result<Answer, ResolveError>) + Send + 'static,
    ) {
        let inner = self.inner.clone();
        self.runtime.spawn(async move {
            let answer = match inner {
                Some(inner) => look_up(&inner, &query).await,
                None => Err(ResolveError::Failed),
            };
            tell(query, answer);
        });
    }
}

fn change(options: &mut ResolverOpts) {
    options.timeout = TIMEOUT;
    options.attempts = ATTEMPTS;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    // What trunks know of a name has its own time to live; asked again means asked again.
    options.cache_size = 0;
}

async fn look_up(inner: &TokioResolver, query: &Query) -> Result<Answer, ResolveError> {
    // With the dot, no domain of this machine's is tried behind it.
    let name = format!("{}.", query.name);
    match query.kind {
        RecordKind::Srv => {
            let found = inner.lookup(name, RecordType::SRV).await.map_err(|error| why(&error))?;
            let record = |data: &RData| match data {
                RData::SRV(srv) => Some(SrvRecord {
                    priority: srv.priority,
                    weight: srv.weight,
                    port: srv.port,
                    target: srv.target.to_utf8(),
                }),
                _ => None,
            };
            let list = found.answers().iter().filter_map(|one| record(&one.data)).collect();
            Ok(Answer { records: Records::Srv(list), ttl_s: ttl_s(&found) })
        }
        RecordKind::Address => {
            let found = inner.lookup_ip(name).await.map_err(|error| why(&error))?;
            let list = found.iter().collect();
            Ok(Answer { records: Records::Addresses(list), ttl_s: ttl_s(found.as_lookup()) })
        }
    }
}

/// The shortest time to live of the records, aliases on the way included.
fn ttl_s(found: &Lookup) -> u32 {
    found.answers().iter().map(|record| record.ttl).min().unwrap_or(0)
}

fn why(error: &NetError) -> ResolveError {
    if error.is_no_records_found() { ResolveError::Absent } else { ResolveError::Failed }
}

#[cfg(test)]
mod tests;
