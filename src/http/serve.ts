import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../errors.ts';

export type ServeOptions = Readonly<{
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Ends the server as disposing of it does. */
  signal: AbortSignal;
  /** Told of a connection that the system could not accept (no file descriptor left, say); the server goes on. */
  onError: (error: Error) => void;
  /** For a service with larger bodies, or with answers that take longer, than a validator's. */
  times?: Readonly<{ requestMs?: number; idleMs?: number }>;
  /** Connections of one address, so that nobody takes them all; no limit but that of all where it is left out. */
  connectionsPerAddress?: number;
}>;

export type Served = AsyncDisposable & Readonly<{ url: string }>;

/** Our own requests have some 300 bytes; a proxy adds a few fields. */
const MAX_HEADER_BYTES = 8 * 1024;

/** Beyond what any client or proxy sends. */
const MAX_HEADER_FIELDS = 64;

/** A request is one packet; whoever takes longer holds a connection on purpose. */
const HEADERS_TIMEOUT_MS = 5_000;

/** For the whole request: the largest body that is taken, 64 KiB, comes at 8 KiB/s. */
const REQUEST_TIMEOUT_MS = 8_000;

/** How often the two limits above are looked after: Node's own 30 s would make them 35 s. */
const CHECK_INTERVAL_MS = 1_000;

/** A peer asks for a few things in a row, then not for a block. */
const KEEP_ALIVE_TIMEOUT_MS = 5_000;

/** Without a byte in or out for so long, the client is gone or pretends to be slow. */
const IDLE_TIMEOUT_MS = 15_000;

/** All the peers a subnet can have, several connections each. More are closed as they come. */
const MAX_CONNECTIONS = 1_024;

/** Lets a load balancer move a busy client. */
const MAX_REQUESTS_PER_CONNECTION = 10_000;

/** For the answers under way when the server is told to end. */
const CLOSE_GRACE_MS = 2_000;

const options: ServerOptions = {
  maxHeaderSize: MAX_HEADER_BYTES,
  headersTimeout: HEADERS_TIMEOUT_MS,
  connectionsCheckingInterval: CHECK_INTERVAL_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  insecureHTTPParser: false, // spelled out because a command-line option could otherwise turn it on
};

/**
 * Serves an app until it is disposed of or `signal` aborts. Throws `input.invalid` for an address
 * that can't be listened on. What is not HTTP within the limits is answered by Node itself (400, 408,
 * 431) and disconnected.
 */
export async function serve(app: RequestListener, serveOptions: ServeOptions): Promise<Served> {
  const { host, port, signal, onError, times = {}, connectionsPerAddress } = serveOptions;
  const { requestMs = REQUEST_TIMEOUT_MS, idleMs = IDLE_TIMEOUT_MS } = times;
  signal.throwIfAborted();
  const server = createServer({ ...options, requestTimeout: requestMs }, app);
  server.maxHeadersCount = MAX_HEADER_FIELDS;
  server.maxConnections = MAX_CONNECTIONS;
  server.maxRequestsPerSocket = MAX_REQUESTS_PER_CONNECTION;
  server.timeout = idleMs;
  if (connectionsPerAddress !== undefined) limitAddresses(server, connectionsPerAddress);
  await listen(server, host, port);
  server.on('error', onError);

  let closing: Promise<void> | undefined;
  const end = (): Promise<void> => {
    closing ??= close(server);
    return closing;
  };
  const onAbort = (): void => void end();
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    url: urlOf(server),
    [Symbol.asyncDispose]: async () => {
      signal.removeEventListener('abort', onAbort);
      await end();
    },
  };
}

/** Closes what an address opens beyond its share, as it comes. */
function limitAddresses(server: Server, share: number): void {
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
    if (count > share) socket.destroy();
  });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => {
      reject(
        new AppError(
          'input.invalid',
          {
            field: 'address',
            value: `${host}:${port}`,
            expected: `an address that can be listened on (${cause.code ?? cause.message})`,
          },
          { cause },
        ),
      );
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function urlOf(server: Server): string {
  // safe: a server that listens on a port has an address of this form
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Stops listening, drops idle connections, and gives the answers under way their time. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}
