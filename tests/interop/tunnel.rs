//! stunnel in front of a program that does not speak TLS.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::certificates::Certificate;
use crate::peers::clock::wait_for;
use crate::peers::process::Process;
use crate::place::listens;
use crate::scenario::Transport;

/// A running stunnel.
pub struct Tunnel(Process);

/// Which way it goes.
pub enum Way<'a> {
    /// Plain TCP in, TLS out: for who calls. Whoever answers must be certified by the authority in
    /// this file, for its address.
    Out {
        /// The authority's certificate.
        authority: &'a Path,
        /// Whose address the connection comes from.
        from: IpAddr,
    },
    /// TLS in, plain TCP out: for who is called.
    In,
}

impl Tunnel {
    /// From `accept` to `connect`, showing `certificate` where a peer asks for one.
    pub fn open(
        folder: &Path,
        way: &Way<'_>,
        accept: SocketAddr,
        connect: SocketAddr,
        certificate: Option<&Certificate>,
    ) -> Tunnel {
        let mut config = String::from("foreground = yes\npid =\ndebug = notice\n[sip]\n");
        // SIPp has one connection and may open it the moment that it starts.
        write!(config, "accept = {accept}\nconnect = {connect}\nTIMEOUTclose = 0\n").expect("text");
        if let Way::Out { authority, from } = way {
            let (authority, ip) = (authority.display(), connect.ip());
            write!(
                config,
                "client = yes\nlocal = {from}\nCAfile = {authority}\nverifyChain = yes\n\
                 checkIP = {ip}\n"
            )
            .expect("text");
        }
        if let Some(Certificate { certificate, key }) = certificate {
            let (certificate, key) = (certificate.display(), key.display());
            write!(config, "cert = {certificate}\nkey = {key}\n").expect("text");
        }
        let folder = folder.join(format!("stunnel-{}-{}", accept.ip(), accept.port()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("stunnel.conf");
        std::fs::write(&file, config).expect("stunnel's settings");
        let mut command = Command::new("stunnel");
        command.arg(&file);
        let mut tunnel = Tunnel(Process::start("stunnel", "stunnel4", &folder, &mut command));
        let there = wait_for(Duration::from_secs(20), || {
            let up = listens(Transport::Tcp, accept);
            (up || tunnel.0.ended().is_some()).then_some(up)
        });
        assert_eq!(there, Some(true), "stunnel is not there:\n{}", tunnel.0.words());
        tunnel
    }
}
