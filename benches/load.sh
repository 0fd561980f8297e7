#!/usr/bin/env bash
# What a call costs, with SIPp as the generator beside the server: answer latency, CPU and memory.
# Anyone can rerun it (make load). By environment: RATE calls/s, CALLS in all, HOLD calls at once.
set -euo pipefail
cd "$(dirname "$0")/.."
RATE=${RATE:-100} CALLS=${CALLS:-3000} HOLD=${HOLD:-300}
SIP_PORT=${SIP_PORT:-35060} HTTP_PORT=${HTTP_PORT:-38080}
command -v sipp >/dev/null || { echo "sipp is not here: apt-get install sip-tester" >&2; exit 1; }
cargo build --release --locked --quiet --bin switchboard
ulimit -n "$(ulimit -Hn)"
work=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then
    kill -TERM "$server" 2>/dev/null && kill -TERM "$server" 2>/dev/null && wait "$server" || true
  fi
  rm -rf "$work"
}
trap stop EXIT

# The shipped installation, with a day that never closes and without the limits of service.
cp -r ivr-flows sounds "$work/"
mkdir "$work/config"
cp config/bank-holidays.json "$work/config/"
awk '
  /^\[/ { skip = ($0 ~ /^\[calendar\.main/ || $0 ~ /^\[limits\]/) }
  !skip { print }
' config/switchboard.toml >"$work/config/switchboard.toml"
cat >>"$work/config/switchboard.toml" <<'TOML'

[calendar.main.week]
mon = ["00:00-24:00"]
tue = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]

[limits]
calls = 20000
calls_per_second = 10000
TOML
./target/release/switchboard serve --config "$work/config/switchboard.toml" \
  --sip "127.0.0.1:$SIP_PORT" --http "127.0.0.1:$HTTP_PORT" --rtp-ports 40000-59999 \
  --data "$work/data" 2>"$work/server.log" &
server=$!
ready() { (exec 3<>"/dev/tcp/127.0.0.1/$HTTP_PORT") 2>/dev/null; }
until ready; do kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; exit 1; }; done

ticks=$(getconf CLK_TCK)
cpu_ms() { awk -v hz="$ticks" '{ print ($14 + $15) * 1000 / hz }' "/proc/$server/stat"; }
rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; }
echo "idle: $(rss_kib) KiB resident"

# $1 name, $2 rate, $3 calls, $4 hold in ms, $5 most at once
run() {
  cat >"$work/$1.xml" <<XML
<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="$1">
  <send retrans="500" start_rtd="answer"><![CDATA[
INVITE sip:01708434343@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:01632960[call_number]@[local_ip]:[local_port]>;tag=[pid]S[call_number]
To: <sip:01708434343@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:load@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 101
a=rtpmap:101 telephone-event/8000
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rtd="answer" rrs="true"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:01632960[call_number]@[local_ip]:[local_port]>;tag=[pid]S[call_number]
To: <sip:01708434343@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
  <pause milliseconds="$4"/>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:01632960[call_number]@[local_ip]:[local_port]>;tag=[pid]S[call_number]
To: <sip:01708434343@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
  <ResponseTimeRepartition value="1, 2, 5, 10, 20, 50, 100"/>
</scenario>
XML
  before=$(cpu_ms)
  sipp "127.0.0.1:$SIP_PORT" -sf "$work/$1.xml" -i 127.0.0.1 -p $((SIP_PORT + 1)) -nostdin -rtp_echo \
    -r "$2" -m "$3" -l "$5" -trace_rtt -rtt_freq 1 -trace_stat -fd 1 -timeout 300 \
    >"$work/$1.out" 2>&1 || failed=1
  after=$(cpu_ms)
}

cd "$work"
failed=0
base=$(rss_kib)
run hold "$RATE" "$HOLD" 8000 "$HOLD" &
holder=$!
peak=$base
while kill -0 "$holder" 2>/dev/null; do
  now=$(rss_kib); [ "$now" -gt "$peak" ] && peak=$now
  read -rt 0.2 <> <(:) || true
done
wait "$holder"
awk -v peak="$peak" -v base="$base" -v hold="$HOLD" 'BEGIN {
  printf "%d calls at once hear the menu: %.1f KiB resident memory a call\n", hold, (peak - base) / hold }'
run answer "$RATE" "$CALLS" 0 10000
awk -F';' 'NR > 1 { print $2 }' answer_*_rtt.csv | sort -n | awk -v rate="$RATE" -v calls="$CALLS" \
  -v cpu="$(awk -v a="$after" -v b="$before" 'BEGIN { print a - b }')" '
  { at[NR] = $1 }
  END {
    printf "answer and hang up at %d/s, %d calls: INVITE to 200 p50 %.1f ms, p99 %.1f ms, max %.1f ms; %.2f ms CPU a call\n",
      rate, calls, at[int(NR * .5) + 1], at[int(NR * .99)], at[NR], cpu / calls
  }'
[ "$failed" = 0 ] || { echo "some calls failed:" >&2; tail -30 "$work"/answer.out >&2; cat "$work"/*errors.log >&2; exit 1; }
