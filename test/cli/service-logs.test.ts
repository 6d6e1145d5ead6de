import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT } from '#src/cli/exit-codes.ts';
import { type Env, environmentOf } from '#src/cli/subnet/validators.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { ledgerSource, ownerSource } from '#src/events/source.ts';
import { type LogName, subjectOf } from '#src/events/subjects.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { ledgerEvents, ownerEvents } from '../support/evaluation-events.ts';
import { ledgerLog } from '../support/honest-ledger.ts';
import { GENESIS, NETUID, SELF } from '../support/honest-log.ts';
import { type TestNatsServer, testAccount, testNatsServer } from '../support/nats-server.ts';
import { eirelHere } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const account = testAccount('services', ['ledger', 'owner']);
const copy = testAccount('copy', ['ledger']);
const PLACE = { family: 'general_chat', run: 'run-7' };
const NAME = { genesis: GENESIS, netuid: NETUID, hotkey: SELF.hotkey };
const LEDGER = ledgerLog(ledgerEvents(PLACE), ledgerSource(NAME)).payloads;
const OWNER = ledgerLog(ownerEvents(PLACE), ownerSource(NAME)).payloads;

let server: TestNatsServer;
let dir: string;
let env: Env;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  dir = cleanup.use(await scratchDirectory()).path;
  server = cleanup.use(await testNatsServer({ accounts: [account, copy] }));
  env = {
    ...(await environmentOf(account, 'reader', { dir, natsUrl: server.url })),
    EIREL_DATA_DIR: join(dir, 'data'),
  };
  await store('ledger', ledgerEvents(PLACE), LEDGER);
  await store('owner', ownerEvents(PLACE), OWNER);
});
afterAll(() => cleanup.disposeAsync());

async function store(
  log: LogName,
  events: readonly DomainEvent[],
  payloads: readonly Uint8Array[],
): Promise<void> {
  const admin = await server.connectAs('admin', account.name);
  await applyStream(admin, streamConfig(log));
  await admin.close();
  const writer = await server.connectAs('writer', account.name);
  for (const [index, event] of events.entries())
    await writer.request(subjectOf(log, event), payloads[index]);
  await writer.close();
}

test('the first word of a subject says which log is followed', async () => {
  for (const [subject, payloads] of [
    ['ledger.>', LEDGER],
    ['ledger.tool.>', LEDGER.slice(1, 2)],
    ['owner.>', OWNER],
  ] as const) {
    const { code, out } = await eirelHere(['tail', subject, '--no-follow', '--json'], env);
    expect({ subject, code, out }).toEqual({
      subject,
      code: EXIT.ok,
      out: payloads.map((payload) => `${Buffer.from(payload).toString()}\n`).join(''),
    });
  }
  expect((await eirelHere(['tail', 'proxy.>'], env)).code).toBe(EXIT.usage);
});

test('projections of a ledger and of an owner are derived anew from their own logs', async () => {
  const rebuilt = async (...argv: readonly string[]) => {
    const { out } = await eirelHere(['rebuild', ...argv, '--json'], env);
    const lines = out.trim().split('\n');
    return lines.map((line) => (JSON.parse(line) as { projection: string }).projection);
  };
  expect(await rebuilt('ledger')).toEqual(['ledger']);
  expect(await rebuilt('owner-registry')).toEqual(['owner-registry']);
  expect(await rebuilt('--log', 'owner')).toEqual(['owner-registry', 'owner-evaluations']);
  const { code } = await eirelHere(['rebuild', 'ledger', '--log', 'owner'], env);
  expect(code).not.toBe(EXIT.ok);
});

test('an exported ledger is audited, as its stream is, and fills an empty stream of its kind', async () => {
  const file = join(dir, 'ledger.jsonl');
  const exported = await eirelHere(['export', file, '--log', 'ledger'], env);
  expect(exported.code).toBe(EXIT.ok);
  expect(await readFile(file)).toEqual(
    Buffer.concat(LEDGER.flatMap((payload) => [payload, Buffer.from('\n')])),
  );
  for (const log of [file, 'stream']) {
    const { code, out } = await eirelHere(['audit', 'log', log, '--log', 'ledger', '--json'], env);
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(out)).toMatchObject({ size: LEDGER.length, faults: [], ledger: { jobs: 1 } });
  }
  const told = await eirelHere(['audit', 'log', 'stream', '--log', 'owner'], env);
  expect(told).toMatchObject({ code: EXIT.ok });
  expect(told.out).toContain('clean');

  const admin = await server.connectAs('admin', copy.name);
  await applyStream(admin, streamConfig('ledger'));
  await admin.close();
  const writer = await environmentOf(copy, 'writer', { dir, natsUrl: server.url });
  expect(await eirelHere(['import', file], writer)).toMatchObject({ code: EXIT.ok });
});

test('a ledger that was altered is told with the exact event, and a name of no log is refused', async () => {
  const file = join(dir, 'altered.jsonl');
  const altered = LEDGER.map((payload, at) => {
    const text = Buffer.from(payload).toString();
    return at === 1 ? text.replace('"latencyMs":12', '"latencyMs":13') : text;
  });
  await writeFile(file, `${altered.join('\n')}\n`);
  const { code, out } = await eirelHere(['audit', 'log', file, '--log', 'ledger'], env);
  expect(code).toBe(EXIT.mismatch);
  expect(out).toContain('event 2: chain-broken');
  expect((await eirelHere(['audit', 'log', file, '--log', 'proxy'], env)).code).toBe(EXIT.usage);
});
