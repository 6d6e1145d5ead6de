import type { IncomingMessage } from 'node:http';
import { RpcCoder } from '@polkadot/rpc-provider/cjs/coder/index';
import { WebSocket } from 'ws';
import type { ConnectionLimits } from './connection-limits.ts';
import { decodeMessage, type Message, outage, parseMessage } from './connection-message.ts';

/** The metadata of Finney is 0.6 MB as hex, a page of 1,000 commitments less; a node may not fill the memory. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

/** Notices that overtook the answer to their subscription, kept until it comes; a node sends one or two. */
const MAX_EARLY_NOTICES = 64;

type Notify = (error: Error | null, result: unknown) => void;

/**
 * JSON-RPC over one WebSocket, which never reconnects: what is under way when it closes fails. The
 * library's own provider hides the status of a refused handshake, cannot destroy a half-open socket, and
 * ends the process on a message that is not JSON.
 */
export type Wire = Readonly<{
  /**
   * Asks and awaits the answer. Rejects with `chain.unavailable` when none comes within the read deadline
   * or the socket closes, and with the node's own error (an `RpcError`).
   */
  call: (method: string, params: readonly unknown[]) => Promise<unknown>;
  /** Like `call`, for a subscription that lasts as long as the wire; `notify` takes its notices. */
  subscribe: (method: string, notify: Notify) => Promise<void>;
  /** Resolves with the reason when the socket is closed and nothing of it is left. Never rejects. */
  closed: Promise<string>;
  /** Destroys the socket without a goodbye: a half-open one would never answer it. */
  destroy: (why: string) => void;
}>;

/** An open wire, or why there is none; `status` is the HTTP status that the handshake was answered with. */
export type Opening =
  | { readonly kind: 'open'; readonly wire: Wire }
  | { readonly kind: 'refused'; readonly status: number | null; readonly detail: string };

/** Makes one handshake. An outage is a value. The signal destroys the socket, before or after it is open. */
export async function openWire(
  url: string,
  { limits, signal }: { limits: ConnectionLimits; signal: AbortSignal },
): Promise<Opening> {
  if (signal.aborted) return { kind: 'refused', status: null, detail: 'closed' };
  const socket = new WebSocket(url, {
    handshakeTimeout: limits.handshakeTimeoutMs,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
  const wire = wireOver(socket, limits.callTimeoutMs);
  const abort = (): void => wire.destroy('closed');
  signal.addEventListener('abort', abort, { once: true });
  let status: number | null = null;
  socket.once('unexpected-response', (_request, response: IncomingMessage) => {
    status = response.statusCode ?? null;
    wire.destroy(`the handshake was answered with HTTP ${status}`);
  });
  const opened = new Promise<Opening>((resolve) => {
    socket.once('open', () => resolve({ kind: 'open', wire }));
  });
  const refused = wire.closed.then((detail): Opening => ({ kind: 'refused', status, detail }));
  void wire.closed.then(() => signal.removeEventListener('abort', abort));
  return Promise.race([opened, refused]);
}

type Pending = Readonly<{
  settle: (error: Error | null, result: unknown) => void;
  /** Where the notices go, when the call is a subscription. */
  notify: Notify | null;
}>;

type State = {
  readonly socket: WebSocket;
  readonly coder: RpcCoder;
  readonly pending: Map<number, Pending>;
  readonly subscriptions: Map<string, Notify>;
  /** What came for ids that no answer has named yet. */
  early: Message[];
  /** Why the socket is closed, or is being closed; null while it is open. */
  ended: string | null;
};

function wireOver(socket: WebSocket, timeoutMs: number): Wire {
  const state: State = {
    socket,
    coder: new RpcCoder(),
    pending: new Map(),
    subscriptions: new Map(),
    early: [],
    ended: null,
  };
  const destroy = (why: string): void => {
    state.ended ??= why;
    socket.terminate();
  };
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  // `ws` tells every error before the close that follows from it, so there is one end to wait for.
  socket.on('error', (error) => (state.ended ??= error.message));
  socket.on('close', (code) => {
    state.ended ??= `the node closed the socket (code ${code})`;
    failAll(state, state.ended);
    resolve(state.ended);
  });
  socket.on('message', (data) => {
    // safe: with the binary type `nodebuffer`, the default, every message is one Buffer.
    const fault = take(state, (data as Buffer).toString());
    if (fault !== null) destroy(fault);
  });
  const call = (method: string, params: readonly unknown[], notify: Notify | null = null) =>
    ask(state, { method, params, notify, timeoutMs });
  return {
    call: (method, params) => call(method, params),
    subscribe: async (method, notify) => {
      await call(method, [], notify);
    },
    closed,
    destroy,
  };
}

type Question = Readonly<{
  method: string;
  params: readonly unknown[];
  notify: Notify | null;
  timeoutMs: number;
}>;

function ask(state: State, { method, params, notify, timeoutMs }: Question): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const [id, body] = state.coder.encodeJson(method, [...params]);
  const settle = (error: Error | null, result: unknown): void => {
    clearTimeout(timer);
    state.pending.delete(id);
    if (error === null) resolve(result);
    else reject(error);
  };
  const late = `no answer within ${timeoutMs} ms`;
  const timer = setTimeout(() => settle(outage(method, late), null), timeoutMs);
  if (state.ended !== null) settle(outage(method, state.ended), null);
  else {
    state.pending.set(id, { settle, notify });
    state.socket.send(body, (error) => error && settle(outage(method, error.message), null));
  }
  return promise;
}

function failAll(state: State, why: string): void {
  for (const { settle } of state.pending.values()) settle(outage('a call', why), null);
  state.subscriptions.clear();
  state.early = [];
}

/** Takes one message; gives what is wrong with it, else null. */
function take(state: State, text: string): string | null {
  // What was under way when the socket was destroyed.
  if (state.ended !== null) return null;
  const message = parseMessage(text);
  if (message === null) return 'the node sent what is not JSON-RPC';
  if (message.method !== undefined) return notice(state, message);
  const pending = state.pending.get(message.id);
  // An answer that came after its deadline.
  if (pending === undefined) return null;
  const { error, result } = decodeMessage(message);
  if (pending.notify !== null && error === null) {
    if (!['string', 'number'].includes(typeof result)) return 'a subscription has no id';
    state.subscriptions.set(String(result), pending.notify);
  }
  pending.settle(error, result);
  const early = state.early;
  state.early = [];
  return early.map((message) => notice(state, message)).find((fault) => fault !== null) ?? null;
}

/** Gives a notice to its subscription. One that overtook the subscription's answer waits for it. */
function notice(state: State, message: Message): string | null {
  const notify = state.subscriptions.get(String(message.params.subscription));
  if (notify !== undefined) {
    const { error, result } = decodeMessage(message);
    notify(error, result);
    return null;
  }
  // Without a subscription under way it is for nobody.
  if (![...state.pending.values()].some(({ notify }) => notify !== null)) return null;
  if (state.early.push(message) <= MAX_EARLY_NOTICES) return null;
  return 'the node sends notices that nobody subscribed to';
}
