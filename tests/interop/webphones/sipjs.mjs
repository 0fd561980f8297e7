// A browser's phone without a browser: SIP.js over the WebSocket of `ws`. Registers, refreshes, loses
// its connection, connects and registers again, and unregisters. Ends with 0 if all of that went well;
// says each step, and every message, on standard output.
//
//   node sipjs.mjs wss://127.0.0.1:7443/ USER PASSWORD CA.pem
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';
import { Registerer, RegistererState, UserAgent } from 'sip.js';

const [url, user, password, caFile] = process.argv.slice(2);
const ca = caFile ? readFileSync(caFile) : undefined;
const WITHIN_MS = 20_000;
let socket;

/** What a browser offers as `WebSocket`, with trust in our own authority. */
globalThis.WebSocket = class extends WebSocket {
  constructor(address, protocol) {
    super(address, protocol, { ca });
    socket = this;
  }
};

/** A promise that must be kept in time. */
function soon(what, promise) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no "${what}" in time`)), WITHIN_MS).unref();
  });
  return Promise.race([promise, late]);
}

function say(step) {
  console.log(`step: ${step}`);
}

const phone = new UserAgent({
  uri: UserAgent.makeURI(`sip:${user}@${new URL(url).host}`),
  authorizationUsername: user,
  authorizationPassword: password,
  transportOptions: { server: url },
  logBuiltinEnabled: true,
  logLevel: 'debug',
});
const registerer = new Registerer(phone, { expires: 120 });

/** Waits for the final answer to a REGISTER, and for what it makes of the registration. */
async function asked(how, status, state) {
  const answer = new Promise((resolve, reject) => {
    how.call(registerer, {
      requestDelegate: {
        onAccept: (response) => resolve(response.message),
        onReject: (response) => reject(new Error(`refused: ${response.message.statusCode}`)),
      },
    });
  });
  const message = await soon('answer', answer);
  if (message.statusCode !== status) throw new Error(`${message.statusCode}`);
  if (registerer.state !== state) throw new Error(`${registerer.state} instead of ${state}`);
  return message;
}

await soon('connected', phone.start());
say('connected');

const bound = await asked(registerer.register, 200, RegistererState.Registered);
const contacts = bound.getHeaders('contact');
if (!contacts.some((contact) => /expires=120/.test(contact))) {
  throw new Error(`not bound as asked: ${contacts}`);
}
say('registered');

await asked(registerer.register, 200, RegistererState.Registered);
say('refreshed');

// The network is gone without a word. SIP.js leaves it to the page to connect again.
const cut = new Promise((resolve) => {
  phone.transport.onDisconnect = resolve;
});
socket.terminate();
await soon('disconnected', cut);
say('cut off');
await soon('connected', phone.reconnect());
await asked(registerer.register, 200, RegistererState.Registered);
say('registered again');

await asked(registerer.unregister, 200, RegistererState.Unregistered);
say('unregistered');
process.exit(0);
