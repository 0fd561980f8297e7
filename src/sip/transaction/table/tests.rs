//! What a user of the table sees.

use super::*;

fn path() -> Path {
    let to = SocketAddr::from(([192, 0, 2, 1], 5060));
    let transport = Transport::Unreliable;
    Path { listener: ListenerId(0), to, transport, direct: true, otherwise: None }
}

fn packet(method: &'static str, status: u16) -> Packet {
    Packet { method, status, bytes: Bytes::from(format!("{method} {status}")) }
}

fn table() -> Table<u8> {
    Table::new([1; 32])
}

fn server_key(method: &str) -> ServerKey {
    table().keys().server("z9hG4bK1", &"192.0.2.1:5060", method)
}

fn sent(table: &mut Table<u8>) -> Vec<(&'static str, u16)> {
    std::iter::from_fn(|| table.poll_outgoing())
        .map(|outgoing| (outgoing.packet.method, outgoing.packet.status))
        .collect()
}

fn news(table: &mut Table<u8>) -> Vec<News<u8>> {
    std::iter::from_fn(|| table.poll_news()).collect()
}

fn run_out(table: &mut Table<u8>) -> Time {
    let mut now = Time::ZERO;
    while let Some(due) = table.poll_timeout() {
        now = due;
        table.handle_timeout(now);
    }
    now
}

#[test]
fn an_unanswered_request_times_out_once_and_leaves_nothing_behind() {
    let mut table = table();
    let id = table.request(Time::ZERO, "z9hG4bKa", path(), packet("BYE", 0), 7);
    let end = run_out(&mut table);
    assert_eq!(end, Time::from_millis(32_000));
    // 0.5, 1.5, 3.5, then every 4 s: 11 times in all (RFC 3261 section 17.1.2.2).
    assert_eq!(sent(&mut table), [("BYE", 0); 11]);
    assert_eq!(news(&mut table), [News::TimedOut { id, user: 7 }, News::Over { id, user: 7 }]);
    assert!(table.is_empty() && table.poll_timeout().is_none());
}

#[test]
fn a_failed_invite_is_acknowledged_each_time_its_failure_comes_again() {
    let mut table = table();
    table.request(Time::ZERO, "z9hG4bKa", path(), packet("INVITE", 0), 7);
    let key = table.keys().client("z9hG4bKa", "INVITE");
    let ack = |_: &Packet| packet("ACK", 0);
    assert!(matches!(table.response(Time::ZERO, key, 486, ack), Matched::Deliver { user: 7, .. }));
    assert_eq!(table.response(Time::ZERO, key, 486, ack), Matched::Absorbed);
    assert_eq!(sent(&mut table), [("INVITE", 0), ("ACK", 0), ("ACK", 0)]);
    run_out(&mut table);
    assert!(table.is_empty());
    assert_eq!(table.response(Time::ZERO, key, 486, ack), Matched::Stray);
}

#[test]
fn a_repeated_request_gets_the_newest_response_and_a_final_one_stays() {
    let mut table = table();
    let id = table.receive(server_key("INVITE"), path(), true, 7);
    table.respond(Time::ZERO, id, packet("INVITE", 100));
    table.respond(Time::ZERO, id, packet("INVITE", 486));
    table.respond(Time::ZERO, id, packet("INVITE", 200));
    assert_eq!(table.repeated(Time::ZERO, server_key("INVITE")), Some(id));
    assert_eq!(sent(&mut table), [("INVITE", 100), ("INVITE", 486), ("INVITE", 486)]);
    assert!(table.acknowledged(Time::ZERO, server_key("INVITE")));
    run_out(&mut table);
    assert_eq!(sent(&mut table), []);
    assert_eq!(news(&mut table), [News::Over { id, user: 7 }]);
}

#[test]
fn a_cancel_finds_its_invite_and_the_ack_of_a_2xx_is_not_the_transactions() {
    let mut table = table();
    let id = table.receive(server_key("INVITE"), path(), true, 7);
    assert_eq!(table.find(server_key("INVITE")), Some((id, &7)));
    table.respond(Time::ZERO, id, packet("INVITE", 200));
    assert!(!table.acknowledged(Time::ZERO, server_key("INVITE")));
    assert_eq!(table.repeated(Time::ZERO, server_key("INVITE")), Some(id));
    assert_eq!(sent(&mut table), [("INVITE", 200)]);
    assert_eq!(run_out(&mut table), Time::from_millis(32_000));
    assert!(table.is_empty());
}

#[test]
fn what_goes_over_a_connection_fails_or_goes_another_way_when_it_closes() {
    let mut table = table();
    let (peer, other) = (path().to, SocketAddr::from(([192, 0, 2, 9], 5061)));
    let stream = Path { transport: Transport::Reliable, ..path() };
    for (branch, method) in [("z9hG4bKa", "INVITE"), ("z9hG4bKb", "OPTIONS")] {
        table.request(Time::ZERO, branch, stream, packet(method, 0), 7);
    }
    let elsewhere = Path { to: other, ..stream };
    table.request(Time::ZERO, "z9hG4bKc", elsewhere, packet("OPTIONS", 0), 8);
    let answering = Path { otherwise: Some(other), ..stream };
    let id = table.receive(server_key("OPTIONS"), answering, false, 9);
    sent(&mut table);
    table.closed(Time::ZERO, ListenerId(0), peer);
    let failed = news(&mut table)
        .into_iter()
        .filter(|news| matches!(news, News::TransportFailed { user: 7, .. }))
        .count();
    assert_eq!((failed, table.len()), (2, 2));
    table.respond(Time::ZERO, id, packet("OPTIONS", 200));
    assert_eq!(table.poll_outgoing().map(|outgoing| outgoing.path.to), Some(other));
    run_out(&mut table);
    assert!(table.is_empty() && table.by_flow.is_empty());
}

#[test]
fn what_was_moved_to_a_connection_goes_as_datagrams_if_none_can_be_had() {
    let mut table = table();
    let stream = Path { listener: ListenerId(1), transport: Transport::Reliable, ..path() };
    let moved = |table: &mut Table<u8>| {
        let branch = "z9hG4bKa";
        let packets = [(stream, packet("INVITE", 0)), (path(), packet("INVITE", 0))];
        let [over, otherwise] = packets;
        table.request_moved(Time::ZERO, branch, over, otherwise, 7)
    };
    let id = moved(&mut table);
    assert_eq!(table.moved_from(id), Some(ListenerId(0)));
    table.closed(Time::ZERO, ListenerId(1), path().to);
    assert_eq!(news(&mut table), [News::FellBack { to: path().to }]);
    assert_eq!(table.moved_from(id), None);
    let ways: Vec<_> = std::iter::from_fn(|| table.poll_outgoing())
        .map(|outgoing| (outgoing.path.listener, outgoing.path.transport))
        .collect();
    let [over, datagram] = [stream, path()].map(|path| (path.listener, path.transport));
    assert_eq!(ways, [over, datagram]);
    // It is now repeated like any other, and fails like any other.
    assert_eq!(table.poll_timeout(), Some(Time::from_millis(500)));
    run_out(&mut table);
    assert_eq!(sent(&mut table).len(), 6);
    assert_eq!(news(&mut table)[0], News::TimedOut { id, user: 7 });

    // Once the peer has said something over the connection, its end is the end.
    let id = moved(&mut table);
    let key = table.keys().client("z9hG4bKa", "INVITE");
    table.response(Time::ZERO, key, 180, |_| packet("ACK", 0));
    assert_eq!(table.moved_from(id), Some(ListenerId(0)));
    table.closed(Time::ZERO, ListenerId(1), path().to);
    assert_eq!(news(&mut table)[0], News::TransportFailed { id, user: 7 });
    assert!(table.is_empty() && table.by_flow.is_empty());
}

#[test]
fn a_cancelled_invite_that_is_never_answered_can_be_abandoned() {
    let mut table = table();
    let id = table.request(Time::ZERO, "z9hG4bKa", path(), packet("INVITE", 0), 7);
    table.abandon(Time::ZERO, id);
    assert!(table.is_empty() && table.poll_timeout().is_none());
    assert_eq!(news(&mut table), [News::Over { id, user: 7 }]);
}
