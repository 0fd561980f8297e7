# Starts the release build with the shipped flow for a measurement; sourced by load.sh,
# voice.sh, offers.sh and overload.sh. By environment: SIP_PORT, HTTP_PORT, RTP_PORTS.
# Below the ports that the system gives out by itself: else who knocks until somebody is there may get
# that very port, and be connected with themselves.
SIP_PORT=${SIP_PORT:-25060} HTTP_PORT=${HTTP_PORT:-28080} RTP_PORTS=${RTP_PORTS:-40000-59999}
cargo build --release --locked --quiet --bin switchboard --example call_load --example voice_load --example offer_load
caller=$PWD/target/release/examples/call_load
voice_load=$PWD/target/release/examples/voice_load
offer_load=$PWD/target/release/examples/offer_load
ulimit -n "$(ulimit -Hn)"
work=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then
    # The second signal ends calls that are still up.
    { kill -TERM "$server" && kill -TERM "$server" && wait "$server"; } 2>/dev/null || true
    server=
  fi
}
trap 'stop; rm -rf "$work"' EXIT

# $1: the lines of [limits], $2: more settings, $3: a flow to answer with instead of the shipped one.
# The shipped installation, with a day that never closes.
start() {
  rm -rf "$work/install"
  mkdir -p "$work/install/config"
  cp -r ivr-flows sounds "$work/install/"
  cp config/bank-holidays.json "$work/install/config/"
  local settings=$work/install/config/switchboard.toml
  awk '
    /^\[/ { skip = ($0 ~ /^\[calendar\.main/ || $0 ~ /^\[limits\]/) }
    !skip { print }
  ' config/switchboard.toml >"$settings"
  {
    echo
    echo '[calendar.main.week]'
    for day in mon tue wed thu fri sat sun; do echo "$day = [\"00:00-24:00\"]"; done
    echo
    echo '[limits]'
    echo "$1"
    echo "${2:-}"
  } >>"$settings"
  if [ -n "${3:-}" ]; then
    printf '%s' "$3" >"$work/install/ivr-flows/main.yaml"
    long_prompt "$work/install/sounds/en-GB/main/long.wav"
    ./target/release/switchboard prompts render --config "$settings" >"$work/render.log" 2>&1 || { cat "$work/render.log"; exit 1; }
  fi
  ./target/release/switchboard serve --config "$settings" --sip "127.0.0.1:$SIP_PORT" \
    --http "127.0.0.1:$HTTP_PORT" --rtp-ports "$RTP_PORTS" --data "$work/install/data" \
    2>"$work/server.log" &
  server=$!
  until (exec 3<>"/dev/tcp/127.0.0.1/$HTTP_PORT") 2>/dev/null; do
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; exit 1; }
  done
  # What a start encodes in the background is no call's work.
  local before after
  after=$(cpu_ms "$server")
  for _ in {1..60}; do
    before=$after
    sleep 0.5
    after=$(cpu_ms "$server")
    if awk "BEGIN { exit !($after - $before < 20) }"; then return; fi
  done
  echo "the server is not still half a minute after its start" >&2
}

# Processor time and memory of the process $1.
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$1/stat"; }
rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
metrics() {
  exec 3<>"/dev/tcp/127.0.0.1/$HTTP_PORT"
  printf 'GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
  cat <&3
  exec 3<&-
}
metric() { metrics | awk -v name="$1" '$1 == name { print $2 }'; }

# A prompt of two minutes, in the installation's sounds: 8,000 samples a second of 8 bits.
long_prompt() {
  local bytes=$((120 * 8000))
  mkdir -p "$(dirname "$1")"
  {
    printf 'RIFF'
    little $((bytes + 36))
    printf 'WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data'
    little "$bytes"
    head -c "$bytes" /dev/urandom
  } >"$1"
}
little() {
  local at
  for at in 0 8 16 24; do printf "\\x$(printf %02x $((($1 >> at) & 255)))"; done
}

# So many advisers, at the address of the generator; who may sign them in.
advisers() {
  local at
  printf '[[token]]\nactor = "Load"\nrole = "supervisor"\nsha256 = "%s"\n' "$(printf load | sha256sum | cut -d' ' -f1)"
  for ((at = 1; at <= $1; at++)); do
    printf '[agent.load%d]\nname = "Load %d"\nskills = ["general"]\ncontacts = ["sip:load%d@127.0.0.1:%d"]\n' "$at" "$at" "$at" $((SIP_PORT + 6))
  done
}

# $1 method, $2 path, $3 body: the answer.
ask() {
  exec 3<>"/dev/tcp/127.0.0.1/$HTTP_PORT"
  printf '%s /api/v1/%s HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer load\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "$2" "${#3}" "$3" >&3
  cat <&3
  exec 3<&-
}

sign_in() {
  local at state answer
  for ((at = 1; at <= $1; at++)); do
    for state in signed_in ready; do
      answer=$(ask POST "agents/load$at/state" "{\"state\":\"$state\"}")
      [[ $answer == *"200 OK"* ]] || { echo "adviser $at could not sign in: $answer" >&2; exit 1; }
    done
  done
}
