import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { fetchLog } from '#src/audit-page/fetch-log.ts';

type Site = AsyncDisposable &
  Readonly<{
    address: string;
    asked: readonly string[];
    pauses: readonly number[];
    log: ReturnType<typeof fetchLog>;
  }>;

async function site(answer: RequestListener): Promise<Site> {
  const asked: string[] = [];
  const pauses: number[] = [];
  const server = createServer((req, res) => {
    asked.push(req.url ?? '');
    answer(req, res);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  // safe: a server that listens on TCP has an address with a port
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`;
  const pause = async (ms: number): Promise<void> => void pauses.push(ms);
  return {
    address,
    asked,
    pauses,
    log: fetchLog(address, { pause }),
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

describe('a log over HTTP', () => {
  test('is read from the paths of tlog-tiles', async () => {
    await using served = await site((req, res) => res.end(`of ${req.url}`));
    const text = async (bytes: Promise<Uint8Array | null>) =>
      Buffer.from((await bytes) ?? []).toString();
    expect(await text(served.log.checkpoint())).toBe('of /log/checkpoint');
    expect(await text(served.log.entries(1_234_067, 256))).toBe(
      'of /log/tile/entries/x001/x234/067',
    );
    expect(await text(served.log.tile(1, 2, 3))).toBe('of /log/tile/1/002.p/3');
    expect(served.log.name).toBe(served.address);
  });

  test('has no file where the server says so, and is asked once', async () => {
    await using served = await site((_req, res) => res.writeHead(404).end('nothing'));
    expect(await served.log.tile(0, 0, 256)).toBeNull();
    expect(served.asked).toHaveLength(1);
  });

  test('is asked again after a failure of a moment', async () => {
    let failures = 2;
    await using served = await site((_req, res) => {
      failures -= 1;
      res.writeHead(failures >= 0 ? 503 : 200).end('ok');
    });
    expect(await served.log.checkpoint()).toEqual(Buffer.from('ok'));
    expect(served.pauses).toEqual([1_000, 1_000]);
  });

  test('that goes on failing is an outage, with its address and what was found', async () => {
    await using served = await site((_req, res) => res.writeHead(500).end());
    await expect(served.log.entries(0, 1)).rejects.toMatchObject({
      code: 'log.unavailable',
      details: { url: `${served.address}/tile/entries/000.p/1`, found: 'status 500' },
    });
    expect(served.asked).toHaveLength(3);
  });

  test('where nobody listens is an outage', async () => {
    const log = fetchLog('http://127.0.0.1:9/log', { pause: async () => {} }); // the discard port
    await expect(log.checkpoint()).rejects.toMatchObject({ code: 'log.unavailable' });
  });

  test('that sends without end is read only as far as a file can go', async () => {
    await using served = await site((_req, res) => {
      const more = () => {
        while (res.write(Buffer.alloc(65_536)));
        res.once('drain', more);
      };
      more();
    });
    await expect(served.log.tile(0, 0, 256)).rejects.toMatchObject({
      code: 'log.unavailable',
      details: { found: 'more than 8192 bytes' },
    });
  });
});
