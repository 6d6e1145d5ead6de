import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import express from 'express';
import { createApp } from '#src/http/app.ts';
import { createLogger } from '#src/runtime/logger.ts';
import { serveOnLoopback } from '../http/client.ts';
import { fakeValidator } from '../http/fake-validator.ts';
import type { HttpLoad } from './http-load.ts';
import { compare, type Rounds, type Sample } from './measure.ts';
import { signedReport } from './reports.ts';
import { type Benchmark, comparedRow } from './row.ts';

/**
 * Peers fetch the signed report, against an express that answers with a constant: once as one writes
 * it with express, once with Node's own two calls, which is the least that an answer can cost.
 */
export const http: Benchmark = {
  name: 'http',
  summary: 'signed reports served, as a share of a constant of equal size',
  measure: async (quick) => {
    const requests = quick ? 400 : 8_000;
    const rounds: Rounds = quick ? { warmUps: 0, rounds: 2 } : { warmUps: 3, rounds: 21 };
    const { bytes } = signedReport();
    const logger = createLogger('info', 'bench');
    const app = createApp(
      fakeValidator(
        {},
        {
          signedReport: async () => ({ kind: 'ready', bytes }),
          // As the validator logs requests; at this level nothing is written.
          log: (request) => logger.debug({ ...request }, 'answered'),
        },
      ),
    );
    await using ours = await serveOnLoopback(app);
    await using constant = await serveOnLoopback(
      constantApp((res) => res.type('json').send(bytes)),
    );
    const headers = ['Content-Type', 'application/json', 'Content-Length', String(bytes.length)];
    await using bare = await serveOnLoopback(
      constantApp((res) => res.writeHead(200, headers).end(bytes)),
    );
    const rate = ({ url }: { url: string }): Sample => {
      return () => requestRate({ url, path: PATH, requests, body: bytes });
    };
    const what = `GET of the signed report, ${bytes.length.toLocaleString('en-US')} bytes`;
    const row = { what, unit: 'requests/s' };
    return [
      comparedRow(
        { name: 'http-scores', ...row, against: 'res.send of a constant' },
        await compare({ subject: rate(ours), reference: rate(constant) }, rounds),
        [{ of: 'ratio', is: 'at least', bound: 0.8 }],
      ),
      comparedRow(
        { name: 'http-scores-bare', ...row, against: 'writeHead and a constant' },
        await compare({ subject: rate(ours), reference: rate(bare) }, rounds),
      ),
    ];
  },
};

const PATH = '/v1/consensus/scores/run-7';

/**
 * An express set up as ours, with one route like ours and nothing else to do. With its default
 * settings it would compute a tag of the bytes for each request, and be beaten easily.
 */
function constantApp(answer: (res: express.Response) => unknown): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', false);
  app.get('/v1/consensus/scores/:run_id', (_req, res) => {
    answer(res);
  });
  return app;
}

/** The clients run in a thread of their own, so that they and the server share no event loop. */
async function requestRate(workerData: HttpLoad): Promise<number> {
  const worker = new Worker(new URL('http-load.ts', import.meta.url), { workerData });
  // safe: the worker posts one number, or fails
  const [rate] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  return rate;
}
