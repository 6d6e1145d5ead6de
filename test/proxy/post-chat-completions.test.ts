import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { httpApp } from '#src/http/http-app.ts';
import { createServiceMetrics } from '#src/http/metrics.ts';
import { postChatCompletions } from '#src/http/proxy/post-chat-completions.ts';
import { serveOnLoopback } from '../http/client.ts';

const PARTS = 20;
const part = Buffer.alloc(65_536, 'x');

test('a stream that waits for its reader leaves no listener behind, however many of its parts wait', async () => {
  let response: ServerResponse | null = null;
  const listeners: number[] = [];
  async function* parts() {
    for (let index = 0; index < PARTS; index++) {
      listeners.push(response?.listenerCount('close') ?? 0);
      yield part;
    }
  }
  const route = postChatCompletions({
    admits: () => true,
    enter: async () => ({ kind: 'entered', leave: () => undefined, seen: null }),
    complete: async () => ({ kind: 'stream', parts: parts() }),
  });
  const app = httpApp([route], { log: () => undefined, metrics: createServiceMetrics() });
  await using served = await serveOnLoopback((req, res) => {
    response = res;
    return app(req, res);
  });
  const answer = await fetch(`${served.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Eirel-Job-Id': 'job-1' },
    body: '{}',
  });
  expect((await answer.arrayBuffer()).byteLength).toBe(PARTS * part.length);
  expect(listeners.at(-1)).toBe(listeners[0]);
});
