import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { gzipSync } from 'node:zlib';

/** A server on loopback that misbehaves in one way, until it is disposed. */
export type HostileServer = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** Connections accepted so far. */
  connectionCount(): number;
};

/** An HTTP server with well-formed framing: for what is hostile in the content or in the order of things. */
export function serveHttp(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<HostileServer> {
  return listen(createHttpServer(answer));
}

/** A TCP server that is handed each connection once a request has begun to arrive: for hostile framing. */
export function serveRaw(answer: (socket: Socket) => void): Promise<HostileServer> {
  return listen(createTcpServer((socket) => socket.once('data', () => answer(socket)).resume()));
}

/** Sends these bytes as they are, then closes unless told to keep the connection. */
export function serveBytes(bytes: string, { keepOpen = false } = {}): Promise<HostileServer> {
  return serveRaw((socket) => void (keepOpen ? socket.write(bytes) : socket.end(bytes)));
}

/** Answers with any status, headers and body. */
export function serveAnswer(
  status: number,
  headers: Record<string, string>,
  body: string | Uint8Array,
): Promise<HostileServer> {
  return serveHttp((_request, response) => void response.writeHead(status, headers).end(body));
}

/** Accepts, reads the request and stays silent. */
export function serveSilence(): Promise<HostileServer> {
  return serveRaw(() => {});
}

/** A promising start, then one byte after the other, for ever. */
export function serveDrip(start: string): Promise<HostileServer> {
  return serveRaw((socket) => {
    socket.write(start);
    const timer = setInterval(() => socket.write('x'), DRIP_PERIOD_MS);
    socket.once('close', () => clearInterval(timer));
  });
}

const DRIP_PERIOD_MS = 5;

/** Writes `start` and then `unit` again and again, as fast as the other side reads, up to `totalBytes`. */
export async function serveEndless(
  start: string,
  unit: Uint8Array,
  totalBytes = Number.POSITIVE_INFINITY,
): Promise<
  HostileServer & { /** Bytes handed to the operating system so far. */ sentBytes(): number }
> {
  let closedBytes = 0;
  const open = new Set<Socket>();
  const sent = (socket: Socket): number => socket.bytesWritten - socket.writableLength;
  const server = await serveRaw((socket) => {
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      closedBytes += sent(socket);
    });
    socket.write(start);
    const pump = (): void => {
      while (!socket.destroyed && socket.bytesWritten < totalBytes) if (!socket.write(unit)) return;
      if (!socket.destroyed) socket.end();
    };
    socket.on('drain', pump);
    pump();
  });
  return {
    ...server,
    sentBytes: () => [...open].reduce((sum, socket) => sum + sent(socket), closedBytes),
  };
}

/** A body that inflates a thousandfold. */
export function serveGzipBomb(inflatedBytes: number): Promise<HostileServer> {
  const bomb = gzipSync(new Uint8Array(inflatedBytes));
  return serveAnswer(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }, bomb);
}

/** Announces `announcedBytes`, sends `sentBytes` and resets the connection. */
export function serveReset(announcedBytes: number, sentBytes: number): Promise<HostileServer> {
  return serveRaw((socket) => {
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${announcedBytes}\r\n\r\n`;
    // A reset may overtake what is still on its way, so it waits until the other side had the bytes to read.
    socket.write(head + 'x'.repeat(sentBytes), () => setImmediate(() => socket.resetAndDestroy()));
  });
}

/** JSON arrays nested `depth` deep, well-formed: harmless bytes that exhaust a recursive parser's stack. */
export function serveDeepJson(depth: number): Promise<HostileServer> {
  return serveAnswer(
    200,
    { 'content-type': 'application/json' },
    '['.repeat(depth) + ']'.repeat(depth),
  );
}

/** Holds every request until `release`, and counts how many it holds. */
export async function serveHeld(): Promise<
  HostileServer & { heldCount(): number; arrived(count: number): Promise<void>; release(): void }
> {
  const held: ServerResponse[] = [];
  const arrivals: { readonly count: number; readonly resolve: () => void }[] = [];
  let released = false;
  const server = await serveHttp((_request, response) => {
    if (released) return void response.end('released');
    held.push(response);
    for (const { count, resolve } of arrivals) if (held.length >= count) resolve();
  });
  return {
    ...server,
    heldCount: () => held.length,
    arrived: (count) =>
      new Promise(
        (resolve) => void (held.length >= count ? resolve() : arrivals.push({ count, resolve })),
      ),
    release() {
      released = true;
      for (const response of held) response.end('released');
    },
  };
}

/** Any TCP-based server on a free loopback port, with its connections cut on disposal. */
export async function listen(server: Server, { scheme = 'http' } = {}): Promise<HostileServer> {
  const sockets = new Set<Socket>();
  let connectionCount = 0;
  server.on('connection', (socket: Socket) => {
    connectionCount += 1;
    sockets.add(socket);
    socket.on('error', () => {}); // the client hangs up on purpose
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // safe: a TCP server that listens has an AddressInfo
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://127.0.0.1:${port}/`,
    port,
    connectionCount: () => connectionCount,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
