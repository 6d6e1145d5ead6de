import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EXIT } from '#src/cli/exit-codes.ts';
import { hotkeyOf, MINERS } from '#src/cli/subnet/cast.ts';
import type { Env } from '#src/cli/subnet/validators.ts';
import { MAX_RESULT_BYTES } from '#src/handlers/read-result.ts';
import { projectors } from '#src/projectors/all.ts';
import type { NatsRole } from '#src/runtime/nats-server-config.ts';
import { eventsOf, readLog } from '../support/live-log.ts';
import { type LiveRun, liveRun, measuredLines } from '../support/live-run.ts';
import { type LiveSubnet, liveSubnet } from '../support/live-subnet.ts';
import { PROCESS_TEST_TIMEOUT_MS } from '../support/live-until.ts';
import { eirelHere, type Finished } from '../support/process-eirel.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

const QUALITY = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

let subnet: LiveSubnet;
let run: LiveRun;
beforeAll(async () => {
  subnet = await liveSubnet({ validators: ['v1'] });
  run = liveRun(7, subnet.chain.block());
});
afterAll(() => subnet[Symbol.asyncDispose]());

/** Runs a command on the validator's log, or with it, in the role that is right for most. */
async function eirel(argv: readonly string[], role: NatsRole = 'operator', changes: Env = {}) {
  return eirelHere(argv, { ...(await subnet.cliEnvironment('v1', role)), ...changes });
}

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(subnet.dir, name);
  await writeFile(file, content);
  return file;
}

const headOf = async () => (await readLog(subnet.nats, 'v1')).head;

test('a wrong password and an unknown user are told from a server that is away', async () => {
  const password = await fileOf('wrong.password', 'not the password');
  for (const changes of [{ EIREL_NATS_PASSWORD_FILE: password }, { EIREL_NATS_USER: 'nobody' }]) {
    for (const argv of [['replay'], ['runs', 'close', 'general_chat', 'run-1']]) {
      const { code, err } = await eirel(argv, 'operator', changes);
      expect(code).toBe(EXIT.unavailable);
      expect(err).toContain(`log.unavailable: server: ${subnet.nats.url}`);
      expect(err).toMatch(/authorization violation/i);
    }
  }
});

test('a role that may not command is told so', async () => {
  const { code, err } = await eirel(['runs', 'close', 'general_chat', 'run-7'], 'reader');
  expect(code).toBe(EXIT.unavailable);
  expect(err).toMatch(/permissions violation/i);
});

/** Descriptors of a run that no validator opens, and what the refusal names. */
const refusedRuns: readonly [what: string, (run: LiveRun) => unknown, fault: string][] = [
  ['no JSON', () => undefined, 'field: input, value: , expected: JSON'],
  ['a list', () => [], 'expected object, received array'],
  ['a field that is missing', (good) => ({ ...good, roster: undefined }), 'at roster'],
  ['a field too many', (good) => ({ ...good, color: 'red' }), 'Unrecognized key: "color"'],
  ['a bad run id', (good) => ({ ...good, run: 'run-007' }), 'a run id such as run-7'],
  [
    'miners twice',
    (good) => ({ ...good, miners: [...good.miners, ...good.miners] }),
    'sorted, without repeats',
  ],
  ['no tasks', (good) => ({ ...good, tasks: [] }), 'at tasks'],
  [
    'phases out of order',
    (good) => ({ ...good, phases: { ...good.phases, decide: good.phases.commit } }),
    'phases in the order snapshot < commit < decide < certify',
  ],
  [
    'phases that have passed',
    (good) => ({ ...good, phases: { snapshot: 1, commit: 2, decide: 3, certify: 4 } }),
    'field: phases.commit, value: 2, expected: a block after 2',
  ],
];

test.for(refusedRuns)(
  'a run with %s is refused, and nothing is recorded',
  async ([, change, fault]) => {
    const file = await fileOf('refused.json', JSON.stringify(change(run)) ?? '');
    const before = await headOf();
    const { code, out, err } = await eirel(['runs', 'open', file]);
    expect({ code, out }).toEqual({ code: EXIT.refused, out: '' });
    expect(err).toMatch(/^eirel: input\.invalid: field: /);
    expect(err).toContain(fault);
    expect(await headOf()).toEqual(before);
  },
);

test('a run is opened once; again changes nothing, and with other content it is refused', async () => {
  const file = await fileOf('run.json', JSON.stringify(run));
  expect(await eirel(['runs', 'open', file, '--json'])).toMatchObject({
    code: EXIT.ok,
    out: '{"opened":true}\n',
  });
  const opened = await headOf();
  expect(await eirel(['runs', 'open', file])).toMatchObject({
    code: EXIT.ok,
    out: 'nothing to do: it was opened before\n',
  });
  const other = await fileOf('other.json', JSON.stringify({ ...run, tasks: ['another'] }));
  const earlier = await fileOf('earlier.json', JSON.stringify({ ...run, run: 'run-6' }));
  for (const changed of [other, earlier]) {
    const { code, err } = await eirel(['runs', 'open', changed]);
    expect(code).toBe(EXIT.refused);
    expect(err).toContain('expected: a run after run-7');
  }
  expect(await headOf()).toEqual(opened);
});

const lines = (): readonly string[] => measuredLines(run, 'v1', QUALITY);

test('an import refuses bad lines by number and reason, and the rest goes in', async () => {
  const [first = '', second = '', third = ''] = lines();
  const changed = (changes: object): string => JSON.stringify({ ...JSON.parse(first), ...changes });
  const results = (JSON.parse(first) as { miner_results: object[] }).miner_results; // safe: as written in live-run
  const withResult = (changes: object): string =>
    changed({ miner_results: [{ ...results[0], ...changes }] });
  const content: readonly [line: string | Uint8Array, reason: RegExp | null][] = [
    [first, null],
    ['', null],
    ['{"run_id":', /not JSON/],
    [Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
    [changed({ run_id: 'run-8' }), /run_id: run-8 of general_chat was never opened/],
    [changed({ family_id: 'other' }), /run_id: run-7 of other was never opened/],
    [changed({ task_id: 'task-9' }), /task_id: task-9 is not in the run's task set/],
    [changed({ miner_results: [] }), /miner_results: .*, got \[\]/],
    [changed({ miner_results: [results[0], results[0]] }), /twice/],
    [withResult({ miner_hotkey: hotkeyOf('stranger') }), /is not in the run's roster/],
    [withResult({ miner_hotkey: 'nobody' }), /miner_hotkey: an ss58 address .*, got "nobody"/],
    [withResult({ final_task_score: 1.5 }), /final_task_score: .*, got 1.5/],
    [withResult({ final_task_score: -0.1 }), /final_task_score: .*, got -0.1/],
    [withResult({ final_task_score: '0.5' }), /final_task_score: .*, got "0.5"/],
    [withResult({ verdict: 'great' }), /verdict: .*, got "great"/],
    [withResult({ final_task_score: null }).replace('null', 'NaN'), /not JSON/],
    [withResult({ final_task_score: null }).replace('null', '1e999'), /final_task_score/],
    [withResult({ final_task_score: 0.123 }), /has another result already; the first one stands/],
    [second.replace('{"run_id"', '{"note":"a\u2028b\u2029c","run_id"'), null],
    [`{"x":"${'x'.repeat(MAX_RESULT_BYTES)}"}`, /longer than 786432 bytes/],
    [third, null],
  ];
  const file = await fileOf(
    'results.jsonl',
    Buffer.concat(content.flatMap(([line]) => [Buffer.from(line as string), Buffer.from('\n')])), // safe: Buffer.from takes both
  );
  const { code, out } = await eirel(['scores', 'import', file, '--json']);
  expect(code).toBe(EXIT.refused);
  const report = JSON.parse(out) as {
    accepted: number;
    refused: { line: number; reason: string }[];
  }; // safe: our own program wrote it
  const expected = content.flatMap(([, reason], index) =>
    reason === null ? [] : [{ line: index + 1, reason: expect.stringMatching(reason) }],
  );
  expect(report.refused).toEqual(expected);
  expect(report.accepted).toBe(3);
  const scores = eventsOf(await readLog(subnet.nats, 'v1'), 'fact.sealed.v1', run.run);
  expect(scores).toHaveLength(3 * MINERS.length);

  const before = await headOf();
  const again = await eirel(['scores', 'import', file]);
  expect(again.code).toBe(EXIT.refused);
  expect(again.out).toContain(`0 lines imported, 3 were there before, ${expected.length} refused`);
  expect(again.out).toContain('  line 3: not JSON');
  expect(await headOf()).toEqual(before);
});

test('scores are tailed and projected with the sealing secret, and without it only seen to be there', async () => {
  const { EIREL_SIGNING_DIR: signing = '' } = await subnet.environment('v1');
  const tail = (dir: string) =>
    eirel(['tail', 'validator.score.>', '--no-follow'], 'reader', { EIREL_SIGNING_DIR: dir });
  const lines = 3 * MINERS.length;
  const known = await tail(signing);
  expect(known.out.match(/ score\.recorded\.v1 .*: 0\.\d+ \(final\)\n/g)).toHaveLength(lines);
  const elsewhere = join(subnet.dir, 'elsewhere');
  const sealed = await tail(elsewhere);
  expect(sealed.out.match(/ fact\.sealed\.v1 .* score\.recorded\.v1 /g)).toHaveLength(lines);
  expect(sealed.out).not.toContain('final');

  const rebuild = (dir: string) =>
    eirel(['rebuild', 'score-store', '--json'], 'reader', {
      EIREL_SIGNING_DIR: dir,
      EIREL_DATA_DIR: join(subnet.dir, 'rebuilt'),
    });
  expect(JSON.parse((await rebuild(signing)).out)).toMatchObject({ projection: 'score-store' });
  expect(await rebuild(elsewhere)).toMatchObject({
    code: EXIT.config,
    err: expect.stringMatching(/key\.invalid: .*seal\.key.*EIREL_SIGNING_DIR/),
  });
  const { sealed: runs } = JSON.parse((await eirel(['replay', '--json'], 'reader')).out);
  expect(runs).toMatchObject([{ run: run.run, facts: lines }]);
});

test('a file of several requests keeps its line numbers, and imported again it changes nothing', async () => {
  const blank = Array.from({ length: 450 }, () => '');
  const content = [...blank, 'x', ...lines().slice(3), ...blank, 'y'];
  const file = await fileOf('long.jsonl', content.join('\r\n'));
  const { out } = await eirel(['scores', 'import', file, '--json']);
  expect(JSON.parse(out)).toMatchObject({
    accepted: 1,
    refused: [{ line: 451 }, { line: content.length }],
  });
  const before = await headOf();
  const good = await fileOf('good.jsonl', lines().slice(3).join('\n'));
  const again = await eirel(['scores', 'import', good, '--json']);
  expect(again.code).toBe(EXIT.ok);
  expect(JSON.parse(again.out)).toMatchObject({ accepted: 0, repeated: 1, refused: [] });
  expect(await headOf()).toEqual(before);
  const empty = await eirel(['scores', 'import', await fileOf('empty.jsonl', '')]);
  expect(empty).toMatchObject({ code: EXIT.ok, out: expect.stringContaining('0 lines imported') });
});

test('a run is closed once, and takes no scores after that', async () => {
  expect(await eirel(['runs', 'close', run.family, run.run])).toMatchObject({
    code: EXIT.ok,
    out: 'closed\n',
  });
  const before = await headOf();
  expect(await eirel(['runs', 'close', run.family, run.run, '--json'])).toMatchObject({
    code: EXIT.ok,
    out: '{"closed":false}\n',
  });
  const late = await eirel(['scores', 'import', await fileOf('late.jsonl', lines()[0] ?? '')]);
  expect(late).toMatchObject({ code: EXIT.refused, out: expect.stringContaining('is closed') });
  expect(await headOf()).toEqual(before);
});

test.for([
  [
    'general_chat run-99',
    'field: run, value: general_chat/run-99, expected: a run that was opened',
  ],
  ['general_chat 7', 'a run id such as run-7'],
  ['General run-7', 'a family such as general_chat'],
])('closing %s is refused', async ([names = '', fault]) => {
  const { code, err } = await eirel(['runs', 'close', ...names.split(' ')]);
  expect(code).toBe(EXIT.refused);
  expect(err).toContain(fault);
});

test('every reading command prints JSON with --json, one document a line', async () => {
  const file = join(subnet.dir, 'log.jsonl');
  const { size, hash } = await headOf();
  const documents = async (...argv: string[]): Promise<unknown[]> => {
    const { code, out, err }: Finished = await eirel([...argv, '--json'], 'reader');
    expect({ argv, code, err: code === EXIT.ok ? '' : err }).toEqual({ argv, code: 0, err: '' });
    return out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  };
  expect(await documents('replay')).toMatchObject([{ events: size, hash, decisions: [] }]);
  expect(await documents('tail', '--no-follow')).toHaveLength(size);
  expect(await documents('tail', '--no-follow', '--from', String(size - 1))).toHaveLength(1);
  expect(await documents('export', file)).toEqual([{ file, events: size, hash }]);
  expect(await documents('streams', 'verify')).toEqual([{ stream: 'validator', drift: [] }]);
  expect(await documents('rebuild')).toHaveLength(Object.keys(projectors).length);
  expect(await documents('rebuild', 'run-state')).toMatchObject([{ events: size }]);
});

test('a log that is not the expected one is refused', async () => {
  for (const argv of [
    ['replay'],
    ['tail', '--no-follow'],
    ['export', join(subnet.dir, 'x')],
    ['rebuild'],
  ]) {
    const { code, err } = await eirel(
      [...argv, '--source', 'eirel.network/log/v1/another'],
      'reader',
    );
    expect(code).toBe(EXIT.mismatch);
    expect(err).toContain('instead of eirel.network/log/v1/another');
  }
});

test('an export that cannot be written names its file and leaves nothing behind', async () => {
  const file = join(subnet.dir, 'no', 'such', 'folder.jsonl');
  const { code, err } = await eirel(['export', file], 'reader');
  expect(code).toBe(EXIT.refused);
  expect(err).toContain(`file.unreadable: file: ${file}, expected: a file to write`);
  const folder = await eirel(['export', subnet.dir], 'reader');
  expect(folder).toMatchObject({ code: EXIT.refused, err: expect.stringContaining(subnet.dir) });
});

test('a command to a validator that does not run says so at once', async () => {
  await subnet.processOf('v1').kill();
  const { code, err } = await eirel(['runs', 'close', run.family, run.run]);
  expect(code).toBe(EXIT.unavailable);
  expect(err).toContain('no validator answers, next: start it with `eirel validator`');
});
