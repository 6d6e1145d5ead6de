import { chmod, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { cryptoReady } from '#src/chain/hotkey.ts';
import { EXIT } from '#src/cli/exit-codes.ts';
import { devSeed, genesisFor, hotkeyOf } from '#src/cli/subnet/cast.ts';
import { type Env, environmentOf, validatorEnvironment } from '#src/cli/subnet/validators.ts';
import { type Devchain, startDevchain } from '#src/devchain/devchain.ts';
import { axonOf } from '#src/devchain/genesis-state.ts';
import type { DevNeuron, DevParams } from '#src/devchain/state.ts';
import { sha256 } from '#src/events/hash.ts';
import { createLogSecrets } from '#src/runtime/secret-files.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { type HostileServer, serveAnswer } from '../support/hostile-servers.ts';
import { PROCESS_TEST_TIMEOUT_MS } from '../support/live-until.ts';
import { type TestNatsServer, testAccount, testNatsServer } from '../support/nats-server.ts';
import { eirelHere } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

/** v1's stream is as configured, v2's was changed, v3 has none. */
const accounts = ['v1', 'v2', 'v3'].map((name) => testAccount(name, ['validator']));

/** Blocks of 12 s that are there at the start; so long ago the chain began, and a little more for those to come. */
const BLOCKS = 10;
const AGE_MS = (BLOCKS + 5) * 12_000;

/** The uid of v1. */
const UID = 7;

let dir: string;
let nats: TestNatsServer;
let axon: HostileServer;
let stranger: HostileServer;
let page: HostileServer;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  await cryptoReady();
  dir = cleanup.use(await scratchDirectory()).path;
  nats = cleanup.use(await testNatsServer({ accounts }));
  axon = cleanup.use(await serveAs('v1'));
  page = cleanup.use(await serveAnswer(200, { 'content-type': 'text/html' }, '<h1>hello</h1>'));
  stranger = cleanup.use(await serveAs('stranger'));
  for (const name of ['v1', 'v2']) {
    const admin = await nats.connectAs('admin', name);
    await applyStream(admin, streamConfig('validator'));
    if (name === 'v2') {
      const changed = { ...streamConfig('validator'), duplicate_window: 60_000_000_000 };
      await admin.request('$JS.API.STREAM.UPDATE.validator', JSON.stringify(changed));
    }
    await admin.close();
  }
});
afterAll(() => cleanup.disposeAsync());

/** An axon that answers as somebody. */
function serveAs(name: string): Promise<HostileServer> {
  const body = JSON.stringify({ hotkey: hotkeyOf(name), netuid: 36 });
  return serveAnswer(200, { 'content-type': 'application/json' }, body);
}

/** A subnet in which all is well for v1. */
async function healthy(genesisTimeMs = Date.now() - AGE_MS): Promise<Devchain> {
  const genesis = genesisFor({ v1: 400n });
  const neurons = genesis.neurons.map((neuron, uid) =>
    uid === UID ? { ...neuron, axon: axon.url.replace(/\/$/, '') } : neuron,
  );
  const chain = await startDevchain(
    { ...genesis, neurons, genesisTimeMs },
    { blockMs: null, finalityLag: 0 },
  );
  await chain.produceBlock(BLOCKS);
  return chain;
}

const Findings = z.strictObject({
  findings: z.array(
    z.strictObject({
      name: z.string(),
      status: z.enum(['ok', 'warning', 'fault', 'unknown']),
      found: z.string(),
      mend: z.string().nullable(),
    }),
  ),
});

async function settingsAt(chain: Devchain): Promise<Env> {
  return validatorEnvironment(testAccount('v1', ['validator']), {
    dir,
    natsUrl: nats.url,
    chain,
  });
}

async function examine(chain: Devchain, changes: Env = {}) {
  const env = { ...(await settingsAt(chain)), ...changes };
  const { code, out, err } = await eirelHere(['doctor', '--json'], env);
  expect(err).toBe('');
  return { code, findings: Findings.parse(JSON.parse(out)).findings };
}

const EVERYTHING =
  'settings key node clock registration permit stake weights limits axon nats stream disk signing'.split(
    ' ',
  );

test('where all is well the doctor says so of each thing, and changes nothing', async () => {
  await using chain = await healthy();
  const data = join(dir, 'not', 'made', 'yet');
  const { code, findings } = await examine(chain, { EIREL_DATA_DIR: data });
  expect(findings.map(({ name }) => name)).toEqual(EVERYTHING);
  for (const { name, status, mend } of findings) {
    // This machine may have a full disk, or one alone, or an older server.
    expect(
      ['ok', ...(['disk', 'nats', 'signing'].includes(name) ? ['warning'] : [])],
      name,
    ).toContain(status);
    expect(mend === null, name).toBe(status === 'ok');
  }
  expect(code).toBe(EXIT.ok);
  expect(await readdir(dir)).not.toContain('not');
  expect(chain.stateAt('best').nonces.size).toBe(0);

  const { out } = await eirelHere(['doctor'], await settingsAt(chain));
  expect(out).toContain(`ok       key           ${hotkeyOf('v1')}\n`);
  expect(out).toContain(`ok       node          ${chain.url}, runtime 343\n`);
  expect(out).toMatch(/^ok {7}clock {9}finalised block 10 of 6[0-9] s ago$/m);
});

const neuron = (changes: Partial<DevNeuron>) => (chain: Devchain) =>
  chain.amend((state) => ({
    ...state,
    neurons: state.neurons.map((old, uid) => (uid === UID ? { ...old, ...changes } : old)),
  }));
const rules = (changes: Partial<DevParams>) => (chain: Devchain) =>
  chain.amend((state) => ({ ...state, params: { ...state.params, ...changes } }));

type Fault = Readonly<{
  what: string;
  /** What is at fault, what is said of it, and how it is mended. */
  name: string;
  found: RegExp;
  mend: RegExp;
  /** When the chain began, where that matters. */
  genesisTimeMs?: () => number;
  change?: (chain: Devchain) => void;
  env?: () => Env | Promise<Env>;
  /** What cannot be told because of it. */
  unknown?: readonly string[];
}>;

const SEAT = ['permit', 'stake', 'weights', 'axon'];

const chainFaults: readonly Fault[] = [
  {
    what: 'no permit',
    name: 'permit',
    change: neuron({ permit: false }),
    found: /^no validator permit$/,
    mend: /the 128 with the most stake have one/,
  },
  {
    what: 'too little stake',
    name: 'stake',
    env: () => ({ EIREL_MIN_STAKE_RAO: '5000000000' }),
    found: /^0\.000 tokens, 5\.000 tokens needed$/,
    mend: /lower EIREL_MIN_STAKE_RAO/,
  },
  {
    what: 'a hotkey that is not registered',
    name: 'registration',
    env: async () => ({ EIREL_HOTKEY_SEED_FILE: await seedOf('stranger') }),
    found: /^5\S+ has no uid in subnet 36$/,
    mend: /register the hotkey/,
    unknown: SEAT,
  },
  {
    what: 'a version key that the owner raised',
    name: 'limits',
    change: rules({ weightsVersionKey: 5n }),
    found: /asks for weights of version 5, this validator sends 0/,
    mend: /EIREL_WEIGHTS_VERSION_KEY=5$/,
  },
  {
    what: 'a longer vector that the owner asks for',
    name: 'limits',
    change: rules({ minAllowedWeights: 8 }),
    found: /asks for 8 weights, a vector here has 1/,
    mend: /EIREL_MIN_VECTOR_LENGTH=8 on every validator/,
  },
  {
    what: 'a short activity cutoff',
    name: 'weights',
    change: rules({ activityCutoff: 300 }),
    found: /who is silent for 300 does not count/,
    mend: /EIREL_WEIGHT_INTERVAL_BLOCKS to 150 or less/,
  },
  {
    what: 'a clock that is behind the chain',
    name: 'clock',
    genesisTimeMs: () => Date.now(),
    found: /^this machine is 1[0-9]{2} s behind the chain$/,
    mend: /NTP/,
  },
  {
    what: 'a chain that stands still, or a clock that is ahead',
    name: 'clock',
    genesisTimeMs: () => Date.now() - 3_600_000,
    found: /^finalised block 11 of 3[0-9]{3} s ago$/,
    mend: /finality stalls, or this clock is ahead/,
  },
  {
    what: 'a chain that does not answer',
    name: 'node',
    env: () => ({ EIREL_CHAIN_ENDPOINTS: 'ws://127.0.0.1:1' }),
    found: /^unavailable: .*ws:\/\/127\.0\.0\.1:1/,
    mend: /EIREL_CHAIN_ENDPOINTS/,
    unknown: ['registration', 'limits', ...SEAT],
  },
  {
    what: 'a node of another network',
    name: 'node',
    env: () => ({ EIREL_CHAIN_GENESIS: sha256('another') }),
    found: /^unavailable: .*genesis/,
    mend: /of the network in EIREL_CHAIN_GENESIS/,
    unknown: ['registration', 'limits', ...SEAT],
  },
];

const otherFaults: readonly Fault[] = [
  {
    what: 'no axon on chain',
    name: 'axon',
    change: neuron({ axon: null }),
    found: /^none on chain/,
    mend: /eirel axon serve/,
  },
  {
    what: 'another server at the axon',
    name: 'axon',
    change: (chain) => withAxonPort(chain, Number(new URL(page.url).port)),
    found: /: no validator answers there, but something does, with status 200$/,
    mend: /eirel axon serve/,
  },
  {
    what: 'an axon that nobody answers at',
    name: 'axon',
    change: (chain) => withAxonPort(chain, 1),
    found: /^http:\/\/127\.0\.0\.1:1: unreachable: /,
    mend: /start the validator, open the port/,
  },
  {
    what: "somebody else at this validator's axon",
    name: 'axon',
    change: (chain) => withAxonPort(chain, Number(new URL(stranger.url).port)),
    found: /^http:\/\/127\.0\.0\.1:[0-9]+ answers as 5/,
    mend: /the address of this validator/,
  },
  {
    what: 'a stream that was changed',
    name: 'stream',
    env: () => signedInAs('v2'),
    found: /^duplicate_window: expected 120000000000, found 60000000000$/,
    mend: /restored by hand/,
  },
  {
    what: 'no stream',
    name: 'stream',
    env: () => signedInAs('v3'),
    found: /^stream: expected "validator", found nothing$/,
    mend: /eirel streams apply/,
  },
  {
    what: 'a nats-server that does not answer',
    name: 'nats',
    env: () => ({ EIREL_NATS_URL: 'nats://127.0.0.1:1' }),
    found: /nats:\/\/127\.0\.0\.1:1.*ECONNREFUSED/,
    mend: /EIREL_NATS_URL/,
    unknown: ['stream'],
  },
  {
    what: 'a seed that others can read',
    name: 'key',
    env: async () => {
      const file = await seedOf('v1');
      await chmod(file, 0o644);
      return { EIREL_HOTKEY_SEED_FILE: file };
    },
    found: /mode 644, expected: readable by its owner only/,
    mend: /eirel keys/,
    unknown: ['registration', ...SEAT],
  },
  {
    what: 'no address of the owner, whose pick the mode sets',
    name: 'settings',
    env: () => ({ EIREL_WEIGHT_MODE: 'owner' }),
    found: /^EIREL_OWNER_URL: not set/,
    mend: /eirel validator --help/,
  },
  {
    what: 'a file in the place of the data',
    name: 'disk',
    env: async () => ({ EIREL_DATA_DIR: join(await seedOf('v1'), 'data') }),
    found: /ENOTDIR/,
    mend: /EIREL_DATA_DIR/,
  },
  {
    what: 'keys without the database that they belong to',
    name: 'signing',
    env: async () => {
      const signing = await mkdtemp(join(dir, 'signing-'));
      await createLogSecrets(signing);
      return { EIREL_SIGNING_DIR: signing };
    },
    found: /has keys and no signing.db/,
    mend: /never an older copy/,
  },
];

/** A file of its own for a seed, as the validator wants it. */
async function seedOf(name: string): Promise<string> {
  const file = join(await mkdtemp(join(dir, 'seed-')), 'hotkey.seed');
  await writeFile(file, devSeed(name), { mode: 0o600 });
  return file;
}

/** Signs in as another account, under the same hotkey. */
function signedInAs(name: string): Promise<Env> {
  return environmentOf(testAccount(name, ['validator']), 'writer', { dir, natsUrl: nats.url });
}

function withAxonPort(chain: Devchain, port: number): void {
  neuron({ axon: axonOf(`http://127.0.0.1:${port}`) })(chain);
}

test.for([...chainFaults, ...otherFaults])(
  'the doctor finds $what, and says how to mend it',
  async ({ name, found, mend, genesisTimeMs, change, env, unknown = [] }) => {
    await using chain = await healthy(genesisTimeMs?.());
    change?.(chain);
    await chain.produceBlock();
    const { code, findings } = await examine(chain, await env?.());
    const of = (wanted: string) => findings.filter(({ status }) => status === wanted);
    expect(of('fault').map((each) => each.name)).toEqual([name]);
    expect(of('fault')).toMatchObject([
      { found: expect.stringMatching(found), mend: expect.stringMatching(mend) },
    ]);
    expect(
      of('unknown')
        .map((each) => each.name)
        .toSorted(),
    ).toEqual([...unknown, ...(name === 'node' ? ['clock'] : [])].toSorted());
    expect(findings.map((each) => each.name)).toEqual(EVERYTHING);
    expect(code).toBe(EXIT.mismatch);
  },
);
