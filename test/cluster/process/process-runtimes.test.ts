import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RuntimeState, Runtimes, RuntimeWanted } from '#src/cluster/cluster.ts';
import { probeHealth } from '#src/cluster/health.ts';
import { openProcessRuntimes } from '#src/cluster/process/process-runtimes.ts';
import { encode } from '#src/events/ej1.ts';
import { until } from '../../support/live-until.ts';
import { minerArchive } from '../../support/miner-archive.ts';
import { scratchDirectory } from '../../support/scratch-directory.ts';
import { wantedRuntime } from '../../support/wanted-runtime.ts';

const services = {
  providerProxy: 'http://127.0.0.1:1',
  webSearch: 'http://127.0.0.1:2',
  urlFetch: 'http://127.0.0.1:3',
  sandbox: 'http://127.0.0.1:4',
  rag: 'http://127.0.0.1:5',
};

const MANIFEST = encode({ sdk_runtime: { package_mode: 'node', entry_module: 'app.mjs' } });

/** Answers on its health path with its process id, and elsewhere with what the expression gives. */
const serving = (answer = "''") => `
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
const answer = () => { try { return ${answer}; } catch (error) { return error.code; } };
createServer((req, res) => res.end(req.url === '/healthz' ? String(process.pid) : JSON.stringify(answer())))
  .listen(process.env.MINER_RUNTIME_PORT, '127.0.0.1');
`;

async function openRuntimes(startMs = 20_000) {
  const scratch = await scratchDirectory();
  const runtimes = await openProcessRuntimes({
    folder: join(scratch.path, 'runtimes'),
    services,
    limits: { cpuSeconds: 60, memoryBytes: 256 * 1_024 * 1_024, fileBytes: 1_024 * 1_024 },
    node: process.execPath,
    startMs,
    probe: probeHealth,
    now: () => performance.now(),
  });
  return {
    ...runtimes,
    [Symbol.asyncDispose]: async () => {
      await runtimes[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

async function submission(program: string, other: Partial<RuntimeWanted> = {}) {
  const { bytes, archive } = await minerArchive({ 'app.mjs': program });
  return wantedRuntime({ archive, bytes: async () => bytes, manifest: MANIFEST, ...other });
}

async function observe(runtimes: Runtimes, wanted: RuntimeWanted): Promise<RuntimeState> {
  const found = await runtimes.reconcile([wanted]);
  const [state] = found.kind === 'known' ? found.states : [];
  if (state === undefined) throw new Error('no state of what is wanted');
  return state;
}

const settled = (runtimes: Runtimes, wanted: RuntimeWanted) =>
  until('a submission that has started or failed', async () => {
    const state = await observe(runtimes, wanted);
    return state.phase !== 'starting' && state;
  });

const ask = async (url: string | null, path = '/healthz') => (await fetch(`${url}${path}`)).text();

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a submission becomes ready, and a repeated reconcile begins nothing anew', async () => {
  await using runtimes = await openRuntimes();
  const wanted = await submission(serving());

  const state = await settled(runtimes, wanted);
  const pid = await ask(state.url);
  const again = await observe(runtimes, wanted);

  expect(state).toEqual({
    deployment: wanted.deployment,
    attempt: 1,
    phase: 'ready',
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    failure: null,
  });
  expect(again).toEqual(state);
  expect(await ask(again.url)).toBe(pid);
});

test('a submission has the documented environment and nothing of ours', async () => {
  await using runtimes = await openRuntimes();
  const { url } = await settled(runtimes, await submission(serving('process.env')));

  const environment: Record<string, string> = JSON.parse(await ask(url, '/'));

  // The shell that sets the limits adds its working folder.
  expect(Object.keys(environment).filter((name) => !/^(PWD|OLDPWD|SHLVL|_)$/.test(name))).toEqual(
    expect.arrayContaining(['MINER_SUBMISSION_ID', 'EIREL_RAG_URL', 'TMPDIR']),
  );
  expect(environment).toMatchObject({
    MINER_SUBMISSION_ID: 'sub-1',
    EIREL_PROVIDER_PROXY_URL: services.providerProxy,
  });
  expect(environment).not.toHaveProperty('PATH');
  expect(environment).not.toHaveProperty('HOME');
});

test.each([
  ["readFileSync('/etc/passwd', 'utf8')"],
  ["process.getBuiltinModule('node:child_process').execFileSync('/bin/true')"],
  ["process.getBuiltinModule('node:fs').writeFileSync(process.argv[1], '')"],
])('a submission may not %s', async (expression) => {
  await using runtimes = await openRuntimes();
  const { url } = await settled(runtimes, await submission(serving(expression)));

  expect(JSON.parse(await ask(url, '/'))).toBe('ERR_ACCESS_DENIED');
});

test('a crash before it is ready is its own failure, with the last that it said', async () => {
  await using runtimes = await openRuntimes();
  const program = "console.error('no such model'); process.exit(7);";

  const { phase, url, failure } = await settled(runtimes, await submission(program));

  expect({ phase, url, failure }).toEqual({
    phase: 'failed',
    url: null,
    failure: { reason: 'crashed', ours: false, exitCode: 7, detail: 'no such model' },
  });
});

test('a crash after it was ready is seen at the next reconcile', async () => {
  await using runtimes = await openRuntimes();
  const wanted = await submission(serving('process.exit(3)'));
  const { url } = await settled(runtimes, wanted);

  await expect(ask(url, '/')).rejects.toThrow('fetch failed');

  const failure = await until('the crash', async () => (await observe(runtimes, wanted)).failure);
  expect(failure).toMatchObject({ reason: 'crashed', ours: false, exitCode: 3 });
});

test('a submission that ends by itself has stopped serving', async () => {
  await using runtimes = await openRuntimes();

  const { failure } = await settled(runtimes, await submission(''));

  expect(failure).toMatchObject({ reason: 'exited', ours: false, exitCode: 0 });
});

test('a submission that never answers is ended after its time', async () => {
  await using runtimes = await openRuntimes(300);

  const { failure } = await settled(runtimes, await submission('setInterval(() => {}, 1_000);'));

  expect(failure).toMatchObject({ reason: 'not-ready', ours: false });
});

test('a submission that takes more memory than it may have dies of it', async () => {
  await using runtimes = await openRuntimes();
  const hog = 'const kept = []; for (;;) kept.push(Buffer.alloc(16 * 1_024 * 1_024, 1));';

  const { failure } = await settled(runtimes, await submission(hog));

  expect(failure).toMatchObject({ reason: 'crashed', ours: false });
});

test('a failed attempt is never begun again, and the next one is', async () => {
  await using runtimes = await openRuntimes();
  const wanted = await submission('process.exit(1)');
  await settled(runtimes, wanted);

  let asked = 0;
  const bytes = () => {
    asked += 1;
    return wanted.bytes();
  };
  const again = await observe(runtimes, { ...wanted, bytes });
  const next = await observe(runtimes, { ...wanted, bytes, attempt: 2 });

  expect(again.phase).toBe('failed');
  expect(next).toMatchObject({ attempt: 2, phase: 'starting' });
  expect(asked).toBe(1);
});

test('bytes that are not those of the roster never run, and blame no miner', async () => {
  await using runtimes = await openRuntimes();
  const wanted = await submission(serving(), { archive: 'ab'.repeat(32) });

  expect((await observe(runtimes, wanted)).failure).toMatchObject({ reason: 'unpack', ours: true });
});

test('an archive that does not unpack is the miner’s failure', async () => {
  await using runtimes = await openRuntimes();
  const wanted = wantedRuntime({ manifest: MANIFEST });

  expect((await observe(runtimes, wanted)).failure).toMatchObject({
    reason: 'unpack',
    ours: false,
  });
});

test.each([
  ['an unfit manifest is the miner’s failure', encode({ runtime: { health_path: 'no' } }), false],
  ['another package mode is ours', encode({}), true],
])('%s', async (_title, manifest, ours) => {
  await using runtimes = await openRuntimes();

  const { failure } = await observe(runtimes, wantedRuntime({ manifest }));

  expect(failure).toMatchObject({ reason: 'rejected', ours });
});

test('what is neither wanted nor spared any more is gone, and so is what a run had', async () => {
  await using runtimes = await openRuntimes();
  const [first, second] = [
    await submission(serving()),
    await submission(serving(), { submission: 'sub-2', run: 'run-8' }),
  ];
  const urls = await until('both of them', async () => {
    const found = await runtimes.reconcile([first, second]);
    const states = found.kind === 'known' ? found.states : [];
    return states.every(({ phase }) => phase === 'ready') && states.map(({ url }) => url);
  });
  const pids = (await Promise.all(urls.map((url) => ask(url)))).map(Number);

  const spared = [{ family: first.family, run: first.run }];
  expect(await runtimes.reconcile([second], spared)).toMatchObject({
    kind: 'known',
    states: [{ deployment: second.deployment }],
  });
  expect(pids.map(lives)).toEqual([true, true]);

  const left = await runtimes.reconcile([second]);
  expect(left).toMatchObject({ kind: 'known', states: [{ deployment: second.deployment }] });
  expect(pids.map(lives)).toEqual([false, true]);

  expect(await runtimes.endAll({ family: 'general_chat', run: 'run-8' })).toEqual({
    kind: 'ended',
  });
  expect(pids.map(lives)).toEqual([false, false]);
});

test('a submission does not outlive the process that began it, however that dies', async () => {
  await using scratch = await scratchDirectory();
  const owner = spawn(
    process.execPath,
    [join(import.meta.dirname, '../../support/run-one-submission.ts'), scratch.path],
    { stdio: 'ignore' },
  );
  const written = () => readFile(join(scratch.path, 'pid'), 'utf8').catch(() => null);
  const pid = Number(await until('its process id', written));
  expect(lives(pid)).toBe(true);

  owner.kill('SIGKILL');

  expect(await until('its end', () => !lives(pid))).toBe(true);
});
