//! The demo's people against a server of a few lines: they register, ring and leave.

use std::net::UdpSocket;

use super::*;

#[test]
fn advisers_register_and_residents_ring_until_they_are_stopped() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("binds");
    server.set_read_timeout(Some(Duration::from_secs(20))).expect("is set");
    let demo = start(DemoSettings {
        server: server.local_addr().expect("an address"),
        number: "01708434343".to_owned(),
        advisers: vec![("amy".to_owned(), "secret".to_owned(), "Amy Adeyemi".to_owned())],
        star_codes: StarCodes::default(),
        wrap_up: Duration::from_secs(5),
        calls_per_minute: 600.0,
        seed: 7,
    })
    .expect("starts");
    let mut buffer = [0; 4_096];
    let (mut registers, mut rings) = (false, false);
    while !(registers && rings) {
        let (length, _) = server.recv_from(&mut buffer).expect("somebody calls");
        registers |= buffer[..length].starts_with(b"REGISTER sip:127.0.0.1:");
        rings |= buffer[..length].starts_with(b"INVITE sip:01708434343@127.0.0.1:");
    }
    assert!(!demo.has_ended());
    demo.stop().expect("ends well");
}
