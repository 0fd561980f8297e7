#!/usr/bin/env bash
# What voice costs: callers who hear the menu, callers who hear music, bridged conversations, those in
# which a supervisor listens, conferences of three; what each takes in memory, by codec and with SRTP; with
# the generator beside the server on the same machine, and the machine's own floor. Anyone can rerun it
# (make load). By environment:
# MENU, MUSIC, BRIDGED, RECORDED, CONVERTED, LISTENED, MEMORY calls at once (" " for none),
# SECONDS_EACH, and what server.sh reads.
set -euo pipefail
cd "$(dirname "$0")/.."
MENU=${MENU:-100 400 1000} MUSIC=${MUSIC:-1000} BRIDGED=${BRIDGED:-100 400}
RECORDED=${RECORDED:-100 400} CONVERTED=${CONVERTED:-100} LISTENED=${LISTENED:-100} MEMORY=${MEMORY:-200}
SECONDS_EACH=${SECONDS_EACH:-20}
source benches/server.sh
open_door='calls = 5000
calls_per_second = 1000'
failed=0

menu='start: long
nodes:
  long: { say: A long prompt., must_hear: true, then: end }
  end: { hang_up: completed }
'
queue='start: wait
nodes:
  wait: { queue: general, otherwise: end }
  end: { hang_up: busy }
'
# A supervisor into each of $1 conversations, as soon as all are there: those who are not signed in. $2 is
# what they do: in listen they are heard by nobody, in barge all three hear each other.
supervise() {
  local calls call at answer
  until calls=$(ask GET agents "" | grep -o '"call":"[^"]*"' | cut -d'"' -f4) && [ "$(wc -l <<<"$calls")" -ge "$1" ]; do
    read -rt 0.2 <> <(:) || true
  done
  at=$1
  for call in $calls; do
    at=$((at + 1))
    answer=$(ask POST "calls/$call/supervise" "{\"mode\":\"$2\",\"agent\":\"load$at\"}")
    [[ $answer == *"200 OK"* || $answer == *"202 Accepted"* ]] || echo "no supervisor in $call: $answer" >&2
  done
}

# $1 what, $2 calls, and more for the generator.
row() {
  local what=$1 calls=$2
  shift 2
  echo "== $what, $calls calls"
  "$voice_load" "127.0.0.1:$SIP_PORT" --calls "$calls" --rate 200 --seconds "$SECONDS_EACH" \
    --pid "$server" "$@" || failed=1
  echo "resident memory: $(rss_kib "$server") KiB"
}

# What a call takes in memory while it is up. $1 what, $2 calls, and more for the generator. A few calls
# come first, for what is there once.
memory_row() {
  local what=$1 calls=$2 base full holder
  shift 2
  "$voice_load" "127.0.0.1:$SIP_PORT" --calls 5 --seconds 1 "$@" >"$work/row" || { failed=1; cat "$work/row"; }
  base=$(rss_kib "$server")
  "$voice_load" "127.0.0.1:$SIP_PORT" --calls "$calls" --rate 200 --seconds 5 "$@" >"$work/row" &
  holder=$!
  full=$base
  # The most that is seen until they hang up.
  while kill -0 "$holder" 2>/dev/null; do
    full=$(($(rss_kib "$server") > full ? $(rss_kib "$server") : full))
    read -rt 0.2 <> <(:) || true
  done
  wait "$holder" || { failed=1; cat "$work/row"; }
  awk -v what="$what" -v calls="$calls" -v kib="$((full - base))" \
    'BEGIN { printf "%s, %d calls: %.1f KiB resident memory a call\n", what, calls, kib / calls }'
}

for calls in $MENU; do
  start "$open_door" "" "$menu"
  row "menu" "$calls"
  stop
done
for calls in $MUSIC; do
  start "$open_door" "" "$queue"
  row "music" "$calls"
  stop
done
for calls in $BRIDGED; do
  start "$open_door" "$(advisers "$calls")" "$queue"
  sign_in "$calls"
  row "bridge" "$calls" --advisers --bind "127.0.0.1:$((SIP_PORT + 6))"
  stop
done
for calls in $RECORDED; do
  start "$open_door" "$(advisers "$calls"; printf '[recording]\nrecord = "always"\n')" "$queue"
  sign_in "$calls"
  row "bridge, recorded in stereo" "$calls" --advisers --bind "127.0.0.1:$((SIP_PORT + 6))"
  grep -E '^switchboard_recording_frames_lost_total|^switchboard_recordings_active' <(metrics) || true
  stop
done
for calls in $CONVERTED; do
  for codec in 9 111; do
    start "$open_door" "$(advisers "$calls")" "$queue"
    sign_in "$calls"
    row "bridge, PCMA to $([ "$codec" = 9 ] && echo G.722 || echo Opus)" "$calls" --advisers \
      --codecs 8 --codecs "$codec" --bind "127.0.0.1:$((SIP_PORT + 6))"
    stop
  done
done
for calls in $LISTENED; do
  for mode in listen barge; do
    start "$open_door" "$(advisers $((calls * 2)))" "$queue"
    sign_in "$calls"
    supervise "$calls" "$mode" &
    row "$([ "$mode" = listen ] && echo bridge in which a supervisor listens || echo conference of three)" \
      "$calls" --advisers --besides "$calls" --bind "127.0.0.1:$((SIP_PORT + 6))"
    wait $! || failed=1
    stop
  done
done
for calls in $MEMORY; do
  start "$open_door" "" "$menu"
  memory_row "menu, G.711 with SRTP" "$calls" --srtp
  stop
  for codec in 8 9 111; do
    name=$(case $codec in 8) echo G.711 ;; 9) echo G.722 ;; 111) echo Opus ;; esac)
    start "$open_door" "" "$menu"
    memory_row "menu, $name" "$calls" --codecs "$codec" --codecs "$codec"
    stop
    for other in 8 "$codec"; do
      start "$open_door" "$(advisers $((calls + 5)))" "$queue"
      sign_in $((calls + 5))
      memory_row "bridge, $([ "$other" = 8 ] && echo G.711 || echo "$name") to $name" "$calls" --advisers \
        --codecs "$other" --codecs "$codec" --bind "127.0.0.1:$((SIP_PORT + 6))"
      stop
      [ "$codec" != 8 ] || break
    done
  done
done
cargo bench --locked --quiet --bench floor
[ "$failed" = 0 ] || { echo "something was lost" >&2; exit 1; }
