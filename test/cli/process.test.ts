import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EXIT } from '#src/cli/exit-codes.ts';
import { type Env, environmentOf } from '#src/cli/subnet/validators.ts';
import { jetStreamStore } from '#src/runtime/jetstream-store.ts';
import { natsLink } from '#src/runtime/nats-link.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { PROCESS_TEST_TIMEOUT_MS } from '../support/live-until.ts';
import { sealedMessages } from '../support/log-drafts.ts';
import { type TestNatsServer, testAccount, testNatsServer } from '../support/nats-server.ts';
import { finish, PROGRAM, ROOT, runEirel, settings } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

/** Their text is more than a pipe holds. */
const EVENTS = 1_000;

const account = testAccount('v1', ['validator']);
let [dir, env]: [string, Env] = ['', {}];
let server: TestNatsServer;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  dir = cleanup.use(await scratchDirectory()).path;
  server = cleanup.use(await testNatsServer({ accounts: [account] }));
  const admin = await server.connectAs('admin');
  await applyStream(admin, streamConfig('validator'));
  const store = jetStreamStore(natsLink(admin, '_INBOX_v1_admin'), {
    name: 'validator',
    source: '',
  });
  await store.publish(sealedMessages(EVENTS), 0);
  await admin.close();
  env = await environmentOf(account, 'reader', { dir, natsUrl: server.url });
});
afterAll(() => cleanup.disposeAsync());

test('the exit code and both outputs of the process are those of the command', async () => {
  const failed = await runEirel(['tail', '--from', 'x']);
  expect(failed).toMatchObject({
    code: EXIT.usage,
    out: '',
    err: expect.stringContaining('--from'),
  });
  const replayed = await runEirel(['replay', '--json'], env);
  expect(replayed.code, replayed.err).toBe(EXIT.ok);
  expect(JSON.parse(replayed.out)).toMatchObject({ events: EVENTS });
});

test('a reader that stops reading ends the command without a fault', async () => {
  const shell = `"${process.execPath}" "${PROGRAM}" tail --no-follow --json | head -n 1`;
  const { code, out, err } = await finish('sh', ['-c', shell], { ...settings(), ...env });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toMatchObject({ n: 0 });
});

test.for(['SIGINT', 'SIGTERM'] as const)(
  '%s ends a command that follows the log',
  async (signal) => {
    const child = spawn(process.execPath, [PROGRAM, 'tail', '--from', String(EVENTS - 1)], {
      env: { ...settings(), ...env },
    });
    const exit = once(child, 'exit');
    await once(child.stdout, 'data');
    child.kill(signal);
    expect(await exit).toEqual([EXIT.ok, null]);
  },
);

test('without any nats-server the local subnet says what to do, and starts nothing', async () => {
  // A checkout without what setup fetches.
  for (const name of ['src', 'streams', 'package.json'])
    await cp(join(ROOT, name), join(dir, 'checkout', name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(dir, 'checkout', 'node_modules'));
  const program = join(dir, 'checkout', 'src', 'cli', 'eirel.ts');
  const bare = { PATH: dir, NATS_SERVER: process.execPath };
  const { code, out, err } = await finish(process.execPath, [program, 'subnet'], bare);
  expect({ code, out }).toEqual({ code: EXIT.unavailable, out: '' });
  expect(err).toContain('nats-server.missing: expected: nats-server 2.12.0 or later');
  expect(err).toContain('remedy: run "node scripts/setup.mjs"');
  expect(err).toContain(process.execPath);
});
