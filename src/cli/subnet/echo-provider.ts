import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** Characters of a token, roughly: what a provider counts does not matter here, only that it counts. */
const CHARACTERS_OF_TOKEN = 4;

/**
 * A provider of the model `echo`, in the form of OpenAI: it answers with the first line of what it is asked, and says
 * how many tokens that took. A local subnet has no other model.
 */
export async function startEchoProvider(): Promise<Readonly<{ url: string }> & AsyncDisposable> {
  const server = createServer((request, response) => {
    json(request).then(
      (body) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(completion(String(lastMessage(body)))));
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // safe: it listens on a port
  return {
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function lastMessage(body: unknown): unknown {
  const { messages = [] } = body as { messages?: readonly { content?: unknown }[] }; // safe: only read, and our own proxy wrote it
  return messages.at(-1)?.content ?? '';
}

function completion(prompt: string) {
  const [content = ''] = prompt.split('\n');
  const tokens = (text: string): number => Math.ceil(text.length / CHARACTERS_OF_TOKEN);
  return {
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
    usage: { prompt_tokens: tokens(prompt), completion_tokens: tokens(content) },
  };
}
