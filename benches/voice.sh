#!/usr/bin/env bash
# What voice costs: callers who hear the menu, callers who hear music, bridged conversations; with
# the generator beside the server on the same machine, and the machine's own floor. Anyone can rerun
# it (make load). By environment: MENU, MUSIC, BRIDGED, RECORDED, CONVERTED calls at once (" " for
# none), SECONDS_EACH, and what server.sh reads.
set -euo pipefail
cd "$(dirname "$0")/.."
MENU=${MENU:-100 400 1000} MUSIC=${MUSIC:-1000} BRIDGED=${BRIDGED:-100 400}
RECORDED=${RECORDED:-100 400} CONVERTED=${CONVERTED:-100}
SECONDS_EACH=${SECONDS_EACH:-20}
source benches/server.sh
open_door='calls = 5000
calls_per_second = 1000'
failed=0

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
# As many advisers as there are callers, at the address of the generator; who may sign them in.
advisers() {
  local at
  printf '[[token]]\nactor = "Load"\nrole = "supervisor"\nsha256 = "%s"\n' "$(printf load | sha256sum | cut -d' ' -f1)"
  for ((at = 1; at <= $1; at++)); do
    printf '[agent.load%d]\nname = "Load %d"\nskills = ["general"]\ncontacts = ["sip:load%d@127.0.0.1:%d"]\n' "$at" "$at" "$at" $((SIP_PORT + 6))
  done
}

sign_in() {
  local at state body answer
  for ((at = 1; at <= $1; at++)); do
    for state in signed_in ready; do
      body="{\"state\":\"$state\"}"
      exec 3<>"/dev/tcp/127.0.0.1/$HTTP_PORT"
      printf 'POST /api/v1/agents/load%d/state HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer load\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "$at" "${#body}" "$body" >&3
      answer=$(cat <&3)
      exec 3<&-
      [[ $answer == *"200 OK"* ]] || { echo "adviser $at could not sign in: $answer" >&2; exit 1; }
    done
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
cargo bench --locked --quiet --bench floor
[ "$failed" = 0 ] || { echo "something was lost" >&2; exit 1; }
