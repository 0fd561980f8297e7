#!/usr/bin/env bash
# What a call costs: answer latency, CPU and memory, with the generator beside the server on the
# same machine. Anyone can rerun it (make load). By environment: RATES in calls/s, SECONDS_EACH,
# HELD calls at once, and what server.sh reads.
set -euo pipefail
cd "$(dirname "$0")/.."
RATES=${RATES:-100 400 1000 2000} SECONDS_EACH=${SECONDS_EACH:-15} HELD=${HELD:-1000 5000}
source benches/server.sh
open_door='calls = 20000
calls_per_second = 20000'
failed=0

# $1 what, $2 port, $3 its process, $4 rate, $5 more for the generator: one row of the table.
row() {
  local calls=$(($4 * SECONDS_EACH)) before after
  before=$(cpu_ms "$3")
  "$caller" "127.0.0.1:$2" --rate "$4" --calls "$calls" >"$work/row" || { failed=1; cat "$work/row"; }
  after=$(cpu_ms "$3")
  awk -v what="$1" -v rate="$4" -v calls="$calls" -v cpu="$(awk "BEGIN { print $after - $before }")" '
    /^INVITE to 200/ { split($0, a, /[ ,]+/); p50 = a[5]; p99 = a[11]; most = a[14] }
    /^INVITE sent late/ { split($0, a, /[ ,]+/); late = a[11] }
    /own CPU/ { own = $5 }
    / failed/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^failed/) lost = $i }
    END {
      printf "%-12s %5d/s  %6d calls  %s failed  p50 %6.2f ms  p99 %6.2f ms  max %7.2f ms  %.3f ms CPU a call  (generator: %.3f ms, p99 %.2f ms late)\n",
        what, rate, calls, lost, p50 / 1000, p99 / 1000, most / 1000, cpu / calls, own, late / 1000
    }' "$work/row"
}

start "$open_door"
echo "idle: $(rss_kib "$server") KiB resident"
for rate in $RATES; do row switchboard "$SIP_PORT" "$server" "$rate"; done

# SIPp as the caller, as other engines are measured. What it reaches may be less than it is asked for.
sipp_row() {
  local calls=$(($1 * 10)) before after
  before=$(cpu_ms "$server")
  (cd "$work" && exec sipp -sn uac -s 01708434343 -i 127.0.0.1 -p $((SIP_PORT + 4)) "127.0.0.1:$SIP_PORT" \
    -r "$1" -m "$calls" -l 20000 -d 0 -nostdin -trace_stat -stf sipp.csv -fd 1) >/dev/null 2>&1 || failed=1
  after=$(cpu_ms "$server")
  awk -F';' -v rate="$1" -v calls="$calls" -v cpu="$(awk "BEGIN { print $after - $before }")" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    { reached = $column["CallRate(C)"]; lost = $column["FailedCall(C)"]; again = $column["Retransmissions(C)"] }
    END { printf "SIPp calls   %5d/s  %6d calls  %s failed  %s repetitions  %d/s reached  %.3f ms CPU a call\n",
      rate, calls, lost, again, reached, cpu / calls }' "$work/sipp.csv"
}
if command -v sipp >/dev/null; then
  for rate in 1000 2000; do sipp_row "$rate"; done
fi
echo "load average during the run: $(cut -d' ' -f1 /proc/loadavg)"

# The highest rate at which nothing fails and nothing must be sent again: for ten seconds, and then
# for a minute, when the transactions of calls that are over (they live on for 32 seconds) are all there.
clean() {
  # Calls of a run that failed may still be up.
  stop
  start "$open_door"
  "$caller" "127.0.0.1:$SIP_PORT" --rate "$1" --calls $(($1 * $2)) >"$work/row" &&
    grep -q ' 0 failed, 0 repetitions' "$work/row"
}
best=0
for rate in 2000 2500 3000 3500 4000 5000 6000; do
  if clean "$rate" 10; then best=$rate; else break; fi
done
echo "clean for ten seconds: $best/s; the next:"
cat "$work/row"
for rate in 4000 3500 3000 2500 2000 1500 1000 500; do
  [ "$rate" -le "$best" ] || continue
  if clean "$rate" 60; then break; fi
done
echo "clean for a minute: $rate/s"
cat "$work/row"
echo "afterwards: $(rss_kib "$server") KiB resident"
stop

# Memory of calls that are up and hear the menu.
for held in $HELD; do
  start "$open_door"
  "$caller" "127.0.0.1:$SIP_PORT" --rate 200 --calls 200 >/dev/null
  base=$(rss_kib "$server")
  "$caller" "127.0.0.1:$SIP_PORT" --rate 500 --calls "$held" --hold-ms $((held * 2 + 4000)) >"$work/row" &
  holder=$!
  until [ "$(metric switchboard_calls_active)" = "$held" ]; do
    kill -0 "$holder" 2>/dev/null || break
    read -rt 0.2 <> <(:) || true
  done
  full=$(rss_kib "$server")
  wait "$holder" || { failed=1; cat "$work/row"; }
  awk -v full="$full" -v base="$base" -v held="$held" 'BEGIN {
    printf "%d calls at once hear the menu: %.1f KiB resident memory a call\n", held, (full - base) / held }'
  stop
done

# Others, rung by the same generator: SIPp's own server keeps no dialog, no journal and no voice, so
# it shows what the machine's UDP and the generator cost by themselves.
if command -v sipp >/dev/null; then
  other=$((SIP_PORT + 2))
  (cd "$work" && exec sipp -sn uas -i 127.0.0.1 -p "$other" -nostdin -rtp_echo) >/dev/null 2>&1 &
  sipp=$!
  read -rt 1 <> <(:) || true
  for rate in 400 1000 2000; do row "sipp uas" "$other" "$sipp" "$rate"; done
  kill "$sipp" 2>/dev/null || true
fi
[ "$failed" = 0 ] || { echo "some calls failed" >&2; exit 1; }
