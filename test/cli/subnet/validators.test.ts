import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { cryptoReady } from '#src/chain/hotkey.ts';
import { genesisFor } from '#src/cli/subnet/cast.ts';
import { environmentOf, validatorEnvironment } from '#src/cli/subnet/validators.ts';
import { startDevchain } from '#src/devchain/devchain.ts';
import { testAccount, testNatsServer } from '../../support/nats-server.ts';
import { eirelHere, PROGRAM, settings } from '../../support/process-eirel.ts';
import { scratchDirectory } from '../../support/scratch-directory.ts';

const TEST_TIMEOUT_MS = 60_000;

test('a validator that is a child stops in order when its parent is gone', {
  timeout: TEST_TIMEOUT_MS,
}, async () => {
  await cryptoReady();
  const account = testAccount('v1', ['validator']);
  await using dir = await scratchDirectory();
  await using server = await testNatsServer({ accounts: [account] });
  await using chain = await startDevchain(genesisFor({}), { blockMs: null, finalityLag: 0 });
  const at = { dir: dir.path, natsUrl: server.url, chain };
  const applied = await eirelHere(['streams', 'apply'], await environmentOf(account, 'admin', at));
  expect(applied.code, applied.err).toBe(0);
  const env = { ...settings(), ...(await validatorEnvironment(account, at)) };
  const argv = [PROGRAM, 'validator', '--json', '--until-stdin-ends'];
  const child = spawn(process.execPath, argv, { env, stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    const exit = once(child, 'exit');
    await once(child.stdout, 'data'); // it serves
    child.stdin.end(); // what the system does to the pipe of a parent that was killed
    expect(await exit).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
  }
});
