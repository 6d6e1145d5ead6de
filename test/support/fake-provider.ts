import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a provider does with one request. */
export type ProviderTurn = (
  request: Readonly<{ body: Record<string, unknown>; authorization: string | undefined }>,
  response: ServerResponse,
) => void;

/** A provider of models over HTTP on loopback; `turns` answer its requests in their order, the last one all further ones. */
export async function startFakeProvider(...turns: readonly ProviderTurn[]) {
  const seen: Parameters<ProviderTurn>[0][] = [];
  const server = createServer((req, res) => {
    void bodyOf(req).then((body) => {
      const request = { body, authorization: req.headers.authorization };
      const turn = turns[Math.min(seen.length, turns.length - 1)];
      seen.push(request);
      turn?.(request, res);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // safe: it listens on a port
  return {
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with a completion that took so many tokens. */
export function completes(content: string, usage: object): ProviderTurn {
  return (_request, res) => {
    res.writeHead(200, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }], usage }));
  };
}

/** Answers with a status and nothing else. */
export function fails(status: number): ProviderTurn {
  return (_request, res) => void res.writeHead(status).end('{}');
}

/** Answers with the events of a stream, one after the other. */
export function streams(...events: readonly string[]): ProviderTurn {
  return (_request, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const event of events) res.write(`data: ${event}\n\n`);
    res.end();
  };
}

async function bodyOf(req: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer); // safe: a request without an encoding yields buffers
  return JSON.parse(Buffer.concat(parts).toString('utf8')) as Record<string, unknown>; // safe: our own client wrote it
}
