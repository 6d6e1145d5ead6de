import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { cryptoReady, verifySr25519 } from '#src/chain/hotkey.ts';
import { EXIT } from '#src/cli/exit-codes.ts';
import type { SubnetAudit } from '#src/cli/subnet/audit-subnet.ts';
import { DISHONEST, hotkeyOf, RUNNING } from '#src/cli/subnet/cast.ts';
import { accounts } from '#src/cli/subnet/local-subnet.ts';
import type { RunResult } from '#src/cli/subnet/play-run.ts';
import { type Env, environmentOf, validatorEnvironment } from '#src/cli/subnet/validators.ts';
import { verifyCertificate } from '#src/consensus/certificate.ts';
import { digestOf } from '#src/consensus/outcome.ts';
import type { Certificate } from '#src/events/decision.ts';
import { runOf } from '#src/events/define-event.ts';
import { decisions } from '#src/projectors/decisions.ts';
import { connectNats } from '#src/runtime/nats-link.ts';
import { findNatsServer, type NatsServer, startNatsServer } from '#src/runtime/nats-server.ts';
import {
  localServerConfig,
  type NatsRole,
  natsCredential,
} from '#src/runtime/nats-server-config.ts';
import { openProjection } from '#src/runtime/projection.ts';
import { eventsOf, type LiveLog, readLogAt } from '../support/live-log.ts';
import { PROCESS_TEST_TIMEOUT_MS } from '../support/live-until.ts';
import { testNatsServer } from '../support/nats-server.ts';
import { eirelHere, type Finished, finish, runEirel, settings } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

let [dir, natsUrl] = ['', ''];
let subnet: Finished;
type Audited = Readonly<{ audit: SubnetAudit }>;

let results: readonly RunResult[];
let audit: SubnetAudit | undefined;
let server: NatsServer;
const cleanup = new AsyncDisposableStack();

/** `npm start`, as the README has it, is run to its end; then its nats-server is started again over the logs that it left. */
beforeAll(async () => {
  await cryptoReady();
  dir = cleanup.use(await scratchDirectory()).path;
  subnet = await finish('sh', ['-ec', `npm start -- --json --dir ${dir}`], settings());
  const lines = linesOf(subnet.out)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as RunResult | Audited); // safe: our own program wrote them
  results = lines.filter((line) => 'run' in line);
  audit = lines.find((line) => 'audit' in line)?.audit;
  const { path } = await findNatsServer(process.env);
  const storeDir = join(dir, 'nats', 'store');
  server = cleanup.use(
    await startNatsServer({
      path,
      dir: join(dir, 'nats-again'),
      config: localServerConfig({ storeDir, accounts }),
    }),
  );
  natsUrl = server.url;
});
afterAll(() => cleanup.disposeAsync());

/** Runs a command on the log of one validator of the subnet. */
async function eirel(
  argv: readonly string[],
  role: NatsRole = 'reader',
  name: (typeof RUNNING)[number] = 'v1',
): Promise<Finished> {
  return eirelHere(argv, await envOf(name, role));
}

function envOf(name: (typeof RUNNING)[number], role: NatsRole): Promise<Env> {
  return environmentOf(accountOf(name), role, { dir, natsUrl });
}

function accountOf(name: string): (typeof accounts)[number] {
  const account = accounts.find((candidate) => candidate.name === name);
  if (account === undefined) throw new Error(`no account ${name}`);
  return account;
}

const logOf = (name: string): Promise<LiveLog> => readLogAt(natsUrl, accountOf(name));

test('the local subnet ends by itself, with a line for each of its three runs', () => {
  expect(subnet.code, subnet.err).toBe(0);
  expect(results.map(({ run }) => run)).toEqual(['run-1', 'run-2', 'run-3']);
  expect(subnet.err).toContain('3 runs decided and certified alike by all honest validators');
});

test('it ends with the audit of all logs: the honest are clean, the dishonest is caught by its own signatures', () => {
  expect(audit?.logs.map(({ validator, exitCode }) => [validator, exitCode])).toEqual(
    RUNNING.map((name) => [name, name === DISHONEST ? EXIT.mismatch : EXIT.ok]),
  );
  for (const { validator, checkpoint, faults, rules, chain, asked } of audit?.logs ?? []) {
    expect(checkpoint, validator).toBe('verified');
    expect(rules.decisions).toBe(results.length);
    const snapshots = 2 * results.length; // at the snapshot and the decide block of each run
    expect(chain.snapshots).toMatchObject({ checked: snapshots, equal: snapshots, unchecked: 0 });
    for (const { checked, equal, unchecked } of [chain.commitments, chain.anchors]) {
      expect(checked).toBeGreaterThanOrEqual(results.length);
      expect({ equal, unchecked }).toEqual({ equal: checked, unchecked: 0 });
    }
    expect(asked.anchors?.claims).toBe(results.length);
    expect(asked.observations?.claims).toBeGreaterThan(0);
    expect(asked.witnesses?.claims).toBeGreaterThan(0);
    const codes = new Set(faults.map(({ code }) => code));
    expect([...codes]).toEqual(validator === DISHONEST ? ['accused'] : []);
  }
});

test('the newest run is on chain as it is computed again from each honest log', () => {
  const honest = RUNNING.filter((name) => name !== DISHONEST);
  const same = honest.flatMap((name) => [`weights of ${name}`, `commitment of ${name}`]);
  expect(audit?.run).toEqual({ run: 'run-3', same });
});

test('the newest run’s reports are files that pass every check, and so is what the chain stored of them', () => {
  const honest = RUNNING.filter((name) => name !== DISHONEST);
  expect(audit?.bundles.map(({ validator }) => validator)).toEqual(honest);
  for (const { validator, steps } of audit?.bundles ?? []) {
    const unmade = steps.filter(({ verdict }) => verdict !== 'passed').map(({ code }) => code);
    // No witness is asked for here.
    expect(unmade, validator).toEqual(['B08']);
  }
});

test('the evidence is files that prove themselves, for anybody, offline', async () => {
  expect(audit?.evidence.map(({ kind }) => kind).toSorted()).toEqual([
    'commitment',
    'report',
    'report-vs-chain',
  ]);
  for (const { file } of audit?.evidence ?? []) {
    const genesis = String(results[0]?.inputs.genesis);
    const checked = await eirelHere(['audit', 'evidence', file, '--genesis', genesis]);
    expect(checked.code, checked.err).toBe(EXIT.ok);
    expect(checked.out).toContain(hotkeyOf(DISHONEST));
  }
});

test('the winners are the first, the kept incumbent and the challenger beyond the margin', () => {
  const outcomes = results.map(({ decision: { outcome } }) => [
    outcome.kind,
    outcome.reason,
    outcome.winner?.hotkey,
  ]);
  expect(outcomes).toEqual([
    ['winner', 'first-winner', hotkeyOf('miner-1')],
    ['winner', 'incumbent-kept', hotkeyOf('miner-1')],
    ['winner', 'challenger-won', hotkeyOf('miner-2')],
  ]);
});

test('miners are scored by what was measured: who is able wins, and what a forger claims counts for nothing', () => {
  const [first] = results;
  const measured = new Map(first?.measured.map((each) => [each.miner, each]));
  const of = (name: string) => measured.get(hotkeyOf(name));
  const used = { web_search: 2, 'rag.retrieve': 2 };
  expect(of('miner-1')).toMatchObject({ score: 1_000_000_000, judged: 6, tools: used });
  expect(of('miner-2')).toMatchObject({ judged: 6, tools: used, knockouts: [] });
  expect(of('miner-2')?.score).toBeLessThan(1_000_000_000);
  expect(of('miner-3')).toMatchObject({ score: 0, judged: 6, tools: used });
  // It knows every answer, claims that it used the tools and what it cost: two tasks of six need no tool.
  expect(of('miner-4')).toMatchObject({ score: 333_333_333, tools: {}, cost: 0 });
  expect(of('miner-5')).toMatchObject({ score: null, judged: 0, latencyMs: null });
  expect(of('miner-5')?.refused).toContain('hash-differs');
  for (const name of ['miner-1', 'miner-2', 'miner-3'])
    expect(of(name)?.cost, name).toBeGreaterThan(0);
});

test('honest validators record byte for byte the same inputs and decision of each run', async () => {
  const honest = RUNNING.filter((name) => name !== DISHONEST);
  const [first, ...others] = await Promise.all(honest.map(decisionsIn));
  expect(first).toHaveLength(2 * results.length);
  for (const other of others) expect(other).toEqual(first);
});

/** Stored data of every decision and its inputs, as text. */
async function decisionsIn(name: string): Promise<readonly string[]> {
  const log = await logOf(name);
  return [...eventsOf(log, 'inputs.gathered.v1'), ...eventsOf(log, 'decision.made.v1')].map(
    (data) => JSON.stringify(data),
  );
}

test('whoever shows two reports is found out and left out, with its second report as evidence', async () => {
  expect(statusIn('run-2', 'equivocated')).toEqual([hotkeyOf(DISHONEST)]);
  const found = await Promise.all(
    RUNNING.filter((name) => name !== DISHONEST).map(async (name) =>
      eventsOf(await logOf(name), 'equivocation.recorded.v1', 'run-2'),
    ),
  );
  for (const [evidence, ...more] of found) {
    expect(more).toEqual([]);
    expect(evidence?.hotkey).toBe(hotkeyOf(DISHONEST));
    expect(evidence?.digest).not.toBe(evidence?.firstDigest);
  }
  expect(found).toHaveLength(3);
});

test('whoever commits on chain to two reports is left out by all, with both commitments as evidence', async () => {
  // It was convicted in the run before: whatever else it does, its report counts no more.
  expect(statusIn('run-3', 'excluded')).toEqual([hotkeyOf(DISHONEST)]);
  for (const name of RUNNING.filter((running) => running !== DISHONEST)) {
    const read = eventsOf(await logOf(name), 'commitments.read.v1', 'run-3');
    const found = read.flatMap((event) => event.found).filter(({ second }) => second !== null);
    expect(found.map(({ hotkey }) => hotkey)).toEqual([hotkeyOf(DISHONEST)]);
  }
});

function statusIn(run: string, wanted: string): readonly string[] | undefined {
  return results
    .find((result) => result.run === run)
    ?.inputs.reports.filter(({ status }) => status === wanted)
    .map(({ hotkey }) => hotkey);
}

test("every honest validator's commitment and weights are on the chain, which pays the winner in the end", () => {
  for (const { run, honest, extrinsics } of results) {
    for (const name of honest) {
      const own = extrinsics.filter(({ validator }) => validator === name);
      expect(own.map(({ purpose }) => purpose).toSorted(), `${name} in ${run}`).toEqual([
        'commitment',
        'weights',
      ]);
    }
  }
  // The uids of miner-1 and miner-2.
  expect(results.map(({ paid }) => paid)).toEqual([1, 1, 2]);
});

test('each certificate verifies against the stakes of the snapshot that it names', async () => {
  const log = await logOf('v2');
  for (const { run, certificate, inputs } of results) {
    const taken = eventsOf(log, 'snapshot.taken.v1', run).find(({ phase }) => phase === 'open');
    if (taken === undefined || certificate === null) throw new Error(`${run} is not certified`);
    const { open } = certificate.outcome;
    expect(open).toMatchObject({ known: true, digest: digestOf(taken.snapshot) });
    const { voters } = taken.snapshot;
    const check = (changed: Partial<Certificate>) =>
      verifyCertificate(
        { ...certificate, ...changed },
        voters,
        inputs.rules.certificateQuorum,
        verifySr25519,
      );
    expect(check({})).toMatchObject({ kind: 'valid' });
    const later = { ...certificate.outcome, targetBlock: certificate.outcome.targetBlock + 1 };
    expect(check({ outcome: later })).toMatchObject({ reason: 'bad-signature' });
    const few = certificate.signatures.slice(0, 1);
    expect(check({ signatures: few })).toMatchObject({ reason: 'quorum-missed' });
  }
});

test('every log replays: its chain verifies and each decision comes out equal', async () => {
  for (const name of RUNNING) {
    const { code, out, err } = await eirel(['replay', '--json'], 'reader', name);
    const replayed = JSON.parse(out) as { events: number; decisions: { verdict: string }[] }; // safe: our own program wrote it
    expect(code, err).toBe(0);
    expect(replayed.decisions.map(({ verdict }) => verdict)).toEqual(['equal', 'equal', 'equal']);
    expect(replayed.events).toBe((await logOf(name)).head.size);
  }
});

test('an exported log comes back from another server with the same bytes and the same last hash', async () => {
  const [file, again] = [join(dir, 'v1.log.jsonl'), join(dir, 'again.jsonl')];
  const exported = await eirel(['export', file, '--json']);
  expect(exported.code, exported.err).toBe(0);
  const { head, payloads } = await logOf('v1');
  expect(JSON.parse(exported.out)).toMatchObject({ events: head.size, hash: head.hash });
  const bytes = await readFile(file);
  expect(bytes).toEqual(Buffer.concat(payloads.flatMap((payload) => [payload, Buffer.from('\n')])));

  const account = accountOf('v1');
  await using other = await testNatsServer({ accounts: [account] });
  const at = { dir: join(dir, 'other'), natsUrl: other.url };
  const admin = await environmentOf(account, 'admin', at);
  const writer = await environmentOf(account, 'writer', at);
  expect(await eirelHere(['streams', 'apply', '--json'], admin)).toMatchObject({
    code: 0,
    out: '{"stream":"validator","result":"created"}\n',
  });
  const imported = await eirelHere(['import', file, '--json'], writer);
  expect(imported.code, imported.err).toBe(0);
  expect(JSON.parse(imported.out)).toEqual({ ...JSON.parse(exported.out), file });
  expect((await eirelHere(['export', again], writer)).code).toBe(0);
  expect(await readFile(again)).toEqual(bytes);

  const twice = await eirelHere(['import', file], writer);
  expect(twice).toMatchObject({ code: 3, err: expect.stringContaining('an empty stream') });
});

test('tail prints the events of a subject, and with --json their stored bytes', async () => {
  const { events, payloads } = await logOf('v1');
  const scores = payloads.filter((_, index) => events[index]?.event.type === 'score.recorded.v1');
  const json = await eirel(['tail', 'validator.score.>', '--no-follow', '--json']);
  expect(json.code, json.err).toBe(0);
  expect(json.out).toBe(scores.map((payload) => `${Buffer.from(payload).toString()}\n`).join(''));

  const from = events.findLast(({ event }) => event.type === 'score.recorded.v1')?.n ?? 0;
  const text = await eirel([
    'tail',
    'validator.*.*.*.run-3',
    '--no-follow',
    '--from',
    String(from),
  ]);
  const ofRun = events.filter(({ n, event }) => n >= from && runOf(event.data)?.run === 'run-3');
  expect(linesOf(text.out)).toHaveLength(ofRun.length);
  expect(text.out).toContain('weights.observed.v1');
});

test('a rebuilt projection holds the same rows, and rebuilding shows how far it is', async () => {
  const before = await factsIn('v1');
  const rebuilt = await eirel(['rebuild', 'decisions', '--json']);
  expect(rebuilt.code, rebuilt.err).toBe(0);
  const { head } = await logOf('v1');
  expect(JSON.parse(rebuilt.out)).toMatchObject({ projection: 'decisions', events: head.size });
  expect(rebuilt.err).toContain('rebuilding decisions: 100 %');
  const after = await factsIn('v1');
  expect(before.rows.length).toBeGreaterThan(results.length);
  expect(after.rows).toEqual(before.rows);
  expect(after.head).toEqual(before.head);
});

/** All rows of a validator's decisions, from the file in use. */
async function factsIn(name: string) {
  const { source } = await logOf(name);
  await using projection = await openProjection(decisions, {
    dir: join(dir, name, 'projections'),
    source,
  });
  const rows = await projection.queries.all('SELECT * FROM fact ORDER BY n, id');
  return { rows, head: projection.head };
}

test('applying streams again changes nothing, and verifying them finds them as configured', async () => {
  expect(await eirel(['streams', 'apply'], 'admin')).toMatchObject({
    code: 0,
    out: 'stream validator: unchanged\n',
  });
  expect(await eirel(['streams', 'verify', '--json'])).toMatchObject({
    code: 0,
    out: '{"stream":"validator","drift":[]}\n',
  });
});

test('a stream that was changed is reported, not repaired, and no validator starts on it', async () => {
  const admin = await connectNats({
    url: natsUrl,
    ...natsCredential(accountOf('v4'), 'admin'),
    name: 'a test that changes a stream',
  });
  const { streams } = await jetstreamManager(admin, { checkAPI: false });
  await streams.update('validator', { duplicate_window: 60_000_000_000 });
  await admin.close();
  const { head } = await logOf('v4');

  const drift = [{ field: 'duplicate_window', expected: 120_000_000_000, found: 60_000_000_000 }];
  const verified = await eirel(['streams', 'verify', '--json'], 'reader', 'v4');
  expect(JSON.parse(verified.out)).toEqual({ stream: 'validator', drift });
  expect(verified.code).toBe(4);
  const described = await eirel(['streams', 'verify'], 'reader', 'v4');
  expect(described.out).toContain('duplicate_window: expected 120000000000, found 60000000000');
  const applied = await eirel(['streams', 'apply'], 'admin', 'v4');
  expect(applied).toMatchObject({ code: 4, err: expect.stringContaining('stream.drift') });

  // The chain is not asked for this, but its name has to be that of what was signed.
  const chain = { url: 'ws://127.0.0.1:9', genesisHash: String(results[0]?.inputs.genesis) };
  const env = await validatorEnvironment(accountOf('v4'), { dir, natsUrl, chain });
  const started = await runEirel(['validator'], env);
  expect(started).toMatchObject({ code: 4, err: expect.stringContaining('duplicate_window') });
  expect((await logOf('v4')).head).toEqual(head);
});

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
