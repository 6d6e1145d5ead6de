import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** Of a request, what the service behind has to see: its type, and what its sender signed. */
const PASSED_HEADERS = ['content-type', 'x-hotkey', 'x-signature', 'x-timestamp', 'x-request-id'];

/**
 * A server in front of another one: it passes everything on, and may change a good answer's body. Paths are passed on as
 * they are, so that signatures over them hold.
 */
export async function passOn(
  behind: string,
  change: (path: string, body: Uint8Array) => Uint8Array,
): Promise<Readonly<{ url: string }> & AsyncDisposable> {
  const server = createServer((request, response) => {
    void answer(behind, request, response, change);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // safe: it listens on a port
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  behind: string,
  request: IncomingMessage,
  response: ServerResponse,
  change: (path: string, body: Uint8Array) => Uint8Array,
): Promise<void> {
  try {
    const { method = 'GET', url: path = '/' } = request;
    const sent = method === 'POST' ? await buffer(request) : null;
    const answered = await fetch(`${behind}${path}`, {
      method,
      body: sent,
      headers: passedHeaders(request),
    });
    const body = new Uint8Array(await answered.arrayBuffer());
    response.writeHead(answered.status, {
      'content-type': answered.headers.get('content-type') ?? 'application/json',
    });
    response.end(answered.ok ? change(path, body) : body);
  } catch {
    // The service behind is gone: so is this one, as far as an asker can see.
    response.destroy();
  }
}

function passedHeaders({ headers }: IncomingMessage): Record<string, string> {
  const passed = PASSED_HEADERS.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return { 'content-type': 'application/octet-stream', ...Object.fromEntries(passed) };
}
