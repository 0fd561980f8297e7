//! Whoever holds a connection for nothing, takes too many, or does not read.

use std::collections::BTreeSet;

use super::*;
use crate::sip::guard::Source;

fn limits(connections: usize, per_source: usize) -> StreamLimits {
    StreamLimits { connections, per_source, opening: 1 }
}

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn connections_are_limited_by_source_and_in_all() {
    for (connections, per_source, reason) in
        [(9, 2, "connection_limit_source"), (2, 9, "connection_limit")]
    {
        let mut bench =
            bench_with(Protocol::Tcp, None, limits(connections, per_source), Patience::default());
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut phone = TcpStream::connect(bench.at).await.expect("connects");
            phone.write_all(OPTIONS.as_bytes()).await.expect("writes");
            bench.message().await;
            held.push(phone);
        }
        let mut third = TcpStream::connect(bench.at).await.expect("the kernel connects");
        assert_eq!(read_to_end(&mut third).await, "");
        assert_eq!(bench.refused(reason), 1);
        // Room comes back.
        held.pop();
        bench.closed().await;
        let mut fourth = TcpStream::connect(bench.at).await.expect("connects");
        fourth.write_all(OPTIONS.as_bytes()).await.expect("writes");
        bench.message().await;
    }
}

#[tokio::test]
async fn connections_that_we_open_are_limited_too() {
    let mut bench = bench_with(Protocol::Tcp, None, limits(9, 9), Patience::default());
    // Both are asked for before either can be open.
    let peers = [SocketAddr::from(([127, 0, 0, 1], 9)), SocketAddr::from(([127, 0, 0, 2], 9))];
    for peer in peers {
        bench.send(peer, "hello");
    }
    let closed = [bench.closed().await, bench.closed().await];
    assert_eq!(closed, [peers[1], peers[0]]);
    assert_eq!(bench.refused("connection_limit_opening"), 1);
}

#[tokio::test]
async fn a_connection_that_says_nothing_or_never_ends_a_message_is_closed() {
    let patience = Patience { first_message: SHORT, message: SHORT, ..Patience::default() };
    for (begins, goes_on, reason) in [
        ("", "", "silent_connection"),
        ("\r\n\r\n", "\r\n\r\n", "silent_connection"),
        ("OPTIONS sip:a SIP/2.0\r\n", "X: y\r\n", "silent_connection"),
        (OPTIONS, "OPTIONS sip:a SIP/2.0\r\n", "slow_message"),
    ] {
        let mut bench = bench_with(Protocol::Tcp, None, limits(9, 9), patience);
        let mut phone = TcpStream::connect(bench.at).await.expect("connects");
        phone.write_all(begins.as_bytes()).await.expect("writes");
        if begins == OPTIONS {
            bench.message().await;
        }
        phone.write_all(goes_on.as_bytes()).await.expect("writes");
        read_to_end(&mut phone).await;
        bench.closed().await;
        assert_eq!(bench.refused(reason), 1, "{begins:?} {goes_on:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_given_up() {
    let patience = Patience { handshake: SHORT, ..Patience::default() };
    let bench = bench_with(Protocol::Ws, None, limits(9, 9), patience);
    let mut page = TcpStream::connect(bench.at).await.expect("connects");
    page.write_all(b"GET / HTTP/1.1\r\nHost:").await.expect("writes");
    assert_eq!(read_to_end(&mut page).await, "");
    assert_eq!(bench.refused("slow_handshake"), 1);
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_given_up_and_memory_is_bounded() {
    let patience = Patience { write: SHORT, ..Patience::default() };
    let mut bench = bench_with(Protocol::Tcp, None, limits(9, 9), patience);
    let mut phone = TcpStream::connect(bench.at).await.expect("connects");
    phone.write_all(OPTIONS.as_bytes()).await.expect("writes");
    let (peer, _) = bench.message().await;
    let long: &'static str = Box::leak("x".repeat(60_000).into_boxed_str());
    // The kernel takes some megabytes; then it is the outbox or the time that ends.
    while bench.refused("slow_reader") == 0 {
        bench.send(peer, long);
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.closed().await, peer);
}

#[tokio::test]
async fn a_connection_is_not_read_while_the_control_thread_has_no_room() {
    let mut bench = bench_with(Protocol::Tcp, None, limits(9, 9), Patience::default());
    let mut phone = TcpStream::connect(bench.at).await.expect("connects");
    phone
        .write_all(OPTIONS.repeat(super::super::WAITING_OF_ONE + 5).as_bytes())
        .await
        .expect("writes");
    let mut rooms = Vec::new();
    for _ in 0..super::super::WAITING_OF_ONE {
        match bench.event().await {
            StreamEvent::Message { room, .. } => rooms.push(room),
            other => panic!("no message: {other:?}"),
        }
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(bench.events.try_recv().is_err());
    }
    rooms.pop();
    bench.message().await;
}

#[tokio::test]
async fn keep_alives_go_over_connections_of_ours_and_websockets_are_asked_for_life() {
    let patience = Patience { ping: SHORT, ..Patience::default() };
    let bench = bench_with(Protocol::Tcp, None, limits(9, 9), patience);
    let trunk = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    bench.send(trunk.local_addr().expect("an address"), "hello");
    let (mut peer, _) = timeout(LONG, trunk.accept()).await.expect("in time").expect("accepts");
    assert_eq!(read_exactly(&mut peer, 9).await, "hello\r\n\r\n");
    peer.write_all(b"\r\n").await.expect("writes");
    assert_eq!(read_exactly(&mut peer, 4).await, "\r\n\r\n", "the answer was not taken for a ping");

    let bench = bench_with(Protocol::Ws, None, limits(9, 9), patience);
    let mut page = TcpStream::connect(bench.at).await.expect("connects");
    page.write_all(
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
          Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
    )
    .await
    .expect("writes");
    // It is asked, and does not answer.
    let mut heard = Vec::new();
    let _ = timeout(LONG, page.read_to_end(&mut heard)).await.expect("in time");
    assert!(heard.windows(2).any(|frame| frame == [0x89, 0x00]), "{heard:?}");
    assert_eq!(bench.refused("dead_connection"), 1);
}

#[tokio::test]
async fn a_banned_source_loses_its_connections_and_gets_no_new_ones_until_the_ban_is_over() {
    let mut bench = bench(Protocol::Tcp, None);
    let mut phone = TcpStream::connect(bench.at).await.expect("connects");
    phone.write_all(OPTIONS.as_bytes()).await.expect("writes");
    let (peer, _) = bench.message().await;
    let source = Source::of(peer.ip());
    bench.streams.ban(BTreeSet::from([source]));
    assert_eq!(bench.closed().await, peer);
    assert_eq!(read_to_end(&mut phone).await, "");
    let mut again = TcpStream::connect(bench.at).await.expect("connects");
    assert_eq!(read_to_end(&mut again).await, "");
    assert_eq!(bench.refused("banned_connection"), 1);
    bench.streams.ban(BTreeSet::new());
    let mut later = TcpStream::connect(bench.at).await.expect("connects");
    later.write_all(OPTIONS.as_bytes()).await.expect("writes");
    bench.message().await;
}
