//! A name server of a few lines, on a real socket.

use std::net::{IpAddr, UdpSocket};
use std::sync::mpsc;

use super::*;

/// What the server says: name, type, and records as they stand in the answer.
type Zone = Vec<(&'static str, u16, Vec<Vec<u8>>)>;

const A: u16 = 1;
const SRV: u16 = 33;

fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).expect("short"));
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Vec<u8> {
    let mut data = [priority, weight, port].map(u16::to_be_bytes).concat();
    data.extend(labels(target));
    data
}

/// The answer to a question (RFC 1035 section 4.1); nothing at all for a name that begins with
/// `silent`, a failure for one that begins with `broken`.
fn answer(question: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    let end = 12 + question.get(12..)?.iter().position(|byte| *byte == 0)? + 1;
    let (name, kind) = (question.get(12..end)?, question.get(end..end + 2)?);
    let kind = u16::from_be_bytes([kind[0], kind[1]]);
    let named = |prefix: &str| name.get(1..)?.starts_with(prefix.as_bytes()).then_some(());
    if named("silent").is_some() {
        return None;
    }
    let known = zone.iter().any(|(known, _, _)| labels(known) == name);
    let found = zone.iter().find(|(known, of, _)| labels(known) == name && *of == kind);
    let records = found.map_or(&[][..], |(_, _, records)| records);
    let code = match (named("broken"), known) {
        (Some(()), _) => 2,
        (None, true) => 0,
        (None, false) => 3,
    };
    let mut reply = question.get(..2)?.to_vec();
    reply.extend([0x85, 0x80 | code, 0, 1, 0, u8::try_from(records.len()).ok()?, 0, 0, 0, 0]);
    reply.extend_from_slice(question.get(12..end + 4)?);
    for data in records {
        reply.extend([0xc0, 12]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 77]);
        reply.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        reply.extend(data);
    }
    Some(reply)
}

fn name_server(zone: Zone) -> SocketAddr {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a port");
    let at = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut buffer = [0; 1_500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let Some(reply) = answer(&buffer[..length], &zone) {
                let _ = socket.send_to(&reply, from);
            }
        }
    });
    at
}

#[test]
fn names_are_looked_up_over_the_wire_with_their_time_to_live() {
    let at = name_server(vec![
        (
            "_sip._udp.carrier.example",
            SRV,
            vec![srv(20, 0, 5070, "b.carrier.example"), srv(10, 5, 5060, "a.carrier.example")],
        ),
        ("a.carrier.example", A, vec![vec![192, 0, 2, 1], vec![192, 0, 2, 2]]),
    ]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("one");
    let (tell, told) = mpsc::channel();
    let ask = |name: &str, kind| {
        let resolver = runtime.block_on(async { Resolver::new(&[at]) });
        let tell = tell.clone();
        let query = Query { name: name.to_owned(), kind };
        resolver.ask(query, move |_, answer| tell.send(answer).expect("somebody listens"));
        runtime.block_on(async {
            loop {
                match told.try_recv() {
                    Ok(answer) => break answer,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        })
    };
    let record = |priority, weight, port, target: &str| SrvRecord {
        priority,
        weight,
        port,
        target: target.to_owned(),
    };
    let Ok(Answer { records: Records::Srv(mut list), ttl_s: 77 }) =
        ask("_sip._udp.carrier.example", RecordKind::Srv)
    else {
        panic!("SRV records with their time to live");
    };
    list.sort();
    assert_eq!(
        list,
        [record(10, 5, 5060, "a.carrier.example."), record(20, 0, 5070, "b.carrier.example.")]
    );
    let Ok(Answer { records: Records::Addresses(mut list), ttl_s: 77 }) =
        ask("a.carrier.example", RecordKind::Address)
    else {
        panic!("addresses with their time to live");
    };
    list.sort();
    assert_eq!(list, [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])]);
    assert_eq!(ask("nobody.example", RecordKind::Srv), Err(ResolveError::Absent));
    assert_eq!(ask("a.carrier.example", RecordKind::Srv), Err(ResolveError::Absent));
    assert_eq!(ask("broken.example", RecordKind::Address), Err(ResolveError::Failed));
}
