import { connect, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

/** Asks a server on loopback for one path, over and over, and checks each answer by its length. */
export type HttpLoad = Readonly<{
  url: string;
  path: string;
  requests: number;
  /** What each answer must hold; that it does is looked at once, for the first. */
  body: Uint8Array;
}>;

/** Peers that ask at the same time: enough to keep the server busy without a pause. */
const CONNECTIONS = 16;

// safe: whoever starts this worker gives it what its type says
parentPort?.postMessage(await run(workerData as HttpLoad));

/**
 * Requests per second. Node's own client costs as much as the server; what is measured here is the
 * server, so requests are written as they stand and answers counted in bytes.
 */
async function run({ url, path, requests, body }: HttpLoad): Promise<number> {
  const { host, hostname, port } = new URL(url);
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const sockets = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => open(hostname, Number(port))),
  );
  const expected = await firstAnswer(sockets[0], request, body);
  const each = Math.ceil(requests / CONNECTIONS);
  const start = performance.now();
  await Promise.all(sockets.map((socket) => askRepeatedly(socket, { request, expected, each })));
  const seconds = (performance.now() - start) / 1_000;
  for (const socket of sockets) socket.destroy();
  return (each * CONNECTIONS) / seconds;
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** The length of a whole answer, after a look at it; every header field has the same length each time. */
function firstAnswer(
  socket: Socket | undefined,
  request: Uint8Array,
  body: Uint8Array,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      answer = Buffer.concat([answer, chunk]);
      const head = answer.indexOf('\r\n\r\n') + 4;
      if (head < 4 || answer.length < head + body.length) return;
      socket?.off('data', onData);
      const good =
        answer.subarray(0, 12).toString() === 'HTTP/1.1 200' && answer.subarray(head).equals(body);
      if (good) resolve(answer.length);
      else reject(new Error(`another answer: ${answer.subarray(0, 400).toString()}`));
    };
    socket?.on('data', onData);
    socket?.write(request);
  });
}

function askRepeatedly(
  socket: Socket,
  { request, expected, each }: { request: Uint8Array; expected: number; each: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    let [received, answers] = [0, 0];
    socket.on('data', ({ length }) => {
      received += length;
      if (received < expected) return;
      if (received > expected) reject(new Error(`${received} bytes instead of ${expected}`));
      received = 0;
      answers++;
      if (answers === each) resolve();
      else socket.write(request);
    });
    socket.once('close', () => reject(new Error('the server closed a connection')));
    socket.write(request);
  });
}
