#!/usr/bin/env bash
# What a crowd does: goodput at once, twice and four times the limit, and whether calls that are up
# notice (make overload). By environment: LIMIT in calls/s, and what server.sh reads.
set -euo pipefail
cd "$(dirname "$0")/.."
LIMIT=${LIMIT:-500}
source benches/server.sh
start "calls = 20000
calls_per_second = $LIMIT"
# 300 calls that are up all the while; each hangs up at its end and must be answered.
seconds=12
"$caller" "127.0.0.1:$SIP_PORT" --rate 100 --calls 300 --hold-ms $((seconds * 3000 + 6000)) >"$work/held" &
held=$!
until [ "$(metric switchboard_calls_active)" = 300 ]; do read -rt 0.2 <> <(:) || true; done
for times in 1 2 4; do
  rate=$((LIMIT * times))
  before=$(cpu_ms "$server")
  "$caller" "127.0.0.1:$SIP_PORT" --rate "$rate" --calls $((rate * seconds)) --tolerant --seconds >"$work/crowd"
  after=$(cpu_ms "$server")
  awk -v times="$times" -v cpu="$(awk "BEGIN { print $after - $before }")" -v seconds="$seconds" '
    NR == 1 { answered = $8; failed = $12 }
    /^refused with 503/ { refused = $4 }
    /^INVITE to 200/ { split($0, a, /[ ,]+/); p99 = a[11] }
    /^INVITE to refusal/ { split($0, a, /[ ,]+/); turned = a[11] }
    # The first second empties the bucket, the last is not whole.
    /^second/ { n = $2 + 0; if (n > 0 && n < seconds - 1) { rate = $5; least = least == "" || rate < least ? rate : least; most = rate > most ? rate : most } }
    END {
      printf "%dx the limit: %d answered, %d refused with 503, %d failed; goodput %d to %d a second; p99 of answers %.2f ms, of refusals %.2f ms; %.0f %% of one core\n",
        times, answered, refused, failed, least, most, p99 / 1000, turned / 1000, cpu / seconds / 10
    }' "$work/crowd"
done
wait "$held" || { cat "$work/held"; exit 1; }
sed -n 's/^BYE/the 300 calls that were up, BYE/p; 1p' "$work/held"
