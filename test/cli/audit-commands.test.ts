import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from '#src/cli/exit-codes.ts';
import { encodeDocument, signDocument } from '#src/consensus/signed.ts';
import { DIVERGENCE_TYPE } from '#src/events/divergence.ts';
import { encode, type Json } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { devSigner } from '../support/dev-keys.ts';
import { ledgerEvents } from '../support/evaluation-events.ts';
import { ledgerLog } from '../support/honest-ledger.ts';
import { GENESIS, honestLog, NETUID, noteOf, SELF, SOURCE } from '../support/honest-log.ts';
import { filesOf, type LogFiles } from '../support/memory-log.ts';
import { eirelHere } from '../support/process-eirel.ts';
import { rewritten } from '../support/rewritten-log.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const LOG = honestLog({ runs: 2, miners: 3, tasks: 2, mode: 'shadow' });
const FORK = rewritten(LOG, (event) =>
  event.type === 'weights.observed.v1' && event.data.run === 'run-2'
    ? [{ ...event, data: { ...event.data, detail: 'for other eyes' } }]
    : [event],
);
const FILES = filesOf(LOG, noteOf(LOG));

let dir: string;
let server: Server;
let url: string;
const cleanup = new AsyncDisposableStack();

beforeAll(async () => {
  dir = cleanup.use(await scratchDirectory()).path;
  await write('honest', FILES);
  const entries = Buffer.from(FILES.get(entriesName()) ?? []);
  entries[entries.length - 40] = (entries[entries.length - 40] ?? 0) ^ 1;
  await write('altered', new Map([...FILES, [entriesName(), entries]]));
  const served = new Map([...FILES].map(([path, bytes]) => [`/log/${path}`, bytes]));
  served.set(`/witness/${sha256(SOURCE)}/checkpoint`, noteOf(FORK));
  server = createServer((request, response) => {
    const bytes = served.get(request.url ?? '');
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // safe: it listens on a port
  cleanup.defer(() => void server.close());
});
afterAll(() => cleanup.disposeAsync());

const entriesName = (): string =>
  [...FILES.keys()].find((path) => path.startsWith('tile/entries/')) ?? '';

/** Writes the files of a log below a folder of that name. */
async function write(name: string, files: LogFiles): Promise<void> {
  for (const [path, bytes] of files) {
    const file = join(dir, name, 'log', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

const audit = (...argv: readonly string[]) => eirelHere(['audit', ...argv]);
const EXPECTED = ['--hotkey', SELF.hotkey, '--genesis', GENESIS, '--netuid', String(NETUID)];

describe('eirel audit log', () => {
  test('of a clean log says what it checked, and what it did not', async () => {
    const { code, out } = await audit('log', join(dir, 'honest'), ...EXPECTED);
    expect(code).toBe(EXIT.ok);
    expect(out).toContain(SOURCE);
    expect(out).toContain('2 runs, 2 decisions computed again');
    for (const option of ['--rpc', '--peer', '--witness'])
      expect(out).toContain(`not checked: no ${option}`);
    expect(out).toMatch(/clean\n$/);
  });

  test('reads the log of a validator by its URL, with and without the path', async () => {
    for (const where of [url, `${url}/log`, `${url}/log/`]) {
      const { code, out } = await audit('log', where, '--json');
      expect({ code, size: JSON.parse(out).size }).toEqual({ code: EXIT.ok, size: LOG.length });
    }
  });

  test('takes the end of the log before it reads the ledger, which may grow meanwhile', async () => {
    const ledger = join(dir, 'ledger.jsonl');
    const { payloads } = ledgerLog(ledgerEvents({ family: 'general_chat', run: 'run-1' }));
    const growing = createServer((request, response) => {
      if (request.url === '/log/checkpoint')
        writeFileSync(
          ledger,
          `${payloads.map((payload) => Buffer.from(payload).toString()).join('\n')}\n`,
        );
      const bytes = FILES.get(request.url?.slice('/log/'.length) ?? '');
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
    }).listen(0, '127.0.0.1');
    await once(growing, 'listening');
    cleanup.defer(() => void growing.close());
    const { port } = growing.address() as AddressInfo; // safe: it listens on a port
    const { code, out } = await audit('log', `http://127.0.0.1:${port}`, '--ledger', ledger);
    expect(out).toContain(`compared with ${payloads.length} events`);
    expect(code).toBe(EXIT.ok);
  });

  test('of an altered log names the exact index, what was expected, and what was found', async () => {
    const { code, out } = await audit('log', join(dir, 'altered', 'log'), '--json');
    expect(code).toBe(EXIT.mismatch);
    const { faults } = JSON.parse(out);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({
      code: 'entry-altered',
      index: LOG.length - 1,
      expected: expect.stringMatching(/^[0-9a-f]{64}$/),
      found: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const text = await audit('log', join(dir, 'altered'));
    expect(text.out).toContain(`event ${LOG.length - 1}: entry-altered\n  expected `);
    expect(text.out).toContain('1 fault\nnext: docs/auditing.md');
  });

  test('finds a fork by a witness, asked by its URL or from a file', async () => {
    const note = join(dir, 'note');
    await writeFile(note, noteOf(FORK));
    for (const witness of [url, note]) {
      const { code, out } = await audit('log', join(dir, 'honest'), '--witness', witness, '--json');
      expect(code).toBe(EXIT.mismatch);
      expect(JSON.parse(out).faults).toMatchObject([
        { code: 'log-forked', index: LOG.length, where: witness },
      ]);
    }
  });

  test('asks peers, and says when one says nothing of the log', async () => {
    const { code, out } = await audit(
      'log',
      join(dir, 'honest'),
      '--peer',
      url,
      '--genesis',
      GENESIS,
    );
    expect(code).toBe(EXIT.ok);
    expect(out).toContain(`${url} says nothing of it`);
  });

  test('for another hotkey, network or subnet is a fault', async () => {
    for (const other of [
      ['--hotkey', devSigner('v2').hotkey],
      ['--genesis', 'ab'.repeat(32)],
      ['--netuid', '1'],
    ]) {
      const { code, out } = await audit('log', join(dir, 'honest'), ...other);
      expect(code).toBe(EXIT.mismatch);
      expect(out).toContain('checkpoint-other-log');
    }
  });

  test.for<[string, readonly string[], number]>([
    ['a log that does not answer', ['log', 'http://127.0.0.1:1'], EXIT.unavailable],
    ['a folder without a log', ['log', '/'], EXIT.refused],
    ['no log', ['log'], EXIT.usage],
    ['no hotkey', ['log', '/', '--hotkey', 'x'], EXIT.usage],
    ['no hash', ['log', '/', '--genesis', 'x'], EXIT.usage],
    ['no run', ['run', 'seven', '/'], EXIT.usage],
    ['a bundle of nobody', ['bundle', '/dev/null'], EXIT.usage],
    ['no window', ['gate', '/', '--window', 'x'], EXIT.usage],
  ])('%s ends with a message and no stack', async ([, argv, expected]) => {
    const { code, out, err } = await audit(...argv);
    expect({ code, out }).toEqual({ code: expected, out: '' });
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});

describe('eirel audit run', () => {
  test('prints validators, medians, winner, vector, certificate, and what the chain was not asked', async () => {
    const { code, out } = await audit('run', 'run-2', join(dir, 'honest'));
    expect(code).toBe(EXIT.ok);
    for (const part of [
      'general_chat/run-2',
      SELF.hotkey,
      'accepted',
      'medians',
      'winner',
      'certificate',
      'not-checked: no --rpc',
    ])
      expect(out).toContain(part);
  });

  test('of a run that the log does not have is refused', async () => {
    const { code, err } = await audit('run', 'run-9', join(dir, 'honest'));
    expect(code).toBe(EXIT.refused);
    expect(err).toContain('run-9');
  });

  test('of an altered log fails, whatever the run came to', async () => {
    const { code, out } = await audit('run', 'run-1', join(dir, 'altered'), '--json');
    expect(code).toBe(EXIT.mismatch);
    expect(JSON.parse(out).faults).toMatchObject([{ code: 'entry-altered' }]);
  });
});

describe('eirel audit gate', () => {
  const summaryFile = async (change: (figures: Record<string, Json>) => void): Promise<string> => {
    const { out } = await audit('gate', join(dir, 'honest'), '--json');
    const { figures, records } = JSON.parse(out);
    const body = {
      v: 'eirel/divergence/1',
      family: 'general_chat',
      hotkey: SELF.hotkey,
      ...figures,
      records,
    };
    change(body);
    const file = join(dir, 'summary.json');
    await writeFile(file, encodeDocument(signDocument(DIVERGENCE_TYPE, encode(body), SELF)));
    return file;
  };

  test('counts what the log says', async () => {
    const { code, out } = await audit('gate', join(dir, 'honest'));
    expect(code).toBe(EXIT.ok);
    expect(out).toContain('2 of 20 closed runs, run-1 to run-2');
    expect(out).toContain('the same in 2 of 2');
    expect(out).toContain('not compared: no --expect');
  });

  test('compares with a signed summary', async () => {
    const same = await summaryFile(() => undefined);
    expect((await audit('gate', join(dir, 'honest'), '--expect', same)).code).toBe(EXIT.ok);
    const other = await summaryFile((body) => (body['recorded'] = 3));
    const { code, out } = await audit('gate', join(dir, 'honest'), '--expect', other);
    expect(code).toBe(EXIT.mismatch);
    expect(out).toContain('gate-differs');
  });

  test('says when the summary can’t be had', async () => {
    expect((await audit('gate', join(dir, 'honest'), '--expect', url)).code).toBe(EXIT.unavailable);
    expect((await audit('gate', join(dir, 'honest'), '--expect', join(dir, 'none'))).code).toBe(
      EXIT.refused,
    );
  });
});

test('eirel audit bundle tells each code of a file that is none', async () => {
  const file = join(dir, 'bundle.json');
  await writeFile(file, '{}');
  const { code, out } = await audit('bundle', file, '--hotkey', SELF.hotkey);
  expect(code).toBe(EXIT.mismatch);
  expect(out).toContain('B01');
  expect(out.split('\n').filter((line) => line.startsWith('B'))).toHaveLength(14);
  expect(out).toContain('1 failed');
  const json = await audit('bundle', file, '--hotkey', SELF.hotkey, '--json');
  expect(JSON.parse(json.out).steps[0]).toMatchObject({ code: 'B01', verdict: 'failed' });
});
