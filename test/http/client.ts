import { request } from 'node:http';
import { type AppDeps, createApp } from '#src/http/app.ts';
import type { RequestLog } from '#src/http/log-requests.ts';
import type { Served } from '#src/http/serve.ts';
import { serve } from '#src/http/serve.ts';

export type Reply = Readonly<{
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
  text: string;
  /** The body as JSON; throws where it is none. */
  json: () => unknown;
}>;

export type Ask = Readonly<{
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}>;

/** Sends `path` exactly as it is written: `fetch` would tidy it up first. */
export function ask(
  url: string,
  path: string,
  { method = 'GET', headers = {}, body }: Ask = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(chunks);
        const text = whole.toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          // safe: none of the fields that we read is one that node gives as a list
          headers: response.headers as Record<string, string | undefined>,
          body: whole,
          text,
          json: () => JSON.parse(text) as unknown,
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export type TestApp = AsyncDisposable &
  Readonly<{
    url: string;
    ask: (path: string, options?: Ask) => Promise<Reply>;
    /** The access log so far. */
    logged: readonly RequestLog[];
  }>;

/** The app on loopback, as it is served in production. */
export async function startApp(deps: AppDeps): Promise<TestApp> {
  const logged: RequestLog[] = [];
  const app = createApp({
    ...deps,
    log: (entry) => {
      logged.push(entry);
      deps.log(entry);
    },
  });
  const served = await serveOnLoopback(app);
  return {
    url: served.url,
    ask: (path, options) => ask(served.url, path, options),
    logged,
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

/** Serves on a free port of loopback; an error of the server fails the test run as an uncaught one. */
export function serveOnLoopback(
  app: Parameters<typeof serve>[0],
  signal = new AbortController().signal,
): Promise<Served> {
  return serve(app, {
    host: '127.0.0.1',
    port: 0,
    signal,
    onError: (error) => {
      throw error;
    },
  });
}
