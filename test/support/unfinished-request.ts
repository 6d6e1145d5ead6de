import { connect } from 'node:net';

/** A request whose headers came and whose body does not: what a client does that keeps a server waiting on purpose. */
type UnfinishedRequest = Disposable &
  Readonly<{
    /** The status of its answer; rejects where the connection ends without one. */
    status: Promise<number>;
    /** Resolves when the server has ended the connection. */
    ended: Promise<void>;
    /** Sends a piece of the body. */
    send: (text: string) => void;
  }>;

/** Announces a body of so many bytes and sends none of it. */
export function unfinishedRequest(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  bytes: number,
): UnfinishedRequest {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const status = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<void>();
  status.promise.catch(() => undefined);
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    const found = /^HTTP\/1\.1 (\d{3})/.exec(received)?.[1];
    if (found !== undefined) status.resolve(Number(found));
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    status.reject(new Error('no answer'));
    ended.resolve();
  });
  const fields = { Host: hostname, 'Content-Type': 'application/json', ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}Content-Length: ${bytes}\r\n\r\n`);
  return {
    status: status.promise,
    ended: ended.promise,
    send: (text) => void socket.write(text),
    [Symbol.dispose]: () => socket.destroy(),
  };
}
