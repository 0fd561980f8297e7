// A browser's phone without a browser: JsSIP over the WebSocket of `ws`. Registers, refreshes, loses
// its connection and comes back, and unregisters. Ends with 0 if all of that went well; says each
// step, and every message of the last connection, on standard output.
//
//   node jssip.mjs wss://127.0.0.1:7443/ USER PASSWORD CA.pem
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';
import JsSIP from 'jssip';

const [url, user, password, caFile] = process.argv.slice(2);
const ca = caFile ? readFileSync(caFile) : undefined;
const WITHIN_MS = 20_000;
/** Every message that is received. */
const wire = new EventEmitter();

/** What a browser offers as `WebSocket`, with trust in our own authority. */
globalThis.WebSocket = class extends WebSocket {
  constructor(address, protocol) {
    super(address, protocol, { ca });
    this.on('message', (data) => wire.emit('message', String(data)));
  }
};

const socket = new JsSIP.WebSocketInterface(url);
const host = new URL(url).host;
const phone = new JsSIP.UA({
  sockets: [socket],
  uri: `sip:${user}@${host}`,
  password,
  register: false,
  register_expires: 120,
  connection_recovery_min_interval: 1,
  connection_recovery_max_interval: 2,
});
JsSIP.debug.enable('JsSIP:Transport JsSIP:Registrator JsSIP:UA');

/** Waits for an event, of the phone or on the wire, that is what it should be. */
function next(event, from = phone, is = () => true) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no "${event}" in time`)), WITHIN_MS);
    from.on(event, function listener(data) {
      if (!is(data)) return;
      clearTimeout(late);
      from.removeListener(event, listener);
      resolve(data);
    });
  });
}

function say(step) {
  console.log(`step: ${step}`);
}

let cutting = false;
phone.on('registrationFailed', (data) => {
  // When a connection is lost JsSIP fails transactions too that have just been completed.
  if (cutting && data.cause === JsSIP.C.causes.CONNECTION_ERROR) return;
  console.error(`registration failed: ${data.cause} ${data.response?.status_code ?? ''}`);
  process.exit(1);
});

const connected = next('connected');
phone.start();
await connected;
say('connected');

const registered = next('registered');
phone.register();
const { response } = await registered;
const contacts = response.getHeaders('contact');
if (!contacts.some((contact) => /expires=120/.test(contact))) {
  throw new Error(`not bound as asked: ${contacts}`);
}
say('registered');

// JsSIP says "registered" for a change only.
const refreshed = next('message', wire, (text) => /^SIP\/2\.0 200 .*CSeq: \d+ REGISTER/s.test(text));
phone.register();
await refreshed;
say('refreshed');

// The network is gone without a word; JsSIP connects again and registers by itself.
const cut = next('disconnected');
const again = next('registered');
cutting = true;
socket._ws.terminate();
await cut;
say('cut off');
await again;
say('registered again');

const unregistered = next('unregistered');
phone.unregister();
await unregistered;
say('unregistered');

phone.stop();
process.exit(0);
