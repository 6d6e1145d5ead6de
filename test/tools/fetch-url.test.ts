import { describe, expect, test } from 'vitest';
import { fetchPage, type GetOnce } from '#src/handlers/tools/fetch-page.ts';
import { fetchUrl } from '#src/handlers/tools/fetch-url.ts';
import { createHostRate } from '#src/handlers/tools/host-rate.ts';
import { postFetch } from '#src/http/tools/post-fetch.ts';
import { createPeerClient, type PeerLimits } from '#src/runtime/peer-client.ts';
import {
  type HostileServer,
  serveAnswer,
  serveBytes,
  serveDrip,
  serveEndless,
  serveGzipBomb,
  serveHttp,
  serveSilence,
} from '../support/hostile-servers.ts';
import { JOB, toolSite } from '../support/tool-site.ts';

const QUICK: Partial<PeerLimits> = {
  totalTimeoutMs: 2_000,
  headersTimeoutMs: 300,
  ratePeriodMs: 200,
  rateBytesPerPeriod: 1_024,
};

/** The service with the real client; where `site` is given, `http://site.example` is that server on loopback, and no other address of this machine is reached. */
async function fetchSite({ site }: { site?: HostileServer } = {}) {
  const strict = createPeerClient({ allowLoopback: false, limits: QUICK });
  const loose = createPeerClient({ allowLoopback: true, limits: QUICK });
  const get: GetOnce = (url, options) =>
    site !== undefined && url.startsWith('http://site.example/')
      ? loose.get(url.replace('http://site.example/', site.url), options)
      : (site === undefined ? loose : strict).get(url, options);
  const clock = { ms: 0 };
  const served = await toolSite('url-fetch', ({ calls, admission }) => {
    const deps = {
      ...calls,
      get,
      hosts: createHostRate(() => clock.ms),
      quota: 12,
      price: 500_000,
    };
    return [postFetch({ ...admission, fetch: (caller, body) => fetchUrl(caller, body, deps) })];
  });
  return {
    clock,
    ledger: served.ledger,
    fetch: async (url: string, more = {}) => {
      const { status, json } = await served.post('/v1/fetch', { url, ...more });
      return { status, body: json() };
    },
    [Symbol.asyncDispose]: async () => {
      await served[Symbol.asyncDispose]();
      await strict[Symbol.asyncDispose]();
      await loose[Symbol.asyncDispose]();
    },
  };
}

describe('POST /v1/fetch', () => {
  test('gives a page with the fields of the existing service, and attests it', async () => {
    const html = '<title>T</title><main>Hello <a href="/x">there</a></main>';
    await using server = await serveAnswer(
      200,
      { 'content-type': 'text/html; charset=utf-8' },
      html,
    );
    await using site = await fetchSite();
    const url = `${server.url}page`;
    expect(await site.fetch(url)).toEqual({
      status: 200,
      body: {
        url,
        final_url: url,
        title: 'T',
        content: 'Hello there',
        links: [{ href: `${server.url}x`, text: 'there' }],
        status_code: 200,
        content_type: 'text/html; charset=utf-8',
        bytes_read: html.length,
        truncated: false,
      },
    });
    const result = JSON.stringify({
      bytes_read: html.length,
      content_type: 'text/html; charset=utf-8',
      final_url: url,
      status_code: 200,
    });
    expect(site.ledger.calls).toMatchObject([
      {
        tool: 'url_fetch',
        args: `{"include_links":true,"max_chars":50000,"url":"${url}"}`,
        result: result.replaceAll('":', '": ').replaceAll(',"', ', "'),
        cost: 500_000,
        status: 'ok',
      },
    ]);
  });

  test('gives any other text as it is, cut where the caller wants it', async () => {
    await using server = await serveAnswer(
      200,
      { 'content-type': 'text/plain; charset=iso-8859-1' },
      Buffer.from(`caf\xe9 ${'x'.repeat(200)}`, 'latin1'),
    );
    await using site = await fetchSite();
    const { body } = await site.fetch(server.url, { max_chars: 100, include_links: false });
    expect(body).toMatchObject({ title: '', content: `café ${'x'.repeat(95)}...`, links: [] });
  });

  test('gives an error page, and attests it as an error', async () => {
    await using server = await serveAnswer(404, { 'content-type': 'text/plain' }, 'gone');
    await using site = await fetchSite();
    expect(await site.fetch(server.url)).toMatchObject({
      status: 200,
      body: { status_code: 404, content: 'gone' },
    });
    expect(site.ledger.calls).toMatchObject([{ status: 'error', error: 'status 404' }]);
  });

  test('follows five redirects, and no sixth', async () => {
    await using server = await serveHttp((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(302, { location: `${left - 1}` }).end();
    });
    await using site = await fetchSite();
    expect(await site.fetch(`${server.url}5`)).toMatchObject({
      status: 200,
      body: { final_url: `${server.url}0`, content: 'there' },
    });
    expect(await site.fetch(`${server.url}6`)).toEqual({
      status: 502,
      body: { detail: { error: 'fetch_failed', reason: 'more than 5 redirects' } },
    });
  });

  test('refuses what is not of its form with 422', async () => {
    await using site = await fetchSite();
    for (const more of [
      { url: '' },
      { url: 'x'.repeat(2_049) },
      { max_chars: 99 },
      { max_chars: 500_001 },
      { include_links: 'yes please' },
    ])
      expect(await site.fetch('http://site.example', more)).toMatchObject({ status: 422 });
    expect(site.ledger.calls).toEqual([]);
  });
});

test('a job has twelve pages, in the words of the existing service', async () => {
  await using server = await serveAnswer(200, {}, 'x');
  await using site = await fetchSite();
  const answers: { status: number; body: unknown }[] = [];
  for (let page = 0; page < 13; page += 1) {
    answers.push(await site.fetch(`${server.url}${page}`));
    site.clock.ms += 10_000;
  }
  expect(answers.map(({ status }) => status)).toEqual([...Array(12).fill(200), 429]);
  expect(answers.at(-1)?.body).toEqual({
    detail: { error: 'url_fetch_quota_exhausted', max_requests: 12 },
  });
  expect(site.ledger.calls).toHaveLength(12);
});

describe('a miner that wants to reach inside', () => {
  test.for([
    'http://127.0.0.1/',
    'http://localhost:8093/v1/internal',
    'http://[::1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.1/',
    'http://0x7f000001/',
    'http://2130706433/',
    'http://[::ffff:127.0.0.1]/',
    'http://user:password@example.com/',
    'file:///etc/passwd',
    'gopher://example.com/',
    'http://example.com:6379/',
    'not a url',
  ])('is refused: %s', async (url) => {
    await using site = await fetchSite({ site: UNUSED });
    const { status, body } = await site.fetch(url);
    expect([status, body]).toMatchObject([400, { detail: { error: 'ssrf_blocked' } }]);
    expect(site.ledger.calls).toMatchObject([{ status: 'error', cost: 0, error: 'ssrf_blocked' }]);
  });

  test('is refused at every redirect on the way', async () => {
    await using victim = await serveAnswer(200, {}, 'secret');
    for (const location of [
      victim.url,
      'http://169.254.169.254/latest/meta-data/',
      'file:///etc/passwd',
      'ftp://example.com/',
      '//127.0.0.1/',
      `http://[::1]:${victim.port}/`,
    ]) {
      await using server = await serveAnswer(307, { location }, '');
      await using site = await fetchSite({ site: server });
      const { status, body } = await site.fetch('http://site.example/');
      expect([status, body], location).toMatchObject([400, { detail: { error: 'ssrf_blocked' } }]);
    }
    expect(victim.connectionCount()).toBe(0);
  });
});

describe('a hostile server', () => {
  test('that redirects for ever is given up', async () => {
    await using server = await serveAnswer(302, { location: '/again' }, '');
    await using site = await fetchSite();
    expect(await site.fetch(server.url)).toMatchObject({ status: 502 });
    expect(server.connectionCount()).toBe(6);
  });

  test('that redirects to nowhere is no page', async () => {
    await using server = await serveAnswer(304, {}, '');
    await using site = await fetchSite();
    expect(await site.fetch(server.url)).toMatchObject({ status: 502 });
  });

  test('with an endless body is read for one MiB', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n';
    await using server = await serveEndless(head, Buffer.alloc(65_536, 'x'));
    await using site = await fetchSite();
    const { body } = await site.fetch(server.url, { max_chars: 100 });
    expect(body).toMatchObject({ bytes_read: 1_048_576, truncated: true });
    expect(server.sentBytes()).toBeLessThan(16 * 1_048_576);
  });

  test('that announces a large body is read for one MiB', async () => {
    const large = Buffer.alloc(3 * 1_048_576, 'y');
    await using server = await serveAnswer(200, { 'content-type': 'text/plain' }, large);
    await using site = await fetchSite();
    expect((await site.fetch(server.url)).body).toMatchObject({
      bytes_read: 1_048_576,
      truncated: true,
    });
  });

  test('with a compressed bomb is not inflated', async () => {
    await using server = await serveGzipBomb(64 * 1_048_576);
    await using site = await fetchSite();
    expect(await site.fetch(server.url)).toMatchObject({
      status: 502,
      body: { detail: { reason: expect.stringContaining('encoding-refused') } },
    });
  });

  test('that drips, is silent, or breaks off is given up', async () => {
    await using drip = await serveDrip('HTTP/1.1 200 OK\r\n\r\n');
    await using silence = await serveSilence();
    await using broken = await serveBytes('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nx');
    await using site = await fetchSite();
    for (const { url } of [drip, silence, broken]) {
      const { status, body } = await site.fetch(url);
      expect([status, body]).toMatchObject([502, { detail: { error: 'fetch_failed' } }]);
      site.clock.ms += 10_000;
    }
    expect(site.ledger.calls.map(({ status }) => status)).toEqual(['error', 'error', 'error']);
  });
});

describe('a host', () => {
  test('is asked four times in ten seconds by each miner, whatever the others do', () => {
    const rate = createHostRate(() => 0);
    const job = (turn: string, of: string) => `task-eval=${turn};deployment=${of}`;
    for (const turn of ['a', 'b', 'c', 'd']) expect(rate.admit(job(turn, 'm'), 'h')).toBe(true);
    expect(rate.admit(job('e', 'm'), 'h')).toBe(false);
    expect(rate.admit(job('e', 'm'), 'another')).toBe(true);
    expect(rate.admit(job('a', 'n'), 'h')).toBe(true);
  });

  test('is asked four times in ten seconds over HTTP, and the fifth is attested as refused', async () => {
    await using server = await serveAnswer(200, {}, 'x');
    await using site = await fetchSite();
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await site.fetch(server.url)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 429]);
    const detail = { error: 'per_host_rate_limit_exceeded', host: '127.0.0.1' };
    expect((await site.fetch(server.url)).body).toEqual({ detail });
    site.clock.ms += 10_000;
    expect((await site.fetch(server.url)).status).toBe(200);
    expect(site.ledger.calls).toHaveLength(7);
  });

  test('is forgotten when thousands of others were asked since', () => {
    const rate = createHostRate(() => 0);
    for (let n = 0; n < 4; n++) rate.admit('j', 'a');
    expect(rate.admit('j', 'a')).toBe(false);
    for (let n = 0; n < 4_096; n++) rate.admit('j', `host-${n}`);
    expect(rate.admit('j', 'a')).toBe(true);
  });

  test('that a redirect leads to counts, too', async () => {
    const hosts = createHostRate(() => 0);
    for (let n = 0; n < 4; n++) hosts.admit(JOB, 'b.example');
    const get: GetOnce = async () => ({
      kind: 'refused',
      reason: 'redirected',
      detail: '',
      location: 'http://b.example/',
    });
    expect(await fetchPage('http://a.example/', JOB, { get, hosts })).toEqual({
      kind: 'limited',
      host: 'b.example',
    });
  });
});

/** No address of this machine is reached at all. */
const UNUSED: HostileServer = {
  url: 'http://unused.invalid',
  port: 0,
  connectionCount: () => 0,
  [Symbol.asyncDispose]: async () => {},
};
