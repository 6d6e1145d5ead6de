import { expect, test } from 'vitest';
import { checkNetwork, lookAtNetwork } from '#src/cli/doctor/network-check.ts';
import { loadConfig } from '#src/config.ts';

const by = { instance: 'doctor', signal: new AbortController().signal };
const images = {
  EIREL_RUNTIME_IMAGE: `registry.example/runtime@sha256:${'1'.repeat(64)}`,
  EIREL_INIT_IMAGE: `registry.example/eirel@sha256:${'2'.repeat(64)}`,
};

test('a network is looked at only where submissions run in a cluster, and someone wants it looked at', async () => {
  expect(await lookAtNetwork(loadConfig({ ...images }), by)).toBeNull();
  const local = { ...images, EIREL_EXEC_MODE: 'local' };
  expect(await lookAtNetwork(loadConfig({ EIREL_EXEC_MODE: 'local' }), by)).toBeNull();
  expect(await lookAtNetwork(loadConfig({ ...local, EIREL_NETWORK_PROBE: 'off' }), by)).toBe('off');
  expect(await lookAtNetwork(loadConfig(local), by)).toMatchObject({ kind: 'unknown' });
});

test('what was found says what to do', () => {
  expect(checkNetwork({ kind: 'closed' }).status).toBe('ok');
  expect(checkNetwork({ kind: 'open', detail: 'x' })).toMatchObject({
    status: 'fault',
    found: 'x',
  });
  expect(checkNetwork({ kind: 'unknown', detail: 'x' })).toMatchObject({ status: 'unknown' });
  expect(checkNetwork('off').status).toBe('warning');
});
