#!/usr/bin/env bash
# How soon an adviser who has become free is rung for the next caller, and one who is free for a caller
# who has just come: over real sockets, with the generator beside the server on the same machine. Anyone
# can rerun it (make load). By environment: WAITING callers, ADVISERS, OFFERS to measure, and what
# server.sh reads.
set -euo pipefail
cd "$(dirname "$0")/.."
WAITING=${WAITING:-0 100 1000} ADVISERS=${ADVISERS:-20} OFFERS=${OFFERS:-2000}
source benches/server.sh
open_door='calls = 5000
calls_per_second = 1000'
failed=0

flow='start: wait
nodes:
  wait: { queue: freed, otherwise: end }
  end: { hang_up: busy }
'
for waiting in $WAITING; do
  start "$open_door" "$(advisers "$ADVISERS"; printf '[queue.freed]\ntitle = "Freed"\nskills = ["general"]\nwrap_up_s = 0\n')" "$flow"
  sign_in "$ADVISERS"
  "$offer_load" "127.0.0.1:$SIP_PORT" --bind "127.0.0.1:$((SIP_PORT + 6))" --waiting "$waiting" \
    --advisers "$ADVISERS" --offers "$OFFERS" || failed=1
  echo "load average: $(cut -d' ' -f1 /proc/loadavg)"
  stop
done
[ "$failed" = 0 ] || { echo "not everything was measured" >&2; exit 1; }
