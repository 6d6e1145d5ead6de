import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { PROCESS_TEST_TIMEOUT_MS, until } from '../support/live-until.ts';
import { endGroup, finish, ROOT, settings } from '../support/process-eirel.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

/**
 * What runs this very test, or what runs before it: that it is there is all that can be checked from here. `npm start`
 * is run by subnet.test.ts, to see that it ends by itself and what it leaves, and below, to see what it prints.
 */
const RUN_ELSEWHERE = new Set(['npm test', 'npm run check', 'npm start']);

/** A block of commands in the README: `sh` ends by itself, `sh keep` runs until Ctrl-C. */
type Block = Readonly<{ kind: string; script: string }>;

const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```(sh[^\n]*)\n(.*?)^```$/gms)].map(
  ([, kind = '', script = '']): Block => ({ kind, script: script.trim() }),
);
const commands = blocks.filter(({ kind }) => kind === 'sh');
const kept = blocks.filter(({ kind }) => kind === 'sh keep');

/** What each run of `npm start` is told by, at the start of a line. */
const SHOWN = [
  'medians',
  'outcome',
  'incumbent',
  'quorum',
  'excluded',
  'committed',
  'incentive',
  // Those that were decided, and those that the chain took.
  'weights {4}',
  'weights set',
];

/** With the end of the audit, and with where to look, everything is told. */
const TOLD_LAST = [
  /^ {2}evidence {4}.*, verified offline: .*\n/m,
  / npm run eirel -- audit log .*\n/,
];

const running = new Set<number>();
afterAll(() => {
  // Each leads a group of its own; none is left when all went well.
  for (const pid of running) endGroup(pid, 'SIGKILL');
});

test('the README has commands to run, and every block of them is of a known kind', () => {
  expect(blocks.length).toBeGreaterThan(2);
  expect(commands.length + kept.length).toBe(blocks.length);
});

test('every npm script that the README names is there', () => {
  const named = [...readme.matchAll(/npm run ([a-z:]+)|npm (start|test)/g)].map(
    ([, script, own]) => script ?? own ?? '',
  );
  expect(named).toContain('start');
  expect(Object.keys(packageJson.scripts)).toEqual(expect.arrayContaining(named));
});

const scripts = commands.map(({ script }) => script).filter((script) => !RUN_ELSEWHERE.has(script));

test.for(scripts)('$ %s', async (script) => {
  const { code, err } = await finish('sh', ['-ec', script], settings());
  expect(code, err).toBe(0);
});

test.for(kept.map(({ script }) => script))(
  '$ %s, until Ctrl-C, at the addresses that it prints',
  async (script) => {
    const child = spawn('sh', ['-ec', `exec ${script}`], {
      cwd: ROOT,
      env: settings(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const pid = child.pid ?? 0;
    running.add(pid);
    const exit = once(child, 'exit');
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const told = await until(
      'it says where to look',
      // Two streams: what comes last on each may be heard first.
      () => TOLD_LAST.every((last) => last.test(output)) && output,
      PROCESS_TEST_TIMEOUT_MS,
    );

    expectToldOfRuns(told);

    const urls = [...told.matchAll(/^ {2}v[1-4] +(http:\S+)$/gm)].map(([, url = '']) => url);
    expect(urls).toHaveLength(4);
    const paths = told
      .match(/ (\/(?:v1\/|readyz|metrics|openapi|log\/|bundle\/|audit)\S*)/g)
      ?.map((path) => path.trim());
    expect(paths?.length).toBeGreaterThan(10);
    for (const url of urls) {
      for (const path of paths ?? [])
        expect((await fetch(`${url}${path}`)).status, `${url}${path}`).toBe(200);
    }
    const commandWith = (text: string): string =>
      told.split('\n').find((line) => line.includes(`npm run eirel -- ${text}`)) ?? '';
    const replayed = await finish('sh', ['-ec', commandWith('replay')], settings());
    expect(replayed.code, replayed.err).toBe(0);
    expect(replayed.out.match(/^decision .*: equal$/gm)).toHaveLength(3);
    const audited = await finish('sh', ['-ec', commandWith('audit log')], settings());
    expect(audited.code, audited.out).toBe(0);
    expect(audited.out).toMatch(/^clean$/m);

    // As a terminal does: to everybody in the foreground.
    process.kill(-pid, 'SIGINT');
    await exit;
    running.delete(pid);
    for (const url of urls) {
      const gone = () =>
        fetch(url).then(
          () => false,
          () => true,
        );
      expect(await until(`nobody serves ${url}`, gone)).toBe(true);
    }
  },
);

/** Each run is told of whole, the evidence once, and the audit of all four logs. */
function expectToldOfRuns(out: string): void {
  for (const run of ['run-1', 'run-2', 'run-3']) expect(out).toContain(`${run}: `);
  for (const shown of SHOWN)
    expect(out.match(new RegExp(`^ {2}${shown} `, 'gm')), shown).toHaveLength(3);
  expect(out.match(/^ {2}evidence {4}v4 committed to report /gm)).toHaveLength(1);
  expect(out).toContain('v4 (equivocated)');
  expect(out.match(/^ {2}certificate .* signed: /gm)).toHaveLength(3);
  expect(out.match(/^ {2}v[123] +clean: [0-9]+ events, 3 decisions; /gm)).toHaveLength(3);
  expect(out.match(/^ {2}v4 +CAUGHT: /gm)).toHaveLength(1);
  expect(out.match(/^ {2}evidence {4}.*, verified offline: /gm)?.length).toBeGreaterThan(0);
}
