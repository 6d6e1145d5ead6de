import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { AppError } from '../errors.ts';
import { type HandshakeRefusal, handshakeFault } from './fault-state.ts';
import { answer, type Caller, type Rpc } from './rpc.ts';

/** A page of a thousand keys is 200 kB, an extrinsic at most 130 kB. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Substrate's own default. */
const MAX_CONNECTIONS = 100;

/** A client that reads nothing while so much waits for it is gone. Metadata is 100 kB. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;

/** For a handshake to arrive in. */
const HANDSHAKE_TIMEOUT_MS = 5_000;

export type RpcServer = Readonly<{
  url: string;
  /** Connections at the moment; handshakes ever, refused ones too. */
  connections: () => Readonly<{ open: number; handshakes: number }>;
  dropConnections: () => void;
}> &
  AsyncDisposable;

/** Serves JSON-RPC over WebSocket. Throws `input.invalid` for an address that is not this machine's own, or is taken. */
export async function serveRpc(
  { host, port }: Readonly<{ host: string; port: number }>,
  rpc: Rpc,
): Promise<RpcServer> {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  const server = createServer({ headersTimeout: HANDSHAKE_TIMEOUT_MS }, (_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket' });
    response.end('JSON-RPC over WebSocket only\n');
  });
  // Handshakes under way come on top of what is open.
  server.maxConnections = 2 * MAX_CONNECTIONS;
  let handshakes = 0;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    handshakes += 1;
    const full = sockets.clients.size >= MAX_CONNECTIONS ? '429' : null;
    // Browsers name the page that asks: any page that somebody visits could command this chain otherwise.
    const foreign = request.headers.origin === undefined ? null : 'reset';
    const refused = foreign ?? handshakeFault(rpc.faults, handshakes) ?? full;
    if (refused !== null) refuse(socket, refused);
    else sockets.handleUpgrade(request, socket, head, (ws) => converse(ws, rpc));
  });
  await listen(server, host, port);

  const dropAll = (): void => {
    for (const socket of sockets.clients) socket.terminate();
  };
  return {
    url: urlOf(server),
    connections: () => ({ open: sockets.clients.size, handshakes }),
    dropConnections: dropAll,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      dropAll();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** One connection from its handshake to its end. */
function converse(socket: WebSocket, rpc: Rpc): void {
  const subscriptions: Caller['subscriptions'] = new Map();
  const send = (message: unknown): void => {
    if (rpc.faults.muted || !caller.isOpen()) return;
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.terminate();
    else socket.send(JSON.stringify(message));
  };
  const caller: Caller = {
    send,
    notify: (method, subscription, result) =>
      send({ jsonrpc: '2.0', method, params: { subscription, result } }),
    isOpen: () => socket.readyState === socket.OPEN,
    drop: () => socket.terminate(),
    subscriptions,
    waiting: { count: 0 },
  };
  socket.on('message', (data) => {
    // safe: `binaryType` is left at `nodebuffer`, so every message is one Buffer
    void answer((data as Buffer).toString('utf8'), caller, rpc);
  });
  socket.on('close', () => {
    for (const end of subscriptions.values()) end();
  });
  // Whoever breaks the protocol or its limits is disconnected; `ws` has told the client why.
  socket.on('error', () => socket.terminate());
}

function refuse(socket: Duplex, how: HandshakeRefusal): void {
  // safe: the HTTP server hands over the TCP socket itself
  if (how === 'reset') (socket as Socket).resetAndDestroy();
  else
    socket.end(
      `HTTP/1.1 429 ${STATUS_CODES[429]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    );
}

function listen(server: Server, host: string, port: number): Promise<void> {
  const fault = (expected: string, cause?: Error): AppError =>
    new AppError(
      'input.invalid',
      { field: 'address', value: `${host}:${port}`, expected },
      { cause },
    );
  if (!LOOPBACK.includes(host))
    throw fault(`one of ${LOOPBACK.join(', ')}: a development chain obeys everybody`);
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(fault(`an address that can be listened on (${cause.code ?? cause.message})`, cause)),
    );
    server.listen(port, host, resolve);
  });
}

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

function urlOf(server: Server): string {
  // safe: a server that listens on a port has an address of this form
  const { address, family, port } = server.address() as AddressInfo;
  return `ws://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
